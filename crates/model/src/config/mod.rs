//! The architecture of a network as data, and the `config.json` that it is read from.

mod ends;
mod keys;
mod read;
mod rope;

pub(crate) use keys::Keys;
pub(crate) use read::{ConfigFile, layer_count, listed_windows};
pub(crate) use rope::{rope_of_all_layers, ropes_by_kind};

/// llama.cpp's LLAMA_MAX_LAYERS. Checked before anything is allocated for each layer of a broken
/// file.
pub(crate) const MOST_LAYERS: usize = 512;
/// No network size comes close, and the product of two doesn't overflow.
const MOST: usize = 1 << 30;

/// A network: what all layers share, and one description for each layer.
///
/// Models differ only in this; the network doesn't ask which family or generation it is.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfig {
    /// The name that transformers uses, such as `gemma2`. For the files of results; the network
    /// doesn't use it.
    pub model_type: &'static str,
    /// Rows of the embedding table.
    pub vocab_size: usize,
    /// The size of a residual.
    pub hidden_size: usize,
    /// The inner width of the feed-forward.
    pub intermediate_size: usize,
    /// The decoder layers, in order.
    pub layers: Vec<LayerDescription>,
    /// Heads of queries.
    pub num_attention_heads: usize,
    /// Heads of keys and values; a divisor of `num_attention_heads`.
    pub num_key_value_heads: usize,
    /// The size of a head, which need not be `hidden_size / num_attention_heads`.
    pub head_dim: usize,
    /// The number of positions that the model was made for. Longer texts are computed, but mean
    /// less.
    pub max_position_embeddings: usize,
    /// What is added to the mean square in every norm.
    pub rms_norm_eps: f64,
    /// Embeddings are multiplied by this.
    pub embedding_scale: f64,
    /// Scores are multiplied by this to the power of -0.5. Often `head_dim`, but not always.
    pub query_pre_attn_scalar: f64,
    /// The soft cap of attention scores.
    pub attn_logit_softcapping: Option<f64>,
    /// The soft cap of logits.
    pub final_logit_softcapping: Option<f64>,
    /// Whether logits come from `lm_head.weight` rather than from the embeddings.
    pub own_head: bool,
    /// Generation ends at any of these. `generation_config.json` is asked first, then
    /// `config.json`.
    pub end_tokens: Vec<u32>,
}

/// What one decoder layer does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerDescription {
    /// How many keys a token sees, its own included. `None`: all up to its own (a global layer).
    pub window: Option<usize>,
    /// The rotary embedding of its queries and keys.
    pub rope: Rope,
    /// Queries and keys of each head are normed before they are rotated.
    pub query_key_norms: bool,
    /// Which norms it has.
    pub norms: LayerNorms,
}

/// The norms of a decoder layer, under their names in checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerNorms {
    /// The norm of what attention reads.
    pub attention_input: &'static str,
    /// The norm of what attention adds to the residual stream, where it is normed.
    pub attention_output: Option<&'static str>,
    /// The norm of what the feed-forward reads.
    pub feed_forward_input: &'static str,
    /// The norm of what the feed-forward adds to the residual stream, where it is normed.
    pub feed_forward_output: Option<&'static str>,
}

/// How positions rotate queries and keys.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rope {
    /// The base of the frequencies.
    pub theta: f64,
    /// Linear scaling: positions are divided by this. 1 is none.
    pub factor: f64,
}

impl ModelConfig {
    /// The first invalid value, in words that name the key.
    fn check(&self) -> Result<(), String> {
        let sizes = [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("intermediate_size", self.intermediate_size),
            ("num_hidden_layers", self.layers.len()),
            ("num_attention_heads", self.num_attention_heads),
            ("num_key_value_heads", self.num_key_value_heads),
            ("head_dim", self.head_dim),
            ("max_position_embeddings", self.max_position_embeddings),
        ];
        for (key, size) in sizes {
            match size {
                0 => return Err(format!("`{key}` is 0")),
                1..=MOST => {}
                _ => return Err(format!("`{key}` is {size}, more than the {MOST} possible")),
            }
        }
        if self.layers.iter().any(|layer| layer.window == Some(0)) {
            return Err("`sliding_window` is 0".to_owned());
        }
        if !self.num_attention_heads.is_multiple_of(self.num_key_value_heads) {
            let (heads, groups) = (self.num_attention_heads, self.num_key_value_heads);
            return Err(format!(
                "`num_attention_heads` ({heads}) must be a multiple of `num_key_value_heads` ({groups})"
            ));
        }
        if !self.head_dim.is_multiple_of(2) {
            return Err(format!(
                "`head_dim` ({}) must be even, since rotary embeddings turn pairs",
                self.head_dim
            ));
        }
        let wrong = |number: f64| !(number > 0.0 && number.is_finite());
        let numbers = [
            ("rms_norm_eps", Some(self.rms_norm_eps)),
            ("query_pre_attn_scalar", Some(self.query_pre_attn_scalar)),
            ("attn_logit_softcapping", self.attn_logit_softcapping),
            ("final_logit_softcapping", self.final_logit_softcapping),
        ];
        let ropes = self.layers.iter().flat_map(|layer| {
            [
                ("rope_theta", Some(layer.rope.theta)),
                ("rope_scaling.factor", Some(layer.rope.factor)),
            ]
        });
        match numbers
            .into_iter()
            .chain(ropes)
            .find(|(_, number)| number.is_some_and(wrong))
        {
            Some((key, _)) => Err(format!("`{key}` must be a number above 0")),
            None => Ok(()),
        }
    }
}
