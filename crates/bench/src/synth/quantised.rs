use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context, Result, bail};
use gguf::{ALIGNMENT, BlockKind, Entry, NewTensor, header};
use model::ModelConfig;
use progress::progress_of_bytes;
use rayon::prelude::*;
use serde_json::Value;

use super::blocks::fill;
use super::random::mixed;
use super::vocabulary;

/// Writes one GGUF file in the mixture of types that llama.cpp calls Q4_K_M, with the metadata that
/// it and Roleswap need.
///
/// # Errors
/// A shape of another family than Gemma 2, one whose rows are not whole blocks, a tokenizer that
/// doesn't fit, and what the operating system reports.
pub fn write_gguf(
    like: &str,
    shape: &Value,
    config: &ModelConfig,
    tokenizer: &Path,
    out: &Path,
    seed: u64,
) -> Result<()> {
    let mut entries = metadata(like, shape)?;
    entries.extend(vocabulary::entries(tokenizer, config.vocab_size)?);
    let layers = config.layers.len();
    let tensors: Vec<NewTensor> = config
        .tensors()
        .into_iter()
        .map(|(name, shape)| tensor(&name, shape, layers))
        .collect::<Result<_>>()?;
    let mut file = BufWriter::new(fs_err::File::create(out)?);
    file.write_all(&header(&entries, &tensors))?;
    let bar = progress_of_bytes(tensors.iter().map(|tensor| tensor.bytes() as u64).sum(), "synth");
    for (index, tensor) in tensors.iter().enumerate() {
        let seed = mixed(seed ^ mixed(index as u64));
        write_tensor(&mut file, tensor, seed)?;
        bar.inc(tensor.bytes() as u64);
    }
    bar.finish_and_clear();
    Ok(file.flush()?)
}

/// The keys of the architecture, which are those that llama.cpp's converter writes.
fn metadata(like: &str, shape: &Value) -> Result<Vec<(&'static str, Entry)>> {
    if shape["model_type"] != "gemma2" {
        bail!(
            "{like}: only shapes of Gemma 2 can be written as GGUF; name one, or a folder instead of a .gguf file"
        );
    }
    let count = |key: &str| {
        let number = shape[key].as_u64().and_then(|number| u32::try_from(number).ok());
        number
            .map(Entry::U32)
            .with_context(|| format!("the shape has no {key}"))
    };
    let number = |key: &str| {
        let number = shape[key]
            .as_f64()
            .with_context(|| format!("the shape has no {key}"))?;
        Ok::<Entry, anyhow::Error>(Entry::F32(number as f32))
    };
    Ok(vec![
        ("general.architecture", Entry::Text("gemma2".to_owned())),
        (
            "general.name",
            Entry::Text(format!("random weights in the shape of {like}")),
        ),
        ("general.file_type", Entry::U32(Q4_K_M)),
        ("general.quantization_version", Entry::U32(2)),
        ("gemma2.context_length", count("max_position_embeddings")?),
        ("gemma2.embedding_length", count("hidden_size")?),
        ("gemma2.block_count", count("num_hidden_layers")?),
        ("gemma2.feed_forward_length", count("intermediate_size")?),
        ("gemma2.attention.head_count", count("num_attention_heads")?),
        ("gemma2.attention.head_count_kv", count("num_key_value_heads")?),
        ("gemma2.attention.key_length", count("head_dim")?),
        ("gemma2.attention.value_length", count("head_dim")?),
        ("gemma2.attention.layer_norm_rms_epsilon", number("rms_norm_eps")?),
        ("gemma2.attention.sliding_window", count("sliding_window")?),
        ("gemma2.attn_logit_softcapping", number("attn_logit_softcapping")?),
        (
            "gemma2.final_logit_softcapping",
            number("final_logit_softcapping")?,
        ),
    ])
}

/// The number of the mixture in llama.h (`LLAMA_FTYPE_MOSTLY_Q4_K_M`).
const Q4_K_M: u32 = 15;

