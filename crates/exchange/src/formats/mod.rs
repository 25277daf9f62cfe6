//! One file per format: bytes to vectors and back.

pub mod control_vector;
pub mod neuronpedia;
pub mod npy;
pub mod safetensors;

use std::collections::BTreeMap;

use ::safetensors::Dtype;

use crate::Vector;

/// What a file holds, before it is known which layers the model has.
#[derive(Debug)]
pub enum Found {
    /// `[hidden]` or `[1, hidden]`; the file doesn't say of which layer.
    Single(Vec<f32>),
    /// `[layers, hidden]`: a row for every layer, those without a vector being zero.
    Matrix(Vec<Vec<f32>>),
    /// By the layer that the name of a tensor says, with that name.
    Named(BTreeMap<usize, (String, Vec<f32>)>),
}

impl Found {
    /// The same for a model, or why it doesn't fit. A row of zeros is not a vector.
    pub fn placed(
        self,
        name: &str,
        layer: Option<usize>,
        layers: usize,
        hidden_size: usize,
    ) -> Result<Vector, String> {
        let rows = match (self, layer) {
            (Found::Single(row), layer) => single(row, layer, layers)?,
            (_, Some(_)) => {
                return Err(
                    "the file says itself which layers its vectors are of; leave out `layer`".to_owned(),
                );
            }
            (Found::Matrix(rows), None) => matrix(rows, layers, hidden_size)?,
            (Found::Named(rows), None) => named(rows, layers)?,
        };
        let rows = checked(rows, hidden_size)?;
        Ok(Vector {
            name: name.to_owned(),
            hidden_size,
            rows,
        })
    }

    /// From a matrix, rows first.
    pub fn of_matrix(numbers: &[f32], shape: &[usize]) -> Result<Self, String> {
        match *shape {
            [length] | [1, length] if length == numbers.len() && length > 0 => {
                Ok(Found::Single(numbers.to_vec()))
            }
            [layers, length] if layers * length == numbers.len() && !numbers.is_empty() => Ok(Found::Matrix(
                numbers.chunks_exact(length).map(<[f32]>::to_vec).collect(),
            )),
            _ => Err(format!(
                "its shape is {shape:?}; vectors are [layers, hidden], or [hidden] with `layer = …`"
            )),
        }
    }
}

type Rows = Vec<Option<Vec<f32>>>;

/// The only layer of a one-layer model need not be named.
fn single(row: Vec<f32>, layer: Option<usize>, layers: usize) -> Result<Rows, String> {
    let layer = match layer {
        Some(layer) if layer < layers => layer,
        Some(layer) => {
            return Err(format!(
                "there is no layer {layer}; the model has {layers}, from 0 on"
            ));
        }
        None if layers == 1 => 0,
        None => {
            return Err(
                "the file holds one vector and doesn't say of which layer; add `layer = …`, the 0-based layer \
                 after which it belongs"
                    .to_owned(),
            );
        }
    };
    let mut rows = vec![None; layers];
    rows[layer] = Some(row);
    Ok(rows)
}

/// A number of rows other than that of the layers leaves open which layers they belong to.
fn matrix(rows: Vec<Vec<f32>>, layers: usize, hidden_size: usize) -> Result<Rows, String> {
    let found = rows.len();
    if found == layers {
        return Ok(rows.into_iter().map(Some).collect());
    }
    let has = format!("it has vectors for {found} layers, and the model has {layers}");
    let width = rows.first().map_or(0, Vec::len);
    Err(if found == hidden_size && width != hidden_size {
        format!(
            "it is [hidden, layers] = [{found}, {width}], and vectors are [layers, hidden]; save it as `v.T`"
        )
    } else if found == layers + 1 {
        format!(
            "{has}: the first row may be that of the embeddings, as in transformers' `hidden_states`; save it without \
             that row (`v[1:]`)"
        )
    } else if found < layers {
        format!(
            "{has}: it doesn't say which layers these are; save [layers, hidden] with zeros where a layer has no vector, \
             or one vector, with `layer = …`"
        )
    } else {
        format!("{has}; is it of another model?")
    })
}

