//! The architecture of a network as data, and the `config.json` that it is read from.

mod ends;
mod file;
mod keys;
mod layer;
mod read;
mod rope;
mod rope_tables;
mod sizes;

pub use layer::{
    Activation, Biases, KeysAndValues, LayerDescription, LayerNorms, NormScale, PerLayerInputs, QueryKeyNorms,
};
pub use rope::Rope;

pub(crate) use file::{ConfigFile, layer_count, listed_windows};
pub(crate) use keys::Keys;

pub(crate) use rope_tables::{RopeContext, rope_of_all_layers, ropes_by_kind};
pub(crate) use sizes::MOST_LAYERS;

use sizes::check_size;

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
    /// The decoder layers, in order.
    pub layers: Vec<LayerDescription>,
    /// The rotary embeddings that layers name by their place here.
    pub ropes: Vec<Rope>,
    /// The number of positions that the model was made for. Longer texts are computed, but mean
    /// less.
    pub max_position_embeddings: usize,
    /// What is added to the mean square in every norm.
    pub rms_norm_eps: f64,
    /// What norms multiply by.
    pub norm_scale: NormScale,
    /// The function of the feed-forward's gate.
    pub activation: Activation,
    /// Embeddings are multiplied by this.
    pub embedding_scale: f64,
    /// Scores are multiplied by this to the power of -0.5. Often the size of a head, but not
    /// always.
    pub query_pre_attn_scalar: f64,
    /// The soft cap of attention scores.
    pub attn_logit_softcapping: Option<f64>,
    /// The soft cap of logits.
    pub final_logit_softcapping: Option<f64>,
    /// Whether logits come from `lm_head.weight` rather than from the embeddings.
    pub own_head: bool,
    /// A second table of embeddings, a part of which enters each layer.
    pub per_layer_inputs: Option<PerLayerInputs>,
    /// Generation ends at any of these. `generation_config.json` is asked first, then
    /// `config.json`.
    pub end_tokens: Vec<u32>,
}

impl ModelConfig {
    /// Numbers that the keys and values of a row with this many tokens take in a cache, at most:
    /// a sliding layer keeps about twice its window.
    pub fn cached_numbers(&self, tokens: usize) -> usize {
        let layers = self.layers.iter().zip(self.windows_of_keys());
        let own = layers.filter(|(layer, _)| layer.keeps_keys());
        own.map(|(layer, window)| 2 * layer.key_width() * tokens.min(window.saturating_mul(2)))
            .sum()
    }

    /// For each layer how many keys a query sees of those that the layer has: its own queries, or
    /// those of layers that use its keys. `usize::MAX`: all of them.
    pub(crate) fn windows_of_keys(&self) -> Vec<usize> {
        let own = |layer: &LayerDescription| layer.window.unwrap_or(usize::MAX);
        let mut windows: Vec<usize> = self.layers.iter().map(own).collect();
        for layer in &self.layers {
            if let KeysAndValues::OfLayer(lender) = layer.keys_and_values {
                windows[lender] = windows[lender].max(own(layer));
            }
        }
        windows
    }

    /// The widest feed-forward of any layer.
    pub fn widest_feed_forward(&self) -> usize {
        let widths = self.layers.iter().map(|layer| layer.intermediate_size);
        widths.max().unwrap_or(0)
    }

    /// The number of tokens after which the rotary embedding would change, where it does.
    pub fn longest_text(&self) -> Option<usize> {
        self.ropes.iter().filter_map(|rope| rope.longest).min()
    }

    /// The first invalid value, in words that name the key.
    fn check(&self) -> Result<(), String> {
        let own = [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("num_hidden_layers", self.layers.len()),
            ("max_position_embeddings", self.max_position_embeddings),
        ];
        own.into_iter()
            .try_for_each(|(key, size)| check_size(key, size))?;
        if let Some(inputs) = self.per_layer_inputs {
            check_size("hidden_size_per_layer_input", inputs.size)?;
            check_size("vocab_size_per_layer_input", inputs.vocab_size)?;
        }
        for layer in &self.layers {
            layer.check()?;
            let pairs = layer.rope.map_or(0, |rope| self.ropes[rope].frequencies.len());
            if 2 * pairs > layer.head_dim {
                return Err(format!(
                    "{pairs} pairs are rotated in heads of {}",
                    layer.head_dim
                ));
            }
        }
        self.ropes.iter().try_for_each(Rope::check)?;
        let wrong = |number: f64| !(number > 0.0 && number.is_finite());
        let numbers = [
            ("rms_norm_eps", Some(self.rms_norm_eps)),
            ("query_pre_attn_scalar", Some(self.query_pre_attn_scalar)),
            ("attn_logit_softcapping", self.attn_logit_softcapping),
            ("final_logit_softcapping", self.final_logit_softcapping),
        ];
        let mut numbers = numbers.into_iter();
        match numbers.find(|(_, number)| number.is_some_and(wrong)) {
            Some((key, _)) => Err(format!("`{key}` must be a number above 0")),
            None => Ok(()),
        }
    }
}
