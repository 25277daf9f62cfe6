//! `cargo xtask bench`: how long each part of a run takes on a checkpoint, how much memory, and how
//! close that is to what this machine can do. A table on standard error, one line of JSON on
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

use anyhow::Result;
use bench::synth;
use clap::Parser;
use terminal::{Output, finish, one_of, parsed};
use terms::Dtype;

use settings::Settings;

/// Measures each part of a run on a checkpoint
///
/// A table goes to standard error, one line of JSON to standard output.
#[derive(Parser)]
#[command(bin_name = "cargo xtask bench")]
struct Arguments {
    /// A Hugging Face folder or a GGUF file; if omitted, a random model of 450 million parameters
    checkpoint: Option<PathBuf>,
    /// The type of the activations
    #[arg(long, default_value_t, value_parser = one_of::<Dtype>(Dtype::WORDS))]
    dtype: Dtype,
    /// Tokens of each text, 2 at least
    #[arg(long, value_name = "TOKENS", default_value_t = 12, value_parser = at_least(2))]
    new: usize,
    /// How often each part runs; the median counts
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = at_least(1))]
    repeat: usize,
    /// The most likely token each time, and the texts' tokens in the JSON
    #[arg(long)]
    greedy: bool,
    /// Leaves the table out
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    finish("nothing was measured", run(parsed()))
}

/// Reads a whole number that is not smaller than this.
fn at_least(least: usize) -> impl Fn(&str) -> Result<usize, String> + Clone {
    move |text| match text.parse() {
        Ok(number) if number >= least => Ok(number),
        _ => Err(format!("this is not a whole number of {least} at least")),
    }
}

/// A model of 450 million parameters, made when it is first needed.
const DEFAULT_CHECKPOINT: &str = "target/bench/small";

fn run(arguments: Arguments) -> Result<()> {
    let settings = Settings {
        checkpoint: arguments.checkpoint.map_or_else(default_checkpoint, Ok)?,
        dtype: arguments.dtype,
        new_tokens: arguments.new,
        greedy: arguments.greedy,
        repeat: arguments.repeat,
    };
    let result = phases::run(&settings)?;
    if !arguments.json {
        tables::print(&result);
    }
    Ok(writeln!(Output, "{result}")?)
}

fn default_checkpoint() -> Result<PathBuf> {
    let folder = Path::new(DEFAULT_CHECKPOINT);
    if !folder.join("config.json").exists() {
        terminal::remark(format_args!("writing {DEFAULT_CHECKPOINT}…"));
        synth::write_model(synth::SMALL, Path::new("data/tiny"), folder, 0)?;
    }
    Ok(folder.to_owned())
}