fn named(found: BTreeMap<usize, (String, Vec<f32>)>, layers: usize) -> Result<Rows, String> {
    let (first, count) = (found.keys().next().copied().unwrap_or_default(), found.len());
    let mut rows = vec![None; layers];
    for (layer, (name, row)) in found {
        if let Some(place) = rows.get_mut(layer) {
            *place = Some(row);
        } else if layer > layers {
            return Err(format!(
                "it has a vector for layer {layer} (`{name}`) and so for {} layers, and the model has {layers}; is it of \
                 another model?",
                layer + 1
            ));
        } else if first == 0 && count == layers + 1 {
            return Err(format!(
                "it has vectors for {count} layers, and the model has {layers}: with `{name}` as the last, the first may be \
                 that of the embeddings, as in transformers' `hidden_states`; leave that one out, and write every other \
                 one under the number of its 0-based layer, one lower"
            ));
        } else {
            return Err(format!(
                "it has `{name}`, and the model has {layers} layers, 0 to {}: its layers are counted from 1, or it is of \
                 another model; write each vector under the number of its 0-based layer, one lower (a GGUF control vector \
                 can't hold layer 0; safetensors and .npy can)",
                layers - 1
            ));
        }
    }
    Ok(rows)
}

/// The same without rows of zeros.
fn checked(rows: Rows, hidden_size: usize) -> Result<Rows, String> {
    let check = |(layer, row): (usize, Option<Vec<f32>>)| {
        let Some(row) = row else { return Ok(None) };
        if row.len() != hidden_size {
            return Err(format!(
                "its vectors have {} numbers, and the hidden size of the model is {hidden_size}; is it of another model?",
                row.len()
            ));
        }
        if let Some(place) = row.iter().position(|value| !value.is_finite()) {
            return Err(format!(
                "the vector of layer {layer} holds numbers that are not finite (number {place} is {}); make it again, or \
                 leave that layer out",
                row[place]
            ));
        }
        Ok(row.iter().any(|value| *value != 0.0).then_some(row))
    };
    let rows: Rows = rows
        .into_iter()
        .enumerate()
        .map(check)
        .collect::<Result<_, _>>()?;
    if rows.iter().all(Option::is_none) {
        return Err(
            "all of its numbers are zero, so that it has a vector at no layer; was it saved before it was \
                    filled?"
                .to_owned(),
        );
    }
    Ok(rows)
}

/// Names in a message, as many as a reader can take in.
pub fn listed(names: &[&str]) -> String {
    const SHOWN: usize = 12;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Numbers of one of the types that vectors are stored in, least significant byte first.
pub fn floats(bytes: &[u8], kind: Float) -> Vec<f32> {
    match kind {
        Float::F16 => each(bytes, |bytes| half::f16::from_le_bytes(bytes).to_f32()),
        Float::Bf16 => each(bytes, |bytes| half::bf16::from_le_bytes(bytes).to_f32()),
        Float::F32 => each(bytes, f32::from_le_bytes),
        Float::F64 => each(bytes, |bytes| f64::from_le_bytes(bytes) as f32),
    }
}

/// The types of numbers that vectors are stored in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Float {
    F16,
    Bf16,
    F32,
    F64,
}

impl Float {
    /// That of a safetensors file's tensor, if vectors are stored in it.
    pub fn of(dtype: Dtype) -> Option<Self> {
        match dtype {
            Dtype::F16 => Some(Float::F16),
            Dtype::BF16 => Some(Float::Bf16),
            Dtype::F32 => Some(Float::F32),
            Dtype::F64 => Some(Float::F64),
            _ => None,
        }
    }

    /// Bytes of a number.
    pub fn width(self) -> usize {
        match self {
            Float::F16 | Float::Bf16 => 2,
            Float::F32 => 4,
            Float::F64 => 8,
        }
    }
}

fn each<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes
        .as_chunks::<N>()
        .0
        .iter()
        .map(|bytes| number(*bytes))
        .collect()
}
