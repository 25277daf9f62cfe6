use std::cell::OnceCell;

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::padded::Padded;
use super::rotary::Rotary;
use crate::{Batch, Cache, ModelConfig, Result, Rope, Token};

/// What the layers share in one pass over a batch.
pub(super) struct Pass<'a> {
    pub config: &'a ModelConfig,
    /// For each row of the batch, where the keys and values of its tokens are, by position: slots
    /// of the cache, or places in the batch.
    paths: Vec<Vec<u32>>,
    all: Queries,
    wanted: Option<Queries>,
    last_layer: usize,
}

/// The tokens that a layer computes the residual stream of.
pub(super) struct Queries {
    pub tokens: Vec<Token>,
    /// Their places in the batch, unless they are all of it.
    selected: Option<Tensor<1, Int>>,
    rotaries: Vec<(Rope, Rotary)>,
    padded: OnceCell<Padded>,
}

impl<'a> Pass<'a> {
    /// Takes slots in the cache for the batch's tokens. After `last_layer`, only what the batch
    /// wants is computed.
    pub fn begin(
        config: &'a ModelConfig,
        batch: &Batch,
        cache: Option<&mut Cache>,
        last_layer: usize,
        device: &Device,
    ) -> Result<Self> {
        let paths = match cache {
            Some(cache) => cache.reserve(batch)?,
            None => batch
                .entries()
                .iter()
                .map(|row| row.places.iter().map(|place| *place as u32).collect())
                .collect(),
        };
        let wanted = batch
            .wanted()
            .map(|places| Queries::selected(config, batch, places, device));
        Ok(Pass {
            config,
            paths,
            all: Queries::new(config, batch.tokens().to_vec(), None),
            wanted,
            last_layer,
        })
    }

    /// The tokens that the layer outputs the residual stream of.
    pub fn queries(&self, layer: usize) -> &Queries {
        match &self.wanted {
            Some(wanted) if layer == self.last_layer => wanted,
            _ => &self.all,
        }
    }

    /// For the keys, which the layer computes for all tokens.
    pub fn key_rotary(&self, layer: usize) -> &Rotary {
        self.all.rotary(self.config.layers[layer].rope)
    }

    pub fn query_rotary(&self, layer: usize) -> &Rotary {
        self.queries(layer).rotary(self.config.layers[layer].rope)
    }

    /// What each query of the layer sees: slots in the order of their positions, as many as the
    /// layer's window has.
    pub fn contexts(&self, layer: usize) -> Vec<&[u32]> {
        let window = self.config.layers[layer].window.unwrap_or(usize::MAX);
        let context = |token: &Token| {
            let end = token.position + 1;
            &self.paths[token.entry][end.saturating_sub(window)..end]
        };
        self.queries(layer).tokens.iter().map(context).collect()
    }

    /// The same as a grid, for backends that work on whole tensors.
    pub fn padded(&self, layer: usize, device: &Device) -> &Padded {
        let queries = self.queries(layer);
        let windows = self.config.layers.iter().map(|layer| layer.window);
        let padded = || Padded::new(&queries.tokens, &self.paths, windows, device);
        queries.padded.get_or_init(padded)
    }
}

impl Queries {
    fn new(config: &ModelConfig, tokens: Vec<Token>, selected: Option<Tensor<1, Int>>) -> Self {
        let mut rotaries: Vec<(Rope, Rotary)> = Vec::new();
        for layer in &config.layers {
            if !rotaries.iter().any(|(rope, _)| *rope == layer.rope) {
                rotaries.push((layer.rope, Rotary::new(layer.rope, config.head_dim, &tokens)));
            }
        }
        Queries {
            tokens,
            selected,
            rotaries,
            padded: OnceCell::new(),
        }
    }

    fn selected(config: &ModelConfig, batch: &Batch, places: &[usize], device: &Device) -> Self {
        let tokens = places.iter().map(|place| batch.tokens()[*place]).collect();
        let places: Vec<i32> = places.iter().map(|place| *place as i32).collect();
        let count = places.len();
        let places = Tensor::from_data(TensorData::new(places, [count]), device);
        Self::new(config, tokens, Some(places))
    }

    /// The rows of `x: [tokens of the batch, width]` that belong to the queries.
    pub fn of(&self, x: Tensor<2>) -> Tensor<2> {
        match &self.selected {
            Some(places) => x.select(0, places.clone()),
            None => x,
        }
    }

    fn rotary(&self, wanted: Rope) -> &Rotary {
        let found = self.rotaries.iter().find(|(rope, _)| *rope == wanted);
        &found.unwrap_or(&self.rotaries[0]).1
    }
}
