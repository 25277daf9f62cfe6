//! Control vectors as llama.cpp loads them (`--control-vector`): a GGUF file with tensors `direction.N`.
//!
//! llama.cpp reads nothing but the tensors, and refuses a file with a `direction.0`: what it adds to the output of block N
//! lies at `hidden * (N - 1)` of its buffer, so that block 0 can't be steered. repeng wants `controlvector.model_hint`.
//! (llama.cpp's own cvector-generator names what it measured after block N `direction.N+1`.)

use gguf::{BlockKind, Entry, GgufFile, dequantize};

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

/// The number of a layer below which no file of vectors goes; it keeps a wrong name from asking for much memory.
const MOST_LAYERS: usize = 1 << 12;

pub fn decode(bytes: &[u8]) -> Result<Found, String> {
    let file = GgufFile::parse(bytes)?;
    let architecture = file.metadata().text("general.architecture")?.unwrap_or("none");
    if architecture != ARCHITECTURE {
        return Err(format!(
            "`general.architecture` is \"{architecture}\", and that of a control vector is \"{ARCHITECTURE}\""
        ));
    }
    let mut rows: Vec<Option<Vec<f32>>> = Vec::new();
    for tensor in file.tensors() {
        let name = &tensor.name;
        let number = name
            .strip_prefix("direction.")
            .and_then(|number| number.parse().ok());
        let layer: usize = number
            .filter(|layer| *layer < MOST_LAYERS)
            .ok_or_else(|| format!("tensor `{name}` is no `direction.N` with the number of a layer"))?;
        if layer == 0 {
            return Err(
                "it has a `direction.0`, which llama.cpp refuses too: `direction.N` is added to the output of the \
                 0-based block N, and block 0 can't be steered there; is the file shifted by one?"
                    .to_owned(),
            );
        }
        let (kind, range) = tensor.blocks()?;
        if kind != BlockKind::F32 || tensor.shape.len() != 1 {
            return Err(format!(
                "tensor `{name}` is {kind} {:?}; a control vector has F32 tensors of one dimension",
                tensor.shape
            ));
        }
        let mut row = vec![0.0; tensor.elements()];
        dequantize(kind, &bytes[range], &mut row);
        rows.resize(rows.len().max(layer + 1), None);
        rows[layer] = Some(row);
    }
    if rows.is_empty() {
        return Err("it has no `direction.N`".to_owned());
    }
    Ok(Found::Layers(rows))
}
