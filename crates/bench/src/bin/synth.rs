//! `cargo xtask synth --like gemma-2-9b-it OUT`

use std::path::PathBuf;
use std::process::ExitCode;

use bench::synth::{shapes, write_model};
use clap::{Parser, builder::PossibleValuesParser};

/// Writes a checkpoint of random weights in the shape of a published model
#[derive(Parser)]
#[command(bin_name = "cargo xtask synth")]
struct Arguments {
    /// The published model
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(shapes()))]
    like: String,
    /// The folder to write to, or a .gguf file for weights in the types of Q4_K_M
    out: PathBuf,
    /// The seed of the weights
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// The tokenizer's folder
    #[arg(long, value_name = "FOLDER", default_value = "data/tiny")]
    tokenizer: PathBuf,
}

fn main() -> ExitCode {
    let Arguments {
        like,
        out,
        seed,
        tokenizer,
    } = terminal::parsed();
    terminal::finish(
        "no checkpoint was written",
        write_model(&like, &tokenizer, &out, seed),
    )
}
