//! The `extract` stage; `cargo xtask extract` runs it.

use std::process::ExitCode;

fn main() -> ExitCode {
    artifacts::run_stage(artifacts::Stage::Extract, extract::run)
}
