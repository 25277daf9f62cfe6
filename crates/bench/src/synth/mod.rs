//! Checkpoints of random weights in the exact shapes of the published models, to try a machine with
//! before gigabytes are downloaded, and to measure memory and speed without the real weights. What
//! they generate means nothing.

mod blocks;
mod quantised;
mod random;
mod vocabulary;
mod weights;

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use model::{ModelConfig, benchmark_config, published_config, published_models};
use serde_json::{Value, json};

pub use quantised::write_gguf;
pub use weights::write_weights;

/// The shape of [`benchmark_config`], which doesn't belong to a published model.
pub const SMALL: &str = "small";

/// The names of the available shapes: those of published models, and [`SMALL`].
pub fn shapes() -> Vec<&'static str> {
    let mut names = published_models();
    names.push(SMALL);
    names
}

/// The `config.json` of a shape; `None` for a name that is not in [`shapes`].
pub fn shape(name: &str) -> Option<Value> {
    match name {
        SMALL => Some(benchmark_config()),
        _ => published_config(name),
    }
}

/// Writes the folder of a model: configuration, bf16 weights in shards with their index, and the
/// tokenizer in `tokenizer` (a folder), whose vocabulary may be smaller than the shape's. If `out`
/// ends in `.gguf`, it is one file in quantised types instead, see [`write_gguf`]. The same seed
/// gives the same bytes.
///
/// # Errors
/// An unknown shape, a folder that is not empty, a file that exists, what [`write_gguf`] refuses,
/// and what the operating system reports.
pub fn write_model(like: &str, tokenizer: &Path, out: &Path, seed: u64) -> Result<()> {
    let config_json = shape(like)
        .with_context(|| format!("no shape is called \"{like}\"; there are {}", shapes().join(", ")))?;
    let config = ModelConfig::from_json(&config_json).map_err(|message| anyhow!("{like}: {message}"))?;
    if out.extension().is_some_and(|extension| extension == "gguf") {
        if out.exists() {
            bail!("{} exists; name a new file", out.display());
        }
        // Renamed when it is whole, so that an unfinished file is not mistaken for a model.
        let partial = out.with_extension("gguf.partial");
        write_gguf(like, &config_json, &config, tokenizer, &partial, seed)?;
        return Ok(fs_err::rename(partial, out)?);
    }
    if out.exists() && fs_err::read_dir(out)?.next().is_some() {
        bail!("{} is not empty; name a new folder", out.display());
    }
    fs_err::create_dir_all(out)?;
    for name in [
        "tokenizer.json",
        "tokenizer_config.json",
        "generation_config.json",
    ] {
        let source = tokenizer.join(name);
        if source.exists() {
            fs_err::copy(&source, out.join(name))?;
        }
    }
    write_weights(&config, out, seed, SHARD_BYTES)?;
    // Written last, so that an unfinished folder is not mistaken for a model.
    let mut with_note = config_json;
    with_note["_note"] = json!(format!(
        "random weights, seed {seed}, written by `cargo xtask synth`"
    ));
    let text = serde_json::to_string_pretty(&with_note)?;
    Ok(fs_err::write(out.join("config.json"), text + "\n")?)
}

/// The size of published shards.
const SHARD_BYTES: usize = 4_950_000_000;
