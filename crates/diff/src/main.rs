//! `cargo xtask diff RUN_A RUN_B [--html FILE]`

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use diff::{Comparison, Run, page, summary};
use terminal::{Output, finish};

const USAGE: &str =
    "usage: cargo xtask diff RUN_A RUN_B [--html FILE]; a run is the name of a pipeline or a results folder";

fn main() -> ExitCode {
    finish("the runs can't be compared", run(std::env::args().skip(1)))
}

fn run(arguments: impl Iterator<Item = String>) -> Result<()> {
    let (mut runs, mut html) = (Vec::new(), None);
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--" => {}
            "--help" | "-h" => {
                return Ok(writeln!(Output, "{USAGE}")?);
            }
            "--html" => {
                html = Some(PathBuf::from(
                    arguments.next().context("--html needs the name of a file")?,
                ))
            }
            flag if flag.starts_with('-') => bail!("unknown option {flag}; {USAGE}"),
            _ => runs.push(argument),
        }
    }
    let [a, b] = runs.as_slice() else {
        bail!("two runs are compared, {} were named; {USAGE}", runs.len());
    };
    let (a, b) = (Run::read(&folder(a))?, Run::read(&folder(b))?);
    let comparison = Comparison::of(&a, &b);
    write!(Output, "{}", summary(&a, &b, &comparison))?;
    let html = html.unwrap_or_else(|| PathBuf::from(format!("results/{}-and-{}.html", a.name, b.name)));
    let text = page(&a, &b, &comparison)?;
    // Under another name first, so that a page is there as a whole or not at all.
    let partial = html.with_extension("partial");
    fs_err::write(&partial, text)?;
    fs_err::rename(&partial, &html)?;
    Ok(writeln!(Output, "\npage: {}", html.display())?)
}

/// A name without a separator is that of a pipeline, unless a folder of that name is here.
fn folder(run: &str) -> PathBuf {
    let path = PathBuf::from(run);
    let results = PathBuf::from("results").join(run);
    if results.is_dir() || !path.is_dir() {
        results
    } else {
        path
    }
}
