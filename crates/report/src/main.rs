//! The stage `report`: see the library.

use std::process::ExitCode;

use artifacts::{Stage, run_stage};

fn main() -> ExitCode {
    run_stage(Stage::Report, report::run)
}
