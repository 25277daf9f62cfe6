//! The `steer` stage; `cargo xtask steer` runs it.

use std::process::ExitCode;

use steer::Steering;

fn main() -> ExitCode {
    results::run_sharded_stage(terms::Stage::Steer, Steering::new)
}
