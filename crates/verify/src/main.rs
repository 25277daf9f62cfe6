//! The `verify` stage; `cargo xtask verify` runs it.

use std::process::ExitCode;

fn main() -> ExitCode {
    artifacts::run_stage(artifacts::Stage::Verify, verify::run)
}
