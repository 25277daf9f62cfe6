//! One tensor in a safetensors file, or one for each layer.

use std::collections::{BTreeMap, HashMap};

use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};

use super::{Float, Found, floats, listed};
use crate::{Origin, Vector};

/// `[layers, hidden]` f32 under the vector's name. The metadata is one entry `roleswap` with JSON
/// inside: more entries would come in another order every time.
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

/// The tensor `name`, or else `contrast` in a file of ours, or else the only one there is, or else
/// all of them, each of the layer that its name says.
pub fn decode(bytes: &[u8], name: &str) -> Result<Found, String> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| {
        format!("this isn't a safetensors file: {error}; was it cut off, or is it of another format?")
    })?;
    let mut names = file.names();
    names.sort_unstable();
    match names.as_slice() {
        names if names.contains(&name) => tensor(&file, name),
        names if names.contains(&"contrast") => tensor(&file, "contrast"),
        [only] => match (tensor(&file, only)?, layer_number(only)) {
            (Found::Single(row), Some(number)) => {
                let row = (number.layer(only)?, ((*only).to_owned(), row));
                Ok(Found::Named(BTreeMap::from([row])))
            }
            (found, _) => Ok(found),
        },
        names => by_layer(&file, names),
    }
}

fn tensor(file: &SafeTensors<'_>, name: &str) -> Result<Found, String> {
    let tensor = file.tensor(name).map_err(|error| error.to_string())?;
    let kind = Float::of(tensor.dtype()).ok_or_else(|| {
        format!(
            "tensor `{name}` is of type {:?}, and vectors are F16, BF16, F32 or F64; save it again with `.float()`",
            tensor.dtype()
        )
    })?;
    Found::of_matrix(&floats(tensor.data(), kind), tensor.shape())
        .map_err(|message| format!("tensor `{name}`: {message}"))
}

/// A vector in each tensor. Their names may differ in the number of the layer alone.
fn by_layer(file: &SafeTensors<'_>, names: &[&str]) -> Result<Found, String> {
    let numbers: Option<Vec<LayerNumber<'_>>> = names.iter().map(|name| layer_number(name)).collect();
    let numbers = numbers.filter(|numbers| numbers.iter().all(|number| number.rest() == numbers[0].rest()));
    let Some(numbers) = numbers.filter(|numbers| !numbers.is_empty()) else {
        return Err(format!(
            "it has several tensors ({}); name the vector like one of them, or save one tensor for each layer as \
             `layer_N`",
            listed(names)
        ));
    };
    let mut rows = BTreeMap::new();
    for (name, number) in names.iter().zip(numbers) {
        let Found::Single(row) = tensor(file, name)? else {
            return Err(format!(
                "tensor `{name}` is of one layer by its name and has several rows; save one vector of [hidden]"
            ));
        };
        if let Some((other, _)) = rows.insert(number.layer(name)?, ((*name).to_owned(), row)) {
            return Err(format!(
                "the tensors `{other}` and `{name}` are of the same layer; leave one of them out"
            ));
        }
    }
    Ok(Found::Named(rows))
}

/// The number of a layer in a tensor's name, and what is before and after it.
struct LayerNumber<'a> {
    before: &'a str,
    digits: &'a str,
    after: &'a str,
}

/// Words that the number of a layer comes after, in the checkpoints and hooks of transformers,
/// llama.cpp and TransformerLens.
const WORDS: [&str; 9] = [
    "layers",
    "layer",
    "blocks",
    "block",
    "blk",
    "h",
    "l",
    "direction",
    "resid_post",
];

/// `12`, `layer_12`, `model.layers.12`, `blk.12`, `blocks.12.hook_resid_post`. None where no number
/// is that of a layer.
fn layer_number(name: &str) -> Option<LayerNumber<'_>> {
    let starts = name.char_indices().filter(|(place, letter)| {
        let before = name[..*place].chars().next_back();
        letter.is_ascii_digit() && before.is_none_or(|before| !before.is_ascii_digit())
    });
    let mut found = starts.filter_map(|(start, _)| {
        let length = name[start..].find(|letter: char| !letter.is_ascii_digit());
        let end = length.map_or(name.len(), |length| start + length);
        let before = name[..start].trim_end_matches(['.', '_', '-', ' ', '=']);
        let lower = before.to_lowercase();
        let is_whole = |rest: &str| !rest.ends_with(|letter: char| letter.is_alphanumeric());
        let mut rests = WORDS.iter().filter_map(|word| lower.strip_suffix(word));
        rests.any(is_whole).then_some(LayerNumber {
            before: &name[..start],
            digits: &name[start..end],
            after: &name[end..],
        })
    });
    let plain = || {
        let is_number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then_some(LayerNumber {
            before: "",
            digits: name,
            after: "",
        })
    };
    found.next().or_else(plain)
}

impl LayerNumber<'_> {
    fn rest(&self) -> (&str, &str) {
        (self.before, self.after)
    }

    /// The layer whose output the tensor is of. A name that gives another place in the layer is an
    /// error.
    fn layer(&self, name: &str) -> Result<usize, String> {
        const ELSEWHERE: [&str; 8] = ["pre", "mid", "attn", "attention", "mlp", "embed", "norm", "proj"];
        let after = self.after.to_lowercase();
        let mut words = after.split(|letter: char| !letter.is_alphanumeric());
        if let Some(place) = words.find(|word| ELSEWHERE.contains(word)) {
            return Err(format!(
                "tensor `{name}` is not of the residual stream after a layer, by \"{place}\" in its name; save vectors of \
                 `hook_resid_post`, or name the tensor `layer_N` by the layer after which it belongs"
            ));
        }
        self.digits.parse().map_err(|_| {
            format!(
                "tensor `{name}`: there is no layer {}; name it by its layer",
                self.digits
            )
        })
    }
}
