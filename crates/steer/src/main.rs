//! The `steer` stage; `cargo xtask steer` runs it.

use std::process::ExitCode;

fn main() -> ExitCode {
    results::run_stage(terms::Stage::Steer, steer::run)
}
