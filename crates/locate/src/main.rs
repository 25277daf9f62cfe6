//! The `locate` stage; `cargo xtask locate` runs it.

use std::process::ExitCode;

fn main() -> ExitCode {
    results::run_stage(terms::Stage::Locate, locate::run)
}
