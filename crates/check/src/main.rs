//! `cargo xtask check-results`: whether the files of a run are what `docs/schemas.md` says.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use check::{Report, check_results};
use clap::Parser;
use terminal::{Output, print_failure};

/// Checks the files of a run against the contract of their tables
#[derive(Parser)]
struct Arguments {
    /// The folder of a run's results; `cargo xtask check-results` fills it in
    results: PathBuf,
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments: Arguments = terminal::parsed();
    match check_results(&arguments.results) {
        Ok(report) => {
            if arguments.json {
                print_json(&report);
            } else {
                print_text(&report);
            }
            if report.problems.is_empty() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            print_failure("the results can't be checked", &error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn print_json(report: &Report) {
    match serde_json::to_string_pretty(report) {
        Ok(text) => print(&(text + "\n")),
        Err(error) => terminal::remark(format_args!("error: {error}")),
    }
}

fn print_text(report: &Report) {
    let mut lines: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    let rows: usize = report.tables.iter().map(|table| table.rows).sum();
    lines.push(format!(
        "{}: {} tables with {rows} rows, {} problems",
        report.results.display(),
        report.tables.len(),
        report.problems.len()
    ));
    if !report.not_run.is_empty() {
        lines.push(format!("not run: {}", report.not_run.join(", ")));
    }
    print(&(lines.join("\n") + "\n"));
}

fn print(text: &str) {
    if let Err(error) = Output.write_all(text.as_bytes()) {
        print_failure("standard output", &error.to_string());
    }
}
