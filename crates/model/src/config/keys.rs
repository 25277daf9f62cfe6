//! The keys of a `config.json`: what each is for, and typed access with errors that name them.

use serde_json::{Map, Value};

/// The keys of one `config.json`, or of the table in it that describes the language model.
#[derive(Clone)]
pub(crate) struct Keys(Map<String, Value>);

impl From<Keys> for Value {
    fn from(keys: Keys) -> Self {
        Value::Object(keys.0)
    }
}

impl Keys {
    pub fn new(keys: Map<String, Value>) -> Self {
        Keys(keys)
    }

    /// The same without some.
    pub fn without(&self, names: &[&str]) -> Self {
        let mut kept = self.0.clone();
        kept.retain(|key, _| !names.contains(&key.as_str()));
        Keys(kept)
    }

    /// The same with another value.
    pub fn with(&self, name: &str, value: Value) -> Self {
        let mut changed = self.0.clone();
        changed.insert(name.to_owned(), value);
        Keys(changed)
    }

    /// `None` where the key is absent or `null`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    /// Whether the key is there, even if it is `null`, which removes a default.
    pub fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// A whole number; `default` where the key is absent.
    pub fn count(&self, key: &str, default: usize) -> Result<usize, String> {
        match self.get(key) {
            None if self.has(key) => Err(format!("`{key}` is null; give a whole number")),
            None => Ok(default),
            Some(value) => count(key, value),
        }
    }

    /// A whole number, or `None` where the key is `null` or absent.
    pub fn optional_count(&self, key: &str) -> Result<Option<usize>, String> {
        self.get(key).map(|value| count(key, value)).transpose()
    }

    /// A number; `default` where the key is absent.
    pub fn number(&self, key: &str, default: f64) -> Result<f64, String> {
        match self.get(key) {
            None if self.has(key) => Err(format!("`{key}` is null; give a number")),
            None => Ok(default),
            Some(value) => number(key, value),
        }
    }

    /// A number that may be absent; `default` where the key is absent, and none where it is `null`.
    pub fn optional_number(&self, key: &str, default: Option<f64>) -> Result<Option<f64>, String> {
        match self.get(key) {
            None if self.has(key) => Ok(None),
            None => Ok(default),
            Some(value) => number(key, value).map(Some),
        }
    }

    /// A text, or `None` where the key is `null` or absent.
    pub fn text(&self, key: &str) -> Result<Option<&str>, String> {
        let text = |value: &'_ Value| {
            value
                .as_str()
                .map(|_| ())
                .ok_or_else(|| wrong(key, value, "a text"))
        };
        self.get(key).map(text).transpose()?;
        Ok(self.get(key).and_then(Value::as_str))
    }

    /// Whether a switch is on; `default` where the key is absent or `null`.
    pub fn flag(&self, key: &str, default: bool) -> Result<bool, String> {
        match self.get(key) {
            None => Ok(default),
            Some(value) => value.as_bool().ok_or_else(|| wrong(key, value, "true or false")),
        }
    }

    /// Refuses the first key that changes what a network computes, or looks as if it does, and is
    /// not among those that are read: for every family, or in `read`.
    ///
    /// transformers leaves keys alone that a model's class doesn't read. So does this for those
    /// that are known to control training, generation or the Python classes, and for those whose
    /// names don't suggest part of a network. But a number or a switch whose name does may be part
    /// of a modified network, so it must not be ignored.
    pub fn refuse_unknown(&self, read: &[&str]) -> Result<(), String> {
        for (key, value) in &self.0 {
            if read.contains(&key.as_str()) || READ.contains(&key.as_str()) {
                continue;
            }
            if CHANGES_ARITHMETIC.contains(&key.as_str()) {
                if is_neutral(key, value) {
                    continue;
                }
                return Err(format!(
                    "`{key}` {value} is not supported: it changes what the network computes; use a checkpoint without it"
                ));
            }
            let counts = value.is_number() || value == &Value::Bool(true);
            if counts && names_a_part(key) && !is_harmless(key) {
                return Err(format!(
                    "`{key}` {value} is not known here, and may change what the network computes; if it doesn't, remove it from \
                     config.json"
                ));
            }
        }
        Ok(())
    }
}

fn count(key: &str, value: &Value) -> Result<usize, String> {
    let whole = value.as_u64().or_else(|| {
        // Written by Python as 256.0.
        let number = value.as_f64().filter(|number| number.fract() == 0.0)?;
        (0.0..=9e15).contains(&number).then_some(number as u64)
    });
    whole
        .and_then(|number| usize::try_from(number).ok())
        .ok_or_else(|| wrong(key, value, "a whole number"))
}

fn number(key: &str, value: &Value) -> Result<f64, String> {
    value.as_f64().ok_or_else(|| wrong(key, value, "a number"))
}

fn wrong(key: &str, value: &Value, wanted: &str) -> String {
    format!("`{key}` must be {wanted}, not {value}")
}

/// Whether the value means the same as an absent key.
fn is_neutral(key: &str, value: &Value) -> bool {
    match value {
        // Whole heads are turned.
        Value::Number(part) if key == "partial_rotary_factor" => part.as_f64() == Some(1.0),
        Value::Null => true,
        Value::Bool(on) => !on,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(table) => table.is_empty(),
    }
}

