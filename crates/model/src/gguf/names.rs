use ::gguf::Metadata;

use super::Architecture;
use crate::families::Family;

/// The name of a tensor in a Hugging Face checkpoint: `blk.3.attn_q.weight` is
/// `model.layers.3.self_attn.q_proj.weight`. `None` for a tensor that the network doesn't use,
/// such as those of the vision part.
///
/// # Errors
/// Names a tensor that no text model of the architecture has.
pub fn hugging_face_name(architecture: Architecture, name: &str) -> Result<Option<String>, String> {
    let whole = match name {
        "token_embd.weight" => Some("model.embed_tokens.weight"),
        "output_norm.weight" => Some("model.norm.weight"),
        "output.weight" => Some("lm_head.weight"),
        // They belong to the configuration.
        "rope_freqs.weight" | "rope_factors_long.weight" | "rope_factors_short.weight" => return Ok(None),
        _ => None,
    };
    if let Some(found) = whole {
        return Ok(Some(found.to_owned()));
    }
    let family = architecture.family();
    if family.gguf_is_other_tensor(name) {
        return Ok(None);
    }
    let found = in_layer(family, name).or_else(|| outside(family, name));
    found.map(Some).ok_or_else(|| {
        format!(
            "tensor `{name}` is not one of a {architecture} model that generates text; is this another kind of model, or an \
             unusual conversion? get the BF16, Q8_0 or Q4_K_M file that llama.cpp's converter made"
        )
    })
}

/// Whether files of the architecture hold the tensor's numbers with 1 added.
pub fn stores_one_plus_weight(architecture: Architecture, name: &str) -> bool {
    architecture.family().gguf_adds_one(name)
}

fn in_layer(family: &dyn Family, name: &str) -> Option<String> {
    let (layer, part) = name.strip_prefix("blk.")?.split_once('.')?;
    // It must be the same when written back: "07" or "+7" would be a second name of layer 7.
    let layer: usize = layer
        .parse()
        .ok()
        .filter(|number: &usize| number.to_string() == layer)?;
    let (part, kind) = part.rsplit_once('.')?;
    let found = family
        .gguf_tensor_in_layer(part)
        .or_else(|| in_every_family(part))?;
    let name = format!("model.layers.{layer}.{found}");
    match kind {
        // It is not the weight of anything in a Hugging Face checkpoint.
        _ if found == "layer_scalar" => (kind == "weight").then_some(name),
        "weight" | "bias" => Some(format!("{name}.{kind}")),
        _ => None,
    }
}

fn outside(family: &dyn Family, name: &str) -> Option<String> {
    let found = family.gguf_tensor_outside(name.strip_suffix(".weight")?)?;
    Some(format!("model.{found}.weight"))
}

/// How many heads the tensor's rows are of, if the file holds the halves of each interleaved.
///
/// # Errors
/// Names the key that says how many there are.
pub fn interleaved_heads(
    architecture: Architecture,
    metadata: &Metadata,
    name: &str,
) -> Result<Option<usize>, String> {
    if !architecture.family().gguf_interleaves_heads() {
        return Ok(None);
    }
    let key = |name: &str| format!("{architecture}.{name}");
    let heads = || metadata.count(&key("attention.head_count"));
    match name.rsplit('.').nth(1) {
        Some("attn_q") => heads(),
        Some("attn_k") => match metadata.count(&key("attention.head_count_kv"))? {
            Some(heads) => Ok(Some(heads)),
            None => heads(),
        },
        _ => Ok(None),
    }
}

fn in_every_family(part: &str) -> Option<&'static str> {
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
