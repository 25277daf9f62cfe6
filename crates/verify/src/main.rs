//! The `verify` stage; `cargo xtask verify` runs it.

use std::process::ExitCode;

fn main() -> ExitCode {
    results::run_stage(terms::Stage::Verify, verify::run)
}