/// The tensor under llama.cpp's name and in its type.
fn tensor(name: &str, shape: Vec<usize>, layers: usize) -> Result<NewTensor> {
    let parts: Vec<&str> = name.split('.').collect();
    let (name, kind) = match parts.as_slice() {
        ["model", "embed_tokens", "weight"] => ("token_embd.weight".to_owned(), BlockKind::Q6K),
        ["model", "norm", "weight"] => ("output_norm.weight".to_owned(), BlockKind::F32),
        ["model", "layers", layer, part @ .., "weight"] => {
            let part = in_layer(part).with_context(|| format!("no name for {name} in GGUF files"))?;
            let kind = kind(part, layer.parse()?, layers);
            (format!("blk.{layer}.{part}.weight"), kind)
        }
        _ => bail!("no name for {name} in GGUF files"),
    };
    let inputs = shape.last().copied().unwrap_or_default();
    let kind = fitting(kind, inputs);
    if !inputs.is_multiple_of(kind.block_elements()) {
        bail!("{name}: rows of {inputs} numbers are not whole blocks of {kind}; name another shape");
    }
    Ok(NewTensor { name, shape, kind })
}

fn in_layer(part: &[&str]) -> Option<&'static str> {
    Some(match part {
        ["input_layernorm"] => "attn_norm",
        ["self_attn", "q_proj"] => "attn_q",
        ["self_attn", "k_proj"] => "attn_k",
        ["self_attn", "v_proj"] => "attn_v",
        ["self_attn", "o_proj"] => "attn_output",
        ["post_attention_layernorm"] => "post_attention_norm",
        ["pre_feedforward_layernorm"] => "ffn_norm",
        ["mlp", "gate_proj"] => "ffn_gate",
        ["mlp", "up_proj"] => "ffn_up",
        ["mlp", "down_proj"] => "ffn_down",
        ["post_feedforward_layernorm"] => "post_ffw_norm",
        _ => return None,
    })
}

/// More bits for values and down projections in the first and the last eighth of the layers, and in
/// every third between. Source: `use_more_bits` and what calls it in src/llama-quant.cpp of
/// <https://github.com/ggml-org/llama.cpp>.
fn kind(part: &str, layer: usize, layers: usize) -> BlockKind {
    let eighth = layers / 8;
    let more_bits = layer < eighth || layer >= 7 * layers / 8 || layer.saturating_sub(eighth) % 3 == 2;
    match part {
        _ if part.ends_with("norm") => BlockKind::F32,
        "attn_v" | "ffn_down" if more_bits => BlockKind::Q6K,
        _ => BlockKind::Q4K,
    }
}

/// What llama.cpp takes in place of a type whose blocks don't divide the rows.
fn fitting(kind: BlockKind, inputs: usize) -> BlockKind {
    match kind {
        BlockKind::Q4K if !inputs.is_multiple_of(256) => BlockKind::Q5_0,
        BlockKind::Q6K if !inputs.is_multiple_of(256) => BlockKind::Q8_0,
        kind => kind,
    }
}

/// The blocks of one task, and of one piece that is held.
const BLOCKS: usize = 4096;
const TASKS: usize = 16;

fn write_tensor(file: &mut impl std::io::Write, tensor: &NewTensor, seed: u64) -> Result<()> {
    let task = BLOCKS * tensor.kind.block_bytes();
    let mut piece = vec![0; (TASKS * task).min(tensor.bytes())];
    let mut written = 0;
    while written < tensor.bytes() {
        let bytes = &mut piece[..(TASKS * task).min(tensor.bytes() - written)];
        let first = (written / task) as u64;
        bytes.par_chunks_mut(task).enumerate().for_each(|(index, bytes)| {
            fill(
                tensor.kind,
                bytes,
                seed.wrapping_add((first + index as u64) << 32),
            );
        });
        file.write_all(bytes)?;
        written += bytes.len();
    }
    let padding = tensor.bytes().next_multiple_of(ALIGNMENT) - tensor.bytes();
    Ok(file.write_all(&[0; ALIGNMENT][..padding])?)
}
