//! The text part of Gemma 4 by Google: Gemma 3's order of norms with plain weights, values that are
//! normed, scores that are not scaled, global layers with heads of their own size, layers that use
//! keys and values of earlier ones, and, in the small models, embeddings of which each layer has a
//! part. Sources: `modeling_gemma4.py` and `configuration_gemma4.py` of transformers 5.24.

mod gguf;
mod published;

use ::gguf::GgufFile;
use serde_json::{Map, Value, json};

use super::{Family, ModelType};
use crate::config::{ConfigFile, Keys, RopeContext, layer_count, listed_windows, ropes_by_kind};
use crate::gguf::GgufKeys;
use crate::{
    Activation, Biases, KeysAndValues, LayerDescription, LayerNorms, ModelConfig, NormScale, PerLayerInputs,
    QueryKeyNorms, Rope,
};

/// The family.
pub(super) struct Gemma4;

impl Family for Gemma4 {
    fn name(&self) -> &'static str {
        "Gemma 4"
    }

    fn model_types(&self) -> &'static [ModelType] {
        const {
            &[
                ModelType::whole("gemma4_text"),
                ModelType {
                    name: "gemma4",
                    part: Some("text_config"),
                },
            ]
        }
    }

    fn config_keys(&self) -> &'static [&'static str] {
        &[
            "attention_bias",
            "attention_k_eq_v",
            "final_logit_softcapping",
            "global_head_dim",
            "hidden_activation",
            "hidden_size_per_layer_input",
            "layer_types",
            "num_global_key_value_heads",
            "num_kv_shared_layers",
            "per_layer_config",
            "sliding_window",
            "use_double_wide_mlp",
            "vocab_size_per_layer_input",
        ]
    }

    fn config(&self, file: &ConfigFile) -> Result<ModelConfig, String> {
        config(file)
    }

    fn architecture(&self) -> Option<&'static str> {
        Some("gemma4")
    }

    fn class(&self) -> &'static str {
        "Gemma4ForCausalLM"
    }

    fn gguf_layer_sizes(&self, keys: &GgufKeys<'_>) -> Result<Map<String, Value>, String> {
        gguf::layer_sizes(keys)
    }

    fn gguf_config(&self, file: &GgufFile, keys: &GgufKeys<'_>) -> Result<Map<String, Value>, String> {
        gguf::config(file, keys)
    }

    fn gguf_keys(&self) -> &'static [&'static str] {
        gguf::KEYS
    }

    fn gguf_tensor_in_layer(&self, part: &str) -> Option<&'static str> {
        match part {
            "ffn_norm" => LayerNorms::AROUND.feed_forward_input,
            "post_attention_norm" => LayerNorms::AROUND.attention_output,
            "post_ffw_norm" => LayerNorms::AROUND.feed_forward_output,
            _ => gguf::tensor_in_layer(part),
        }
    }

    fn gguf_tensor_outside(&self, part: &str) -> Option<&'static str> {
        gguf::tensor_outside(part)
    }

    fn gguf_tokenizers(&self) -> &'static [&'static str] {
        &["gemma4"]
    }

    fn tokenizer_class(&self) -> &'static str {
        "Gemma"
    }

    fn special_tokens(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("bos_token", "<bos>"),
            ("eos_token", "<eos>"),
            ("unk_token", "<unk>"),
            ("pad_token", "<pad>"),
        ]
    }

    fn control_tokens(&self) -> &'static [&'static str] {
        &["<|turn>"]
    }

    fn end_tokens(&self) -> &'static [&'static str] {
        &["<eos>", "<turn|>"]
    }

    fn gated_owner(&self) -> Option<&'static str> {
        Some("google")
    }

    fn published(&self) -> &'static [&'static str] {
        published::NAMES
    }

    fn published_config(&self, name: &str) -> Option<Value> {
        published::config(name)
    }
}

