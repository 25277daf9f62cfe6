//! Trains the embedded model, saves it, and prints how it does in the positive control; `cargo
//! xtask train` runs it.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use pipeline::Pipeline;
use terminal::{Output, parsed};
use tiny::control::Control;
use tiny::{checkpoint, train};

/// The seed of the weights in `data/tiny`.
const SHIPPED_SEED: u64 = 1;

/// Trains the embedded model from the conversation grammar and prints the positive control's
/// figures
#[derive(Parser)]
#[command(bin_name = "cargo xtask train")]
struct Arguments {
    /// Seed of weights, conversations and their order
    #[arg(long, value_name = "N", default_value_t = SHIPPED_SEED)]
    seed: u64,
    /// Where the model goes
    #[arg(long, value_name = "FOLDER", default_value = "data/tiny")]
    output: PathBuf,
    /// Only judges the model that is in the output folder
    #[arg(long)]
    judge_only: bool,
    /// Also tries every layer with a range of coefficients
    #[arg(long)]
    sweep: bool,
    /// Whose prompts, conditions, layer and coefficient count
    #[arg(long, value_name = "FILE", default_value = "pipelines/tiny.toml")]
    pipeline: PathBuf,
}

fn main() -> ExitCode {
    progress::start_log();
    terminal::finish("the training failed", run(&parsed()))
}

fn run(arguments: &Arguments) -> Result<()> {
    let folder = &arguments.output;
    if !arguments.judge_only {
        let settings = train::Settings::new(arguments.seed);
        let trained = train::train(&settings, None)?;
        checkpoint::save(&trained, folder)?;
        writeln!(
            Output,
            "seed {}: loss {:.3}, held-out perplexity {:.3}",
            settings.seed, trained.last_loss, trained.held_out_perplexity
        )?;
    }
    let pipeline = Pipeline::read(&arguments.pipeline, &[])?;
    let control = Control::open(folder, &pipeline)?;
    print_roles(&control)?;
    let (layer, coefficient) = dose(&pipeline)?;
    print_steering(&control, layer, coefficient)?;
    if arguments.sweep {
        print_sweep(&control)?;
    }
    Ok(())
}

/// The layer and coefficient that the pipeline fixes.
fn dose(pipeline: &Pipeline) -> Result<(usize, f64)> {
    let set = pipeline
        .steer
        .sets
        .iter()
        .find(|set| set.name == "steered")
        .context("the pipeline has no set \"steered\"")?;
    let layer = set
        .interventions
        .first()
        .and_then(|table| table.layers.first())
        .context("the set \"steered\" has no layer")?;
    let largest = set
        .coefficients
        .iter()
        .fold(0.0, |largest: f64, coefficient| largest.max(coefficient.abs()));
    Ok((usize::try_from(*layer)?, largest))
}

fn print_roles(control: &Control) -> Result<()> {
    let roles = control.roles()?;
    writeln!(
        Output,
        "within - cross by layer: {}",
        control
            .similarity_difference
            .iter()
            .map(|d| format!("{d:.3}"))
            .collect::<Vec<_>>()
            .join(" ")
    )?;
    writeln!(
        Output,
        "normal format, as the assistant: {}; swapped format, as a human: {}",
        roles.normal, roles.swapped
    )?;
    for text in &roles.texts {
        writeln!(Output, "  {:8} {:30} {}", text.condition, text.prompt, text.text)?;
    }
    Ok(())
}

fn print_steering(control: &Control, layer: usize, coefficient: f64) -> Result<()> {
    let steered = control.steered(layer, &control.contrast[layer], coefficient)?;
    writeln!(
        Output,
        "layer {layer}, coefficient {coefficient}: normal to human {}; swapped to assistant {}",
        steered.normal, steered.swapped
    )?;
    for text in &steered.texts {
        writeln!(Output, "  {:8} {:30} {}", text.condition, text.prompt, text.text)?;
    }
    let (mut to_human, mut to_assistant, mut texts) = (0, 0, 0);
    for seed in 0..10 {
        let random = control.steered(layer, &control.random_direction(layer, seed), coefficient)?;
        for text in random.texts.iter().filter(|text| control.is_turned(text)) {
            writeln!(
                Output,
                "  random {seed}: {:8} {:30} {}",
                text.condition, text.prompt, text.text
            )?;
        }
        to_human += random.normal.turned;
        to_assistant += random.swapped.turned;
        texts += random.normal.texts;
    }
    writeln!(
        Output,
        "ten random directions of the same norm: normal to human {to_human}/{texts}; swapped to assistant {to_assistant}/{texts}"
    )?;
    Ok(())
}

fn print_sweep(control: &Control) -> Result<()> {
    for layer in 0..control.contrast.len() {
        for coefficient in [0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9, 1.0] {
            let steered = control.steered(layer, &control.contrast[layer], coefficient)?;
            writeln!(
                Output,
                "layer {layer}, coefficient {coefficient}: {} and {}",
                steered.normal, steered.swapped
            )?;
        }
    }
    Ok(())
}
