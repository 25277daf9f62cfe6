//! `cargo xtask doctor`: a line for each check, a row for each stage; exit code 1 where something
//! will fail.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use doctor::{Machine, diagnose};
use results::StageArguments;
use terminal::Output;

/// Checks this machine against a pipeline, and estimates each stage
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    stage: StageArguments,
    /// Prints JSON
    #[arg(long)]
    json: bool,
    /// What the hub said of the model, as `fetch --ask` prints it
    #[arg(long, hide = true)]
    hub: Option<String>,
}

fn main() -> ExitCode {
    match run(terminal::parsed()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => terminal::finish("the pipeline could not be examined", Err(format!("{error:#}"))),
    }
}

/// Whether nothing will fail, as far as one can see.
fn run(arguments: Arguments) -> Result<bool> {
    let (pipeline, layout) = arguments.stage.read()?;
    let machine = Machine {
        hub_answer: arguments.hub,
        ..Machine::measure()
    };
    let diagnosis = diagnose(&pipeline, &layout, &machine)?;
    if arguments.json {
        writeln!(Output, "{:#}", doctor::json(&diagnosis))?;
    } else {
        write!(Output, "{}", doctor::table(&diagnosis))?;
    }
    Ok(!diagnosis.has_problem())
}