fn config(file: &ConfigFile) -> Result<ModelConfig, String> {
    let keys = &file.keys;
    if let Some(name) = keys.text("hidden_activation")?
        && name != "gelu_pytorch_tanh"
    {
        return Err(format!(
            "`hidden_activation` \"{name}\" is not supported; Gemma has \"gelu_pytorch_tanh\""
        ));
    }
    let hidden_size = keys.count("hidden_size", 2304)?;
    let positions = keys.count("max_position_embeddings", 131_072)?;
    let size = keys.count("hidden_size_per_layer_input", 256)?;
    let vocab_size = keys.count("vocab_size_per_layer_input", 262_144)?;
    let layers = layers(keys)?;
    Ok(ModelConfig {
        model_type: "gemma4_text",
        vocab_size: keys.count("vocab_size", 262_144)?,
        hidden_size,
        ropes: ropes(keys, &layers, positions)?,
        layers,
        max_position_embeddings: positions,
        rms_norm_eps: keys.number("rms_norm_eps", 1e-6)?,
        norm_scale: NormScale::Weight,
        activation: Activation::GeluTanh,
        embedding_scale: (hidden_size as f64).sqrt(),
        query_pre_attn_scalar: 1.0,
        attn_logit_softcapping: None,
        final_logit_softcapping: keys.optional_number("final_logit_softcapping", None)?,
        own_head: !file.whole.flag("tie_word_embeddings", true)?,
        per_layer_inputs: (size > 0).then_some(PerLayerInputs { size, vocab_size }),
        end_tokens: Vec::new(),
    })
}

/// The rotary embedding of global layers, a quarter of whose pairs turn, and that of sliding ones.
fn ropes(keys: &Keys, layers: &[LayerDescription], positions: usize) -> Result<Vec<Rope>, String> {
    if keys.get("rope_scaling").is_some() {
        return Err(
            "`rope_scaling` is not read for Gemma 4; put it into `rope_parameters.full_attention`".to_owned(),
        );
    }
    let usual = json!({
        "full_attention": {"rope_type": "proportional", "partial_rotary_factor": 0.25, "rope_theta": 1e6},
        "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
    });
    let keys = match keys.get("rope_parameters") {
        Some(_) => keys.clone(),
        None => keys.with("rope_parameters", usual),
    };
    let context = |theta: f64, head_dim: usize| RopeContext {
        theta,
        head_dim,
        positions,
        original: None,
        part: None,
    };
    let head_dim = |rope: usize| {
        let mut sizes = layers
            .iter()
            .filter(|layer| layer.rope == Some(rope))
            .map(|layer| layer.head_dim);
        let first = sizes.next().unwrap_or(2);
        match sizes.all(|size| size == first) {
            true => Ok(first),
            false => Err("`head_dim` differs between layers of one kind, which is not supported".to_owned()),
        }
    };
    let (global, sliding) = (context(1e6, head_dim(0)?), context(1e4, head_dim(1)?));
    // The class reads no base outside of the tables.
    ropes_by_kind(&keys, [("", global), ("", sliding)])
        .map(<[Rope; 2]>::from)
        .map(Vec::from)
}

fn layers(keys: &Keys) -> Result<Vec<LayerDescription>, String> {
    let count = layer_count(keys, 30)?;
    let listed = listed_windows(keys, count)?;
    let mut slides = listed.unwrap_or_else(|| (1..=count).map(|layer| !layer.is_multiple_of(6)).collect());
    // The class makes the last layer a global one, whatever the file says.
    if let Some(last) = slides.last_mut() {
        *last = false;
    }
    let shared = keys.count("num_kv_shared_layers", 0)?;
    let sources = sources(&slides, shared)?;
    let describe = |(index, (slides, source)): (usize, (&bool, &Option<usize>))| {
        layer(keys, &Overrides::of(keys, index, *slides)?, *slides, *source)
    };
    slides.iter().zip(&sources).enumerate().map(describe).collect()
}

