//! The `steer` stage; `cargo xtask steer` runs it.

use std::process::ExitCode;

fn main() -> ExitCode {
    artifacts::run_stage(artifacts::Stage::Steer, steer::run)
}
