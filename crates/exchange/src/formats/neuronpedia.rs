//! What Neuronpedia's `POST /api/vector/new` takes, one body per layer. Nothing is sent.

use serde_json::json;

use crate::{Origin, Vector};

/// By layer. The strength is 1: as long as it was measured. Where the source of the model doesn't
/// tell Neuronpedia's id, there is a note in its place, so that Neuronpedia asks for it instead of
/// taking the vector for another model's.
pub fn bodies(vector: &Vector, origin: &Origin) -> Vec<(usize, String)> {
    let model = model_id(origin);
    let body = |(layer, row): (usize, &[f32])| {
        let mut body = json!({
            "layerNumber": layer,
            "hookType": "hook_resid_post",
            "vector": row,
            "vectorDefaultSteerStrength": 1.0,
            "vectorLabel": format!("{} of layer {layer}", vector.name),
        });
        match &model {
            Some(model) => body["modelId"] = model.as_str().into(),
            None => body["note"] = without_model_id(origin).into(),
        }
        (layer, body.to_string() + "\n")
    };
    vector.present().map(body).collect()
}

/// Why bodies have no `modelId`, if they have none, and what to do: the note that is in them.
pub fn without_model_id(origin: &Origin) -> Option<String> {
    let source = origin.get("model_source").unwrap_or("unknown");
    if let Some(adapter) = origin.get("model_adapter") {
        return Some(format!(
            "there is no `modelId` for Neuronpedia, since the vector is of {source} with the adapter {adapter}; add the id that \
             Neuronpedia has for this fine-tune, if it has one"
        ));
    }
    model_id(origin).is_none().then(|| {
        format!(
            "there is no `modelId` for Neuronpedia, since the model's source ({source}) is not a name of a Gemma model; add \
             the id that Neuronpedia has for it, such as gemma-2-9b-it"
        )
    })
}

/// Neuronpedia's ids of Gemma models: those of the hub without the owner and without `-pt`, in
/// lower case. Source: `np_model_to_hf.json` in its repository (hijohnnylin/neuronpedia), which has
/// google/gemma-3-4b-pt as gemma-3-4b and google/gemma-2-9b-it as gemma-2-9b-it.
fn model_id(origin: &Origin) -> Option<String> {
    // A fine-tune is another model.
    if origin.get("model_adapter").is_some() {
        return None;
    }
    let source = origin.get("model_source")?.to_lowercase();
    // `owner/name`, `owner/name/file.gguf`, or the name of a local folder or file.
    let mut parts = source.split('/');
    let first = parts.next()?;
    let mut name = parts.next().unwrap_or(first);
    for ending in [".gguf", "-gguf"] {
        name = name.strip_suffix(ending).unwrap_or(name);
    }
    let name = without_quantization(name);
    let name = name.strip_suffix("-pt").unwrap_or(name);
    name.starts_with("gemma-").then(|| name.to_owned())
}

/// Without what a file's name says about its type of numbers, such as `-q4_k_m` or `.bf16`.
fn without_quantization(name: &str) -> &str {
    let Some((rest, last)) = name.rsplit_once(['-', '.']) else {
        return name;
    };
    let is_quantization = ["f16", "f32", "bf16", "fp16"].contains(&last)
        || last
            .strip_prefix('i')
            .unwrap_or(last)
            .strip_prefix('q')
            .is_some_and(|bits| bits.starts_with(|digit: char| digit.is_ascii_digit()));
    if is_quantization { rest } else { name }
}
