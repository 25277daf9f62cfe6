//! The stage `report`: see the library.

use std::process::ExitCode;

use results::run_stage;
use terms::Stage;

fn main() -> ExitCode {
    run_stage(Stage::Report, report::run)
}
