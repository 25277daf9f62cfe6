//! `cargo xtask bench`: how long each part of a run takes on a checkpoint, how much memory, and how
//! near that is to what this machine can do. A table on standard error, one line of JSON on
//! standard output.
//!
//! The work is that of the programs in `benchmarks/peers`: six prompts in two formats, all layers,
//! and texts of a fixed length (`--new`) whatever tokens come.

mod limits;
mod measure;
mod phases;
mod settings;
mod tables;
mod workload;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use bench::synth;
use terminal::Output;
use terms::Dtype;

use settings::Settings;

fn main() -> ExitCode {
    terminal::finish("nothing was measured", run(std::env::args().skip(1).collect()))
}

/// A model of 450 million parameters, made when it is first needed.
const DEFAULT_CHECKPOINT: &str = "target/bench/small";

fn run(arguments: Vec<String>) -> Result<()> {
    let (mut checkpoint, mut dtype, mut new_tokens, mut repeat) = (None, Dtype::Auto, 12, 2);
    let mut only_json = false;
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
                terminal::remark(USAGE);
                return Ok(());
            }
            "--json" => only_json = true,
            "--dtype" => {
                dtype = match value()?.as_str() {
                    "auto" => Dtype::Auto,
                    "f32" => Dtype::F32,
                    "bf16" => Dtype::Bf16,
                    other => bail!("--dtype is auto, f32 or bf16, not {other}"),
                }
            }
            "--new" => new_tokens = value()?.parse().context("--new wants a number of tokens")?,
            "--repeat" => repeat = value()?.parse().context("--repeat wants a number")?,
            flag if flag.starts_with('-') => bail!("unknown option {flag}; {USAGE}"),
            _ if checkpoint.is_none() => checkpoint = Some(PathBuf::from(argument)),
            other => bail!("one checkpoint too many: {other}; {USAGE}"),
        }
    }
    if new_tokens < 2 || repeat == 0 {
        bail!("--new must be 2 at least, and --repeat 1");
    }
    let settings = Settings {
        checkpoint: checkpoint.map_or_else(default_checkpoint, Ok)?,
        dtype,
        new_tokens,
        repeat,
    };
    let result = phases::run(&settings)?;
    if !only_json {
        tables::print(&result);
    }
    Ok(writeln!(Output, "{result}")?)
}

const USAGE: &str = "usage: cargo xtask bench [CHECKPOINT] [--dtype auto|f32|bf16] [--new TOKENS] [--repeat N] [--json]\n\
     CHECKPOINT is a Hugging Face folder or a GGUF file; left out, it is a random model of 450 million parameters. A table goes to standard error, one line\n\
     of JSON to standard output; --json leaves the table out.";

fn default_checkpoint() -> Result<PathBuf> {
    let folder = Path::new(DEFAULT_CHECKPOINT);
    if !folder.join("config.json").exists() {
        terminal::remark(format_args!("writing {DEFAULT_CHECKPOINT}…"));
        synth::write_model(synth::SMALL, Path::new("data/tiny"), folder, 0)?;
    }
    Ok(folder.to_owned())
}
