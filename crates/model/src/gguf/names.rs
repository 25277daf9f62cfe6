use super::{Architecture, ollama};

/// The name that a Hugging Face checkpoint has a tensor under: `blk.3.attn_q.weight` is
/// `model.layers.3.self_attn.q_proj.weight`. `None` for a tensor that a network is built without, such as those of the
/// part of a model that sees.
///
/// The error names a tensor that no text model of the architecture has.
pub fn hugging_face_name(architecture: Architecture, name: &str) -> Result<Option<String>, String> {
    let whole = match name {
        "token_embd.weight" => Some("model.embed_tokens.weight"),
        "output_norm.weight" => Some("model.norm.weight"),
        "output.weight" => Some("lm_head.weight"),
        // Frequencies that llama.cpp computed beforehand; a network computes its own.
        "rope_freqs.weight" => return Ok(None),
        _ => None,
    };
    if let Some(found) = whole {
        return Ok(Some(found.to_owned()));
    }
    if architecture == Architecture::Gemma3 && ollama::sees(name) {
        return Ok(None);
    }
    in_layer(architecture, name).map(Some).ok_or_else(|| {
        format!(
            "tensor `{name}` is not one of a {architecture} model that generates text; is this another kind of model, or an \
             unusual conversion? get the BF16, Q8_0 or Q4_K_M file that llama.cpp's converter made"
        )
    })
}

/// Whether the file holds a tensor's numbers with 1 added. A Gemma norm multiplies by one plus its weight;
/// llama.cpp's converter adds that 1 once for all, to every norm, so that it has to be taken off again.
pub fn stores_one_plus_weight(name: &str) -> bool {
    name.ends_with("norm.weight")
}

fn in_layer(architecture: Architecture, name: &str) -> Option<String> {
    let (layer, part) = name.strip_prefix("blk.")?.split_once('.')?;
    // Written back, it is the same: "07" or "+7" would be a second name of layer 7.
    let layer: usize = layer
        .parse()
        .ok()
        .filter(|number: &usize| number.to_string() == layer)?;
    let part = part.strip_suffix(".weight")?;
    let found = in_every_architecture(part)
        .or_else(|| norm(architecture, part))
        .or_else(|| query_key_norm(architecture, part))?;
    Some(format!("model.layers.{layer}.{found}.weight"))
}

fn in_every_architecture(part: &str) -> Option<&'static str> {
    Some(match part {
        "attn_q" => "self_attn.q_proj",
        "attn_k" => "self_attn.k_proj",
        "attn_v" => "self_attn.v_proj",
        "attn_output" => "self_attn.o_proj",
        "ffn_gate" => "mlp.gate_proj",
        "ffn_up" => "mlp.up_proj",
        "ffn_down" => "mlp.down_proj",
        "attn_norm" => "input_layernorm",
        _ => return None,
    })
}

/// Gemma 1 has two norms a layer, and calls the one before the MLP by what comes before it.
fn norm(architecture: Architecture, part: &str) -> Option<&'static str> {
    match (architecture, part) {
        (Architecture::Gemma, "ffn_norm") => Some("post_attention_layernorm"),
        (Architecture::Gemma, _) => None,
        (_, "post_attention_norm") => Some("post_attention_layernorm"),
        (_, "ffn_norm") => Some("pre_feedforward_layernorm"),
        (_, "post_ffw_norm") => Some("post_feedforward_layernorm"),
        _ => None,
    }
}

fn query_key_norm(architecture: Architecture, part: &str) -> Option<&'static str> {
    match (architecture, part) {
        (Architecture::Gemma3, "attn_q_norm") => Some("self_attn.q_norm"),
        (Architecture::Gemma3, "attn_k_norm") => Some("self_attn.k_norm"),
        _ => None,
    }
}
