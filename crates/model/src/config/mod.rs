//! The shape of a network of the Gemma family.

mod ends;
mod keys;
mod read;
mod rope;

/// llama.cpp's LLAMA_MAX_LAYERS. Asked for before anything is made for each layer of a broken file.
pub(crate) const MOST_LAYERS: usize = 512;
/// No size of a network comes near, and the product of two fits a number.
const MOST: usize = 1 << 30;

/// A Gemma network: what all layers share, and one description for each layer.
///
/// The three generations differ in nothing but this: the network asks no further which of them it is.
#[derive(Clone, Debug, PartialEq)]
pub struct GemmaConfig {
    /// As transformers calls it: `gemma`, `gemma2` or `gemma3_text`. For the files of results; the network has no use for it.
    pub model_type: &'static str,
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub layers: Vec<LayerDescription>,
    pub num_attention_heads: usize,
    pub num_key_value_heads: usize,
    /// A key of its own: not `hidden_size / num_attention_heads`.
    pub head_dim: usize,
    /// The positions that the model was made for. Longer texts are computed, and mean less.
    pub max_position_embeddings: usize,
    pub rms_norm_eps: f64,
    /// Scores are multiplied by this to the power of -0.5 (144, not head_dim = 128, in Gemma 2 27B).
    pub query_pre_attn_scalar: f64,
    pub attn_logit_softcapping: Option<f64>,
    pub final_logit_softcapping: Option<f64>,
    /// Whether logits come from `lm_head.weight` and not from the embeddings.
    pub own_head: bool,
    /// Generation ends at any of these. `generation_config.json` is asked first, then `config.json`.
    pub end_tokens: Vec<u32>,
}

/// What one decoder layer does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerDescription {
    /// How many keys a token sees, its own included. `None`: all up to its own (a global layer).
    pub window: Option<usize>,
    pub rope: Rope,
    /// Queries and keys of each head are normed before they are turned (Gemma 3).
    pub query_key_norms: bool,
    /// What attention and feed-forward add to the residual stream is normed (Gemma 2 and 3).
    pub output_norms: bool,
}

/// How positions turn queries and keys.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rope {
    /// The base of the frequencies.
    pub theta: f64,
    /// Linear scaling: positions are divided by this. 1 is none.
    pub factor: f64,
}

impl GemmaConfig {
    /// The first thing that no Gemma network can have, in words that name the key.
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
