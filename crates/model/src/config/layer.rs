use super::sizes::check_size;

/// What one decoder layer does.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerDescription {
    /// Heads of queries.
    pub num_attention_heads: usize,
    /// Heads of keys and values; a divisor of `num_attention_heads`.
    pub num_key_value_heads: usize,
    /// The size of a head, which need not be `hidden_size / num_attention_heads`.
    pub head_dim: usize,
    /// The inner width of the feed-forward.
    pub intermediate_size: usize,
    /// How many keys a token sees, its own included. `None`: all up to its own (a global layer).
    pub window: Option<usize>,
    /// The rotary embedding of its queries and keys, by its place in
    /// [`ropes`](super::ModelConfig::ropes); `None` leaves them as they are.
    pub rope: Option<usize>,
    /// How queries and keys are normed before they are rotated.
    pub query_key_norms: QueryKeyNorms,
    /// Values of each head are divided by their root mean square.
    pub value_norm: bool,
    /// Where its keys and values come from.
    pub keys_and_values: KeysAndValues,
    /// Which products have a bias.
    pub biases: Biases,
    /// Which norms it has.
    pub norms: LayerNorms,
    /// What the layer leaves of the residual stream is multiplied by a number of its own
    /// (`layer_scalar`).
    pub scalar: bool,
}

/// What norms of queries and keys are over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryKeyNorms {
    /// There are none.
    None,
    /// Each head for itself.
    OfHeads,
    /// All heads of a token together.
    OfWidth,
}

/// Where a layer's keys and values come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeysAndValues {
    /// A product for each.
    Own,
    /// One product for both; only keys are then rotated and normed with a weight.
    SharedProduct,
    /// Those of this earlier layer, as they are there after norm and rotation.
    OfLayer(usize),
}

/// Which products of a layer have a bias.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Biases {
    /// Queries, keys and values.
    pub query_key_value: bool,
    /// What attention adds to the residual stream.
    pub attention_output: bool,
    /// All three products of the feed-forward.
    pub feed_forward: bool,
}

/// The norms of a decoder layer, under their names in checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerNorms {
    /// The norm of what attention reads, where it is normed.
    pub attention_input: Option<&'static str>,
    /// The norm of what attention adds to the residual stream, where it is normed.
    pub attention_output: Option<&'static str>,
    /// The norm of what the feed-forward reads, where it is normed.
    pub feed_forward_input: Option<&'static str>,
    /// The norm of what the feed-forward adds to the residual stream, where it is normed.
    pub feed_forward_output: Option<&'static str>,
}

impl LayerNorms {
    /// One norm before attention and one before the feed-forward, which is called after what comes
    /// before it.
    pub const BEFORE: Self = LayerNorms {
        attention_input: Some("input_layernorm"),
        attention_output: None,
        feed_forward_input: Some("post_attention_layernorm"),
        feed_forward_output: None,
    };

    /// One norm after each.
    pub const AFTER: Self = LayerNorms {
        attention_input: None,
        attention_output: Some("post_attention_layernorm"),
        feed_forward_input: None,
        feed_forward_output: Some("post_feedforward_layernorm"),
    };

    /// One before and one after each.
    pub const AROUND: Self = LayerNorms {
        attention_input: Some("input_layernorm"),
        attention_output: Some("post_attention_layernorm"),
        feed_forward_input: Some("pre_feedforward_layernorm"),
        feed_forward_output: Some("post_feedforward_layernorm"),
    };

    /// The names of those that there are.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        let all = [
            self.attention_input,
            self.attention_output,
            self.feed_forward_input,
            self.feed_forward_output,
        ];
        all.into_iter().flatten()
    }
}

/// What norms multiply by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormScale {
    /// The weight.
    Weight,
    /// One plus the weight.
    OnePlusWeight,
}

/// The function of the feed-forward's gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// The tanh approximation of GELU.
    GeluTanh,
    /// `x sigmoid(x)`, also called swish.
    Silu,
}

/// Embeddings of which each layer has a part of its own (Gemma 3n and 4 call them PLE).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerLayerInputs {
    /// Numbers of a token that enter one layer.
    pub size: usize,
    /// Rows of the table.
    pub vocab_size: usize,
}

impl LayerDescription {
    /// The width of its queries.
    pub fn query_width(&self) -> usize {
        self.num_attention_heads * self.head_dim
    }

    /// The width of its keys and of its values.
    pub fn key_width(&self) -> usize {
        self.num_key_value_heads * self.head_dim
    }

    /// Whether it computes keys and values, rather than use those of another layer.
    pub fn keeps_keys(&self) -> bool {
        !matches!(self.keys_and_values, KeysAndValues::OfLayer(_))
    }

    /// Whether it has a product of its own for values.
    pub fn has_values(&self) -> bool {
        self.keys_and_values == KeysAndValues::Own
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let sizes = [
            ("intermediate_size", self.intermediate_size),
            ("num_attention_heads", self.num_attention_heads),
            ("num_key_value_heads", self.num_key_value_heads),
            ("head_dim", self.head_dim),
        ];
        sizes
            .into_iter()
            .try_for_each(|(key, size)| check_size(key, size))?;
        if self.window == Some(0) {
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
        Ok(())
    }
}