/// For each layer, the one whose keys and values it uses: for the last `shared` layers, the last
/// one before them that is of the same kind.
fn sources(slides: &[bool], shared: usize) -> Result<Vec<Option<usize>>, String> {
    let first = slides.len().checked_sub(shared).filter(|first| *first > 0);
    let first = first.ok_or_else(|| {
        format!(
            "`num_kv_shared_layers` is {shared}, so that no layer of {} has keys of its own",
            slides.len()
        )
    })?;
    let source = |layer: usize| {
        if layer < first {
            return Ok(None);
        }
        let source = slides[..first].iter().rposition(|kind| *kind == slides[layer]);
        source.map(Some).ok_or_else(|| {
            format!(
                "`num_kv_shared_layers` is {shared}, but no layer of layer {layer}'s kind has keys of its own"
            )
        })
    };
    (0..slides.len()).map(source).collect()
}

fn layer(
    keys: &Keys,
    own: &Overrides,
    slides: bool,
    source: Option<usize>,
) -> Result<LayerDescription, String> {
    let one_product = keys.flag("attention_k_eq_v", false)?;
    let wide = source.is_some() && keys.flag("use_double_wide_mlp", false)?;
    let biased = keys.flag("attention_bias", false)?;
    Ok(LayerDescription {
        num_attention_heads: keys.count("num_attention_heads", 8)?,
        num_key_value_heads: own.count(keys, "num_key_value_heads", 4)?,
        head_dim: own.count(keys, "head_dim", 256)?,
        intermediate_size: keys.count("intermediate_size", 9216)? * if wide { 2 } else { 1 },
        window: match slides {
            true => Some(keys.count("sliding_window", 512)?),
            false => None,
        },
        rope: Some(usize::from(slides)),
        query_key_norms: QueryKeyNorms::OfHeads,
        value_norm: true,
        keys_and_values: match source {
            Some(source) => KeysAndValues::OfLayer(source),
            None if one_product && !slides => KeysAndValues::SharedProduct,
            None => KeysAndValues::Own,
        },
        biases: Biases {
            query_key_value: biased,
            attention_output: biased,
            feed_forward: false,
        },
        norms: LayerNorms::AROUND,
        scalar: true,
    })
}

/// What one layer has instead of the sizes of all.
struct Overrides(Map<String, Value>);

impl Overrides {
    /// Newer versions of transformers write them layer by layer (`per_layer_config`), without the
    /// keys for global layers.
    fn of(keys: &Keys, layer: usize, slides: bool) -> Result<Self, String> {
        const KEY: &str = "per_layer_config";
        if keys.has(KEY) {
            let none = Value::Object(Map::new());
            let listed = keys.get(KEY).unwrap_or(&none).as_object();
            let listed = listed.ok_or_else(|| format!("`{KEY}` must be a table"))?;
            let own = listed.get(&layer.to_string()).and_then(Value::as_object);
            let own = own.cloned().unwrap_or_default();
            let known = ["head_dim", "num_key_value_heads"];
            return match own.keys().find(|key| !known.contains(&key.as_str())) {
                Some(key) => Err(format!("`{KEY}.{layer}.{key}` is not supported")),
                None => Ok(Overrides(own)),
            };
        }
        let mut own = Map::new();
        if !slides {
            own.insert("head_dim".to_owned(), keys.count("global_head_dim", 512)?.into());
            if keys.flag("attention_k_eq_v", false)?
                && let Some(groups) = keys.optional_count("num_global_key_value_heads")?
            {
                own.insert("num_key_value_heads".to_owned(), groups.into());
            }
        }
        Ok(Overrides(own))
    }

    fn count(&self, keys: &Keys, key: &str, usual: usize) -> Result<usize, String> {
        match self.0.get(key) {
            Some(_) => Keys::new(self.0.clone()).count(key, usual),
            None => keys.count(key, usual),
        }
    }
}