/// What is read for every family.
const READ: &[&str] = &[
    "bos_token_id",
    "eos_token_id",
    "head_dim",
    "hidden_size",
    "intermediate_size",
    "is_causal",
    "max_position_embeddings",
    "model_type",
    "num_attention_heads",
    "num_hidden_layers",
    "num_key_value_heads",
    "quantization_config",
    "rms_norm_eps",
    "rope_parameters",
    "rope_scaling",
    "rope_theta",
    "text_config",
    "tie_word_embeddings",
    "use_bidirectional_attention",
    "vocab_size",
];

/// Parts of other networks, and of modified versions of these. Each is refused unless it
/// says "none".
const CHANGES_ARITHMETIC: &[&str] = &[
    "activation_sparsity_pattern",
    "alibi",
    "altup_num_inputs",
    "attention_chunk_size",
    "attention_multiplier",
    "attention_out_bias",
    "attn_temperature_tuning",
    "compression_config",
    "cross_attention_layers",
    "embedding_multiplier",
    "enable_moe_block",
    "expand_ratio",
    "hidden_size_per_layer_input",
    "is_encoder_decoder",
    "laurel_rank",
    "layer_norm_eps",
    "logit_scale",
    "logits_scaling",
    "mlp_bias",
    "no_rope_layers",
    "num_experts",
    "num_experts_per_tok",
    "num_global_key_value_heads",
    "num_kv_shared_layers",
    "num_local_experts",
    "partial_rotary_factor",
    "per_layer_config",
    "qkv_bias",
    "quantization",
    "residual_multiplier",
    "rope_interleaved",
    "rotary_pct",
    "scale_depth",
    "scale_emb",
    "use_parallel_residual",
    "use_qk_norm",
];

/// Keys of transformers' `PreTrainedConfig`, of older and newer versions, of the classes of these
/// models and of common trainers, that don't change what a network computes.
const HARMLESS: &[&str] = &[
    "_attn_implementation",
    "_attn_implementation_autoset",
    "_attn_implementation_internal",
    "_commit_hash",
    "_name_or_path",
    "add_cross_attention",
    "architectures",
    "auto_map",
    "attention_dropout",
    "bad_words_ids",
    "begin_suppress_tokens",
    "boi_token_id",
    "boi_token_index",
    "cache_implementation",
    "chunk_size_feed_forward",
    "cross_attention_hidden_size",
    "decoder_start_token_id",
    "diversity_penalty",
    "do_sample",
    "dtype",
    "early_stopping",
    "encoder_no_repeat_ngram_size",
    "eoi_token_id",
    "eoi_token_index",
    "exponential_decay_length_penalty",
    "finetuning_task",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "id2label",
    "image_token_id",
    "image_token_index",
    "initializer_range",
    "is_decoder",
    "label2id",
    "length_penalty",
    "max_length",
    "max_window_layers",
    "min_length",
    "mm_tokens_per_image",
    "no_repeat_ngram_size",
    "num_beam_groups",
    "num_beams",
    "num_labels",
    "num_return_sequences",
    "output_attentions",
    "output_hidden_states",
    "output_scores",
    "pad_token_id",
    "prefix",
    "pretraining_tp",
    "problem_type",
    "pruned_heads",
    "remove_invalid_values",
    "repetition_penalty",
    "return_dict",
    "return_dict_in_generate",
    "sep_token_id",
    "sliding_window_size",
    "suppress_tokens",
    "task_specific_params",
    "temperature",
    "tf_legacy_loss",
    "tie_encoder_decoder",
    "tokenizer_class",
    "top_k",
    "top_p",
    "torch_dtype",
    "torchscript",
    "transformers_version",
    "typical_p",
    "unk_token_id",
    "use_bfloat16",
    "use_cache",
    "vision_config",
];

/// Whether a name suggests part of a network.
fn names_a_part(key: &str) -> bool {
    let parts = [
        "activation",
        "alibi",
        "attention",
        "attn",
        "bias",
        "cap",
        "embd",
        "embed",
        "eps",
        "expert",
        "factor",
        "ffn",
        "freq",
        "gate",
        "gating",
        "head",
        "hidden",
        "kv_",
        "latent",
        "layer",
        "logit",
        "mlp",
        "moe",
        "multiplier",
        "norm",
        "position",
        "qk",
        "query",
        "residual",
        "rope",
        "rotary",
        "router",
        "scal",
        "sparsity",
        "theta",
        "window",
    ];
    parts.iter().any(|part| key.contains(part))
}

fn is_harmless(key: &str) -> bool {
    // For trainers, and for attention that computes the same in another way.
    let parts = [
        "dropout",
        "flash",
        "gradient_checkpointing",
        "initializer",
        "init_std",
        "liger",
        "sdpa",
        "trl",
        "unsloth",
        "_token_id",
        "_version",
        "max_seq_length",
        "model_max_length",
    ];
    HARMLESS.contains(&key) || parts.iter().any(|part| key.contains(part))
}
