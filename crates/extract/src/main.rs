//! The `extract` stage; `cargo xtask extract` runs it.

use std::process::ExitCode;

fn main() -> ExitCode {
    results::run_stage(terms::Stage::Extract, extract::run)
}
