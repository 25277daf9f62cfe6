use std::collections::HashMap;
use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::Deserialize;

use crate::{Error, Result};

/// What an independent implementation computed with a model on a fixed sequence of tokens: the file
/// that `crates/model/reference/make_reference.py` writes.
#[derive(Clone, Debug)]
pub struct ModelReference {
    /// The sequence.
    pub tokens: Vec<u32>,
    /// The residual stream after each layer, `[tokens, hidden]`.
    pub residuals: Vec<Vec<f32>>,
    /// `[tokens, hidden]`
    pub final_norm: Vec<f32>,
    /// The positions whose logits were kept.
    pub logit_positions: Vec<usize>,
    /// `[logit_positions, vocabulary]`
    pub logits: Vec<f32>,
    /// The greedy continuation of the sequence; empty where none was made.
    pub greedy: Vec<u32>,
    /// Conversations of a pipeline as the implementation renders and tokenises them; none in older
    /// files.
    pub texts: Vec<ReferenceText>,
    /// Of the weights that were used.
    pub weights_fingerprint: String,
    /// The type that the reference computed in.
    pub dtype: String,
    /// Name and version of the implementation.
    pub implementation: String,
}

/// A conversation, and what the implementation makes of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ReferenceText {
    /// Instructions.
    pub system: Option<String>,
    /// Who spoke (`user` or `model`), and what.
    pub turns: Vec<(String, String)>,
    /// Whose turn is opened.
    pub opens: String,
    /// As rendered.
    pub text: String,
    /// Its tokens.
    pub ids: Vec<i32>,
}

const FORMAT: &str = "roleswap-reference-1";

/// Reads a reference file.
///
/// # Errors
/// A file of another structure, tensors that don't fit together, and what the file system says.
pub fn read_model_reference(path: &Path) -> Result<ModelReference> {
    let bytes = fs_err::read(path)?;
    parse(&bytes).map_err(|message| {
        let advice = "make it again with crates/model/reference/make_reference.py";
        Error::invalid(path, format!("not a usable reference: {message}; {advice}"))
    })
}

fn parse(bytes: &[u8]) -> std::result::Result<ModelReference, String> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
    let entries: HashMap<String, String> = header.metadata().clone().unwrap_or_default();
    let entry = |key: &str| {
        entries
            .get(key)
            .cloned()
            .ok_or_else(|| format!("the metadata has no entry `{key}`"))
    };
    if entry("format")? != FORMAT {
        return Err(format!(
            "its format is \"{}\", not \"{FORMAT}\"",
            entry("format")?
        ));
    }
    let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let floats = |name: &str| {
        let tensor = file
            .tensor(name)
            .map_err(|_| format!("tensor `{name}` is missing"))?;
        numbers(name, &tensor, Dtype::F32, f32::from_le_bytes)
    };
    let integers = |name: &str| {
        let tensor = file
            .tensor(name)
            .map_err(|_| format!("tensor `{name}` is missing"))?;
        numbers(name, &tensor, Dtype::I32, u32::from_le_bytes)
    };
    let layers = file
        .names()
        .iter()
        .filter(|name| name.starts_with("residual."))
        .count();
    let residuals = (0..layers)
        .map(|layer| floats(&format!("residual.{layer}")))
        .collect::<std::result::Result<_, _>>()?;
    let has_greedy = file.names().contains(&"greedy");
    Ok(ModelReference {
        tokens: integers("tokens")?,
        residuals,
        final_norm: floats("final_norm")?,
        logit_positions: integers("logit_positions")?
            .into_iter()
            .map(|position| position as usize)
            .collect(),
        logits: floats("logits")?,
        greedy: if has_greedy {
            integers("greedy")?
        } else {
            Vec::new()
        },
        texts: match entries.get("texts") {
            Some(text) => {
                serde_json::from_str(text).map_err(|error| format!("its entry `texts`: {error}"))?
            }
            None => Vec::new(),
        },
        weights_fingerprint: entry("weights_fingerprint")?,
        dtype: entry("dtype")?,
        implementation: format!(
            "transformers {}, torch {}",
            entry("transformers")?,
            entry("torch")?
        ),
    })
}

fn numbers<T>(
    name: &str,
    tensor: &TensorView<'_>,
    dtype: Dtype,
    decode: impl Fn([u8; 4]) -> T,
) -> std::result::Result<Vec<T>, String> {
    if tensor.dtype() != dtype {
        return Err(format!(
            "tensor `{name}` is of type {:?}, not {dtype:?}",
            tensor.dtype()
        ));
    }
    Ok(tensor
        .data()
        .as_chunks::<4>()
        .0
        .iter()
        .map(|bytes| decode(*bytes))
        .collect())
}
