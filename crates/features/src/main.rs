//! The stage `features`: see the library.

use std::process::ExitCode;

use results::run_stage;
use terms::Stage;

fn main() -> ExitCode {
    run_stage(Stage::Features, features::run)
}
