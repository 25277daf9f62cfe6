//! One file a format: bytes to vectors and back.

pub mod control_vector;
pub mod neuronpedia;
pub mod npy;
pub mod safetensors;

use crate::Vector;

/// What a file holds, before it is known which layers the model has.
#[derive(Debug)]
pub enum Found {
    /// `[hidden]`; the file doesn't say of which layer.
    Single(Vec<f32>),
    /// By layer.
    Layers(Vec<Option<Vec<f32>>>),
}

impl Found {
    /// The same for a model, or why it doesn't fit.
    pub fn placed(
        self,
        name: &str,
        layer: Option<usize>,
        layers: usize,
        hidden_size: usize,
    ) -> Result<Vector, String> {
        let rows = match (self, layer) {
            (Found::Single(row), Some(layer)) if layer < layers => {
                let mut rows = vec![None; layers];
                rows[layer] = Some(row);
                rows
            }
            (Found::Single(_), Some(layer)) => {
                return Err(format!(
                    "there is no layer {layer}; the model has {layers}, from 0 on"
                ));
            }
            (Found::Single(_), None) => {
                return Err(
                    "the file holds one vector and doesn't say of which layer; add `layer = …`".to_owned(),
                );
            }
            (Found::Layers(_), Some(_)) => {
                return Err(
                    "the file says itself which layers its vectors are of; leave out `layer`".to_owned(),
                );
            }
            (Found::Layers(mut rows), None) => {
                if rows.len() > layers {
                    let hint = if rows.len() == layers + 1 {
                        "; is its first row of the embeddings? leave that one out"
                    } else {
                        ""
                    };
                    let found = rows.len();
                    return Err(format!(
                        "it has vectors for {found} layers, and the model has {layers}{hint}"
                    ));
                }
                rows.resize(layers, None);
                rows
            }
        };
        for (layer, row) in rows.iter().enumerate() {
            let Some(row) = row else { continue };
            if row.len() != hidden_size {
                return Err(format!(
                    "its vectors have {} numbers, and the hidden size of the model is {hidden_size}; is it of another model?",
                    row.len()
                ));
            }
            if !row.iter().all(|value| value.is_finite()) {
                return Err(format!(
                    "the vector of layer {layer} holds numbers that are not finite"
                ));
            }
        }
        Ok(Vector {
            name: name.to_owned(),
            hidden_size,
            rows,
        })
    }

    /// From a matrix, rows first.
    pub fn of_matrix(numbers: &[f32], shape: &[usize]) -> Result<Self, String> {
        match *shape {
            [length] if length == numbers.len() && length > 0 => Ok(Found::Single(numbers.to_vec())),
            [layers, length] if layers * length == numbers.len() && !numbers.is_empty() => {
                let rows = numbers.chunks_exact(length).map(|row| Some(row.to_vec()));
                Ok(Found::Layers(rows.collect()))
            }
            _ => Err(format!(
                "its shape is {shape:?}; vectors are [layers, hidden] or [hidden]"
            )),
        }
    }
}

/// Numbers of one of the types that vectors are stored in.
pub fn floats(bytes: &[u8], kind: Float) -> Vec<f32> {
    match kind {
        Float::F16 => each(bytes, |bytes| half::f16::from_le_bytes(bytes).to_f32()),
        Float::Bf16 => each(bytes, |bytes| half::bf16::from_le_bytes(bytes).to_f32()),
        Float::F32 => each(bytes, f32::from_le_bytes),
        Float::F64 => each(bytes, |bytes| f64::from_le_bytes(bytes) as f32),
    }
}

#[derive(Clone, Copy, Debug)]
pub enum Float {
    F16,
    Bf16,
    F32,
    F64,
}

fn each<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes
        .as_chunks::<N>()
        .0
        .iter()
        .map(|bytes| number(*bytes))
        .collect()
}
