//! `cargo xtask diff RUN_A RUN_B [--html FILE]`

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use diff::{Comparison, Run, page, summary};
use terminal::{Output, finish, parsed};

/// Compares two runs; each is the name of a pipeline or a folder of results
#[derive(Parser)]
#[command(bin_name = "cargo xtask diff")]
struct Arguments {
    run_a: String,
    run_b: String,
    /// The page to write; `results/RUN_A-and-RUN_B.html` if omitted
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

fn main() -> ExitCode {
    finish("the runs can't be compared", run(parsed()))
}

fn run(Arguments { run_a, run_b, html }: Arguments) -> Result<()> {
    let (a, b) = (Run::read(&folder(&run_a))?, Run::read(&folder(&run_b))?);
    let comparison = Comparison::of(&a, &b)?;
    write!(Output, "{}", summary(&a, &b, &comparison))?;
    let html = html.unwrap_or_else(|| PathBuf::from(format!("results/{}-and-{}.html", a.name, b.name)));
    let text = page(&a, &b, &comparison)?;
    // Under another name first, so that a page is complete or not there at all.
    let partial = html.with_extension("partial");
    fs_err::write(&partial, text)?;
    fs_err::rename(&partial, &html)?;
    Ok(writeln!(Output, "\npage: {}", html.display())?)
}

/// A name without a separator is that of a pipeline, unless a folder of that name exists here.
fn folder(run: &str) -> PathBuf {
    let path = PathBuf::from(run);
    let results = PathBuf::from("results").join(run);
    if results.is_dir() || !path.is_dir() {
        results
    } else {
        path
    }
}
