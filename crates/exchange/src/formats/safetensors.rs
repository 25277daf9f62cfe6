//! One tensor in a safetensors file.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};

use super::{Float, Found, floats};
use crate::{Origin, Vector};

/// `[layers, hidden]` f32 under the vector's name. The metadata is one entry `roleswap` with JSON inside: more entries would
/// come in another order every time.
pub fn encode(vector: &Vector, origin: &Origin) -> Result<Vec<u8>, String> {
    let bytes: Vec<u8> = vector
        .matrix()
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let shape = vec![vector.rows.len(), vector.hidden_size];
    let tensor = TensorView::new(Dtype::F32, shape, &bytes).map_err(|error| error.to_string())?;
    let entries = origin.0.iter();
    let text = serde_json::Value::Object(
        entries
            .map(|(key, value)| (key.to_owned(), value.into()))
            .collect(),
    );
    let metadata = HashMap::from([("roleswap".to_owned(), text.to_string())]);
    serialize([(vector.name.as_str(), tensor)], Some(metadata)).map_err(|error| error.to_string())
}

/// The tensor `name`, or else `contrast` in a file of ours, or else the only one there is.
pub fn decode(bytes: &[u8], name: &str) -> Result<Found, String> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| format!("no safetensors file: {error}"))?;
    let names = file.names();
    let wanted = match names.as_slice() {
        names if names.contains(&name) => name,
        names if names.contains(&"contrast") => "contrast",
        [only] => only,
        _ => {
            let mut names = names;
            names.sort_unstable();
            return Err(format!(
                "it has several tensors ({}); name the vector like one of them",
                names.join(", ")
            ));
        }
    };
    let tensor = file.tensor(wanted).map_err(|error| error.to_string())?;
    let kind = match tensor.dtype() {
        Dtype::F16 => Float::F16,
        Dtype::BF16 => Float::Bf16,
        Dtype::F32 => Float::F32,
        Dtype::F64 => Float::F64,
        other => {
            return Err(format!(
                "tensor `{wanted}` is of type {other:?}, and vectors are of floats"
            ));
        }
    };
    Found::of_matrix(&floats(tensor.data(), kind), tensor.shape())
        .map_err(|message| format!("tensor `{wanted}`: {message}"))
}
