//! What Neuronpedia's `POST /api/vector/new` takes, one body a layer. Nothing is sent.

use serde_json::json;

use crate::{Origin, Vector};

/// By layer. The strength is 1: as long as it was measured.
pub fn bodies(vector: &Vector, origin: &Origin) -> Vec<(usize, String)> {
    let model = model_id(origin.get("model_name").unwrap_or_default());
    let body = |(layer, row): (usize, &[f32])| {
        let body = json!({
            "modelId": model,
            "layerNumber": layer,
            "hookType": "hook_resid_post",
            "vector": row,
            "vectorDefaultSteerStrength": 1.0,
            "vectorLabel": format!("{} of layer {layer}", vector.name),
        });
        (layer, body.to_string() + "\n")
    };
    vector.present().map(body).collect()
}

/// Neuronpedia's ids are those of the hub without the owner, in small letters.
fn model_id(name: &str) -> String {
    let name = name.rsplit('/').next().unwrap_or(name);
    name.to_lowercase().replace(' ', "-")
}
