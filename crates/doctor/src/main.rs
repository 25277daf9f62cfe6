//! `cargo xtask doctor`: a line for each check, a row for each stage; exit code 1 where something
//! will fail.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use doctor::{Machine, diagnose};
use pipeline::Pipeline;
use results::{Layout, StageArguments};
use terminal::Output;

const USAGE: &str = "usage: cargo xtask doctor [--pipeline NAME] [--json]";

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => terminal::finish("the pipeline could not be examined", Err(format!("{error:#}"))),
    }
}

/// Whether nothing will fail, as far as one can see.
fn run() -> Result<bool> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments
        .iter()
        .any(|argument| argument == "--help" || argument == "-h")
    {
        writeln!(Output, "{USAGE}")?;
        return Ok(true);
    }
    let count = arguments.len();
    arguments.retain(|argument| argument != "--json");
    let wants_json = arguments.len() < count;
    let mut machine = Machine::measure();
    if let Some(place) = arguments.iter().position(|argument| argument == "--hub") {
        machine.hub_answer = arguments.drain(place..).nth(1);
    }
    let arguments = StageArguments::parse(arguments)?;
    let pipeline = Pipeline::read(&arguments.pipeline, &arguments.overrides)?;
    let layout = Layout::new(arguments.results);
    let diagnosis = diagnose(&pipeline, &layout, &machine)?;
    if wants_json {
        writeln!(Output, "{:#}", doctor::json(&diagnosis))?;
    } else {
        write!(Output, "{}", doctor::table(&diagnosis))?;
    }
    Ok(!diagnosis.has_problem())
}
