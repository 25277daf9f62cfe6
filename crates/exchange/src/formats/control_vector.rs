//! Control vectors as llama.cpp loads them (`--control-vector`): a GGUF file with tensors
//! `direction.N`.
//!
//! llama.cpp reads only the tensors, and refuses a file with a `direction.0`: what it adds to the
//! output of block N is at `hidden * (N - 1)` of its buffer, so that block 0 can't be steered.
//! repeng wants `controlvector.model_hint`. repeng names what it measured after the 0-based block N
//! `direction.N`; llama.cpp's own cvector-generator names it `direction.N+1`
//! (`tools/cvector-generator`, `pca.hpp` and `mean.hpp`).

use std::collections::BTreeMap;

use gguf::{BlockKind, Entry, GgufFile, TensorInfo, Value, dequantize};

use super::Found;
use crate::{Origin, Vector};

const ARCHITECTURE: &str = "controlvector";

/// Leaves out layer 0.
pub fn encode(vector: &Vector, origin: &Origin) -> Vec<u8> {
    let tensors: Vec<(String, &[f32])> = vector
        .present()
        .filter(|(layer, _)| *layer > 0)
        .map(|(layer, row)| (format!("direction.{layer}"), row))
        .collect();
    let model_type = origin.get("model_type").unwrap_or_default();
    let ours = origin.entries();
    let mut entries = vec![
        ("general.architecture", Entry::Text(ARCHITECTURE.to_owned())),
        // The architecture as llama.cpp calls it, where transformers tells text models from others.
        (
            "controlvector.model_hint",
            Entry::Text(model_type.trim_end_matches("_text").to_owned()),
        ),
        ("controlvector.layer_count", Entry::U32(tensors.len() as u32)),
        ("roleswap.vector", Entry::Text(vector.name.clone())),
    ];
    entries.extend(
        ours.iter()
            .map(|(key, value)| (key.as_str(), Entry::Text(value.clone()))),
    );
    gguf::write_f32(&entries, &tensors)
}

/// Writers of control vectors that name a tensor's 0-based block, 0 included, where llama.cpp has
/// no block 0: EasySteer, which adds the key `controlvector.method`, and what vLLM's steering calls
/// such a file.
fn has_block_0(architecture: &str, file: &GgufFile) -> bool {
    architecture == "steervector" || file.metadata().get("controlvector.method").is_some()
}

/// Also gives what a reader should know about the file though it can be read.
pub fn decode(bytes: &[u8]) -> Result<(Found, Vec<&'static str>), String> {
    let file = GgufFile::parse(bytes)?;
    let architecture = file.metadata().text("general.architecture")?.unwrap_or("none");
    if ![ARCHITECTURE, "steervector"].contains(&architecture) {
        return Err(format!(
            "`general.architecture` is \"{architecture}\", and that of a control vector is \"{ARCHITECTURE}\"; name the \
             file of the vector, not that of a model"
        ));
    }
    let mut rows = BTreeMap::new();
    for tensor in file.tensors() {
        let layer = layer_of(&tensor.name)?;
        if layer == 0 && !has_block_0(architecture, &file) {
            return Err(
                "it has a `direction.0`, which llama.cpp refuses too: `direction.N` is added to the output of the \
                 0-based block N, and block 0 can't be steered there; if its blocks are counted from 0, save it as \
                 safetensors or .npy"
                    .to_owned(),
            );
        }
        rows.insert(layer, (tensor.name.clone(), row_of(tensor, bytes)?));
    }
    if rows.is_empty() {
        return Err("it has no `direction.N`; was it cut off while it was written?".to_owned());
    }
    let remarks = remarks(&file, &rows);
    Ok((Found::Named(rows), remarks))
}

fn layer_of(name: &str) -> Result<usize, String> {
    let number = name.strip_prefix("direction.");
    number.and_then(|number| number.parse().ok()).ok_or_else(|| {
        format!(
            "tensor `{name}` is no `direction.N` with the number of a layer; leave it out, or name it by its layer"
        )
    })
}

fn row_of(tensor: &TensorInfo, bytes: &[u8]) -> Result<Vec<f32>, String> {
    let (kind, range) = tensor.blocks()?;
    let is_row = tensor.shape.iter().filter(|size| **size != 1).count() <= 1;
    if kind != BlockKind::F32 || !is_row {
        return Err(format!(
            "tensor `{}` is {kind} {:?}; a control vector has F32 tensors of one dimension: write it again with \
             `.astype(\"float32\")`",
            tensor.name, tensor.shape
        ));
    }
    let mut row = vec![0.0; tensor.elements()];
    dequantize(kind, &bytes[range], &mut row);
    Ok(row)
}

fn remarks(file: &GgufFile, rows: &BTreeMap<usize, (String, Vec<f32>)>) -> Vec<&'static str> {
    // llama.cpp's generator alone stores the count as a signed number (`gguf_set_val_i32`), and
    // always begins at 1.
    let count = file.metadata().get("controlvector.layer_count");
    let is_generators =
        count == Some(&Value::Signed(rows.len() as i64)) && rows.keys().copied().eq(1..=rows.len());
    let hint = file.metadata().text("controlvector.model_hint").ok().flatten();
    let is_others = hint.is_some_and(|hint| !hint.is_empty() && !hint.to_lowercase().starts_with("gemma"));
    let all = [(is_generators, OF_GENERATOR), (is_others, OF_ANOTHER_MODEL)];
    all.into_iter()
        .filter_map(|(is_so, remark)| is_so.then_some(remark))
        .collect()
}

const OF_GENERATOR: &str = "it looks like a file of llama.cpp's cvector-generator, which calls what it measured after block N \
                            `direction.N+1`. It is read as llama.cpp applies it, one layer later than it was measured; \
                            docs/recipes.md says how to have each vector at its own layer";
const OF_ANOTHER_MODEL: &str = "`controlvector.model_hint` says that it was made for a model that is not a Gemma; across models \
                                neither cosines nor steering mean anything";
