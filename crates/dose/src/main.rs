//! The `dose` stage; `cargo xtask dose` runs it.

use std::process::ExitCode;

fn main() -> ExitCode {
    artifacts::run_stage(artifacts::Stage::Dose, dose::run)
}
