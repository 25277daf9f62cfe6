//! Trains the sparse autoencoder that ships, on the embedded model, and saves it as SAELens does:
//!
//! ```text
//! cargo run -p tiny --bin autoencoder
//! ```

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::Parser;
use half::bf16;
use pipeline::Pipeline;
use safetensors::serialize;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::json;
use terminal::{Output, parsed};
use tiny::autoencoder::{Settings, Trained, train};
use tiny::control::Control;
use tokenizers::Tokenizer;

/// Trains a sparse autoencoder on the embedded model's residual stream
#[derive(Parser)]
struct Arguments {
    /// Seed of weights, conversations and batches
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Where the autoencoder goes
    #[arg(long, value_name = "FOLDER", default_value = "data/tiny-sae")]
    output: PathBuf,
    /// The embedded model, and what it is judged with
    #[arg(long, value_name = "FILE", default_value = "pipelines/tiny.toml")]
    pipeline: PathBuf,
}

fn main() -> ExitCode {
    progress::start_log();
    terminal::finish("the training failed", run(&parsed()))
}

fn run(arguments: &Arguments) -> Result<()> {
    let pipeline = Pipeline::read(&arguments.pipeline, &[])?;
    let control = Control::open(&pipeline.model.source, &pipeline)?;
    let settings = Settings::new(arguments.seed);
    let tokenizer = Tokenizer::from_file(pipeline.model.source.join("tokenizer.json"));
    let tokenizer = tokenizer.map_err(|error| anyhow!("the embedded model's tokenizer: {error}"))?;
    let trained = train(control.network()?, &tokenizer, &settings)?;
    save(&trained, &settings, &arguments.output)?;
    writeln!(
        Output,
        "seed {}: {} features, {} active on average, {:.3} of the variance unexplained",
        settings.seed, settings.features, settings.k, trained.unexplained
    )?;
    Ok(())
}

/// The folder of `SAE.save_model` of SAELens 6, with weights in bf16.
fn save(trained: &Trained, settings: &Settings, folder: &Path) -> Result<()> {
    fs_err::create_dir_all(folder)?;
    let (hidden, features) = (trained.b_dec.len(), trained.b_enc.len());
    let tensors = [
        ("W_dec", vec![features, hidden], &trained.w_dec),
        ("W_enc", vec![hidden, features], &trained.w_enc),
        ("b_dec", vec![hidden], &trained.b_dec),
        ("b_enc", vec![features], &trained.b_enc),
        ("threshold", vec![features], &trained.threshold),
    ];
    let bytes = tensors.map(|(name, shape, values)| {
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| bf16::from_f32(*value).to_le_bytes())
            .collect();
        (name, shape, bytes)
    });
    let views = bytes
        .iter()
        .map(|(name, shape, bytes)| Ok((*name, TensorView::new(Dtype::BF16, shape.clone(), bytes)?)));
    let views = views.collect::<Result<Vec<_>>>()?;
    fs_err::write(folder.join("sae_weights.safetensors"), serialize(views, None)?)?;
    let config = json!({
        "architecture": "jumprelu",
        "d_in": hidden,
        "d_sae": features,
        "dtype": "bfloat16",
        "device": "cpu",
        "apply_b_dec_to_input": true,
        "normalize_activations": "none",
        "reshape_activations": "none",
        "metadata": {
            "model_name": "Roleswap Tiny",
            "hook_name": format!("blocks.{}.hook_resid_post", settings.layer),
            "sae_lens_version": "6.0.0",
        },
    });
    Ok(fs_err::write(
        folder.join("cfg.json"),
        serde_json::to_string_pretty(&config)? + "\n",
    )?)
}
