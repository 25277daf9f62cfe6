//! The `dose` stage; `cargo xtask dose` runs it.

use std::process::ExitCode;

fn main() -> ExitCode {
    results::run_stage(terms::Stage::Dose, dose::run)
}
