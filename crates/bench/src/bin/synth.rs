//! `cargo xtask synth --like gemma-2-9b-it OUT`

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use bench::synth::{shapes, write_model};

fn main() -> ExitCode {
    terminal::finish(
        "no checkpoint was written",
        run(std::env::args().skip(1).collect()),
    )
}

fn run(arguments: Vec<String>) -> Result<()> {
    let (mut like, mut out, mut seed, mut tokenizer) = (None, None, 0, PathBuf::from("data/tiny"));
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .with_context(|| format!("{argument} needs a value"))
        };
        match argument.as_str() {
            "--" => {}
            "--help" | "-h" => {
                terminal::remark(usage());
                return Ok(());
            }
            "--like" => like = Some(value()?),
            "--seed" => seed = value()?.parse().context("--seed wants a whole number")?,
            "--tokenizer" => tokenizer = PathBuf::from(value()?),
            flag if flag.starts_with('-') => bail!("unknown option {flag}; {}", usage()),
            _ if out.is_none() => out = Some(PathBuf::from(argument)),
            other => bail!("one folder too many: {other}; {}", usage()),
        }
    }
    match (like, out) {
        (Some(like), Some(out)) => write_model(&like, &tokenizer, &out, seed),
        _ => bail!("{}", usage()),
    }
}

fn usage() -> String {
    format!(
        "usage: cargo xtask synth --like NAME OUT [--seed N] [--tokenizer FOLDER]\n\
         NAME is one of {}. The tokenizer is the embedded model's, unless another folder is named.",
        shapes().join(", ")
    )
}
