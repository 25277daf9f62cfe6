use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;

use burn::tensor::{Device, Int, Tensor, TensorData};
use kernels::Context;

use super::padded::Padded;
use super::rotary::Rotary;
use crate::{Batch, Cache, KeysAndValues, ModelConfig, Result, Token};

/// What the layers share in one pass over a batch.
pub(super) struct Pass<'a> {
    pub config: &'a ModelConfig,
    /// For each row of the batch, where the keys and values of its tokens are, by position: slots
    /// of the cache, or places in the batch.
    paths: Vec<Vec<u32>>,
    all: Queries,
    wanted: Option<Queries>,
    last_layer: usize,
    /// `[tokens of the batch, layers * size]`, in models that have them.
    per_layer_inputs: Option<Tensor<2>>,
    /// Keys and values of layers whose own others use.
    lent: RefCell<BTreeMap<usize, (Tensor<2>, Tensor<2>)>>,
}

/// The tokens that a layer computes the residual stream of.
pub(super) struct Queries {
    pub tokens: Vec<Token>,
    /// Their places in the batch, unless they are all of it.
    selected: Option<Tensor<1, Int>>,
    /// In the order of the configuration's rotary embeddings.
    rotaries: Vec<Rotary>,
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
            per_layer_inputs: None,
            lent: RefCell::default(),
        })
    }

    /// The tokens that the layer outputs the residual stream of.
    pub fn queries(&self, layer: usize) -> &Queries {
        match &self.wanted {
            Some(wanted) if layer == self.last_layer => wanted,
            _ => &self.all,
        }
    }

    /// Turns the layer's keys, which it computes for all tokens.
    pub fn rotate_keys(&self, layer: usize, keys: Tensor<2>) -> Tensor<2> {
        self.all.rotated(self.config, layer, keys)
    }

    pub fn rotate_queries(&self, layer: usize, queries: Tensor<2>) -> Tensor<2> {
        self.queries(layer).rotated(self.config, layer, queries)
    }

    /// Keeps keys and values if a later layer uses them.
    pub fn lend(&self, layer: usize, keys: &Tensor<2>, values: &Tensor<2>) {
        let uses = KeysAndValues::OfLayer(layer);
        if self
            .config
            .layers
            .iter()
            .any(|other| other.keys_and_values == uses)
        {
            let lent = (keys.clone(), values.clone());
            self.lent.borrow_mut().insert(layer, lent);
        }
    }

    /// What the layer has lent. It has run before: a configuration is checked for that.
    pub fn borrow(&self, layer: usize) -> (Tensor<2>, Tensor<2>) {
        self.lent.borrow()[&layer].clone()
    }

    /// `[tokens of the batch, layers * size]`
    pub fn set_per_layer_inputs(&mut self, inputs: Tensor<2>) {
        self.per_layer_inputs = Some(inputs);
    }

    /// Those of the layer's queries, `[queries of the layer, size]`.
    pub fn per_layer_input(&self, layer: usize) -> Option<Tensor<2>> {
        let (all, shape) = (self.per_layer_inputs.as_ref()?, self.config.per_layer_inputs?);
        let own = all.clone().narrow(1, layer * shape.size, shape.size);
        Some(self.queries(layer).of(own))
    }

    /// What each query of the layer sees: slots in the order of their positions, as many as the
    /// layer's window has.
    pub fn contexts(&self, layer: usize) -> Vec<Context<'_>> {
        let window = self.config.layers[layer].window.unwrap_or(usize::MAX);
        let context = |token: &Token| {
            let end = token.position + 1;
            Context {
                path: &self.paths[token.entry],
                first: end.saturating_sub(window),
                end,
            }
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
        let rotary = |rope| Rotary::new(rope, &tokens);
        Queries {
            rotaries: config.ropes.iter().map(rotary).collect(),
            tokens,
            selected,
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

    /// Whether they are all of the batch, in its order.
    pub fn are_all(&self) -> bool {
        self.selected.is_none()
    }

    /// The rows of `x: [tokens of the batch, width]` that belong to the queries.
    pub fn of(&self, x: Tensor<2>) -> Tensor<2> {
        match &self.selected {
            Some(places) => x.select(0, places.clone()),
            None => x,
        }
    }

    fn rotated(&self, config: &ModelConfig, layer: usize, x: Tensor<2>) -> Tensor<2> {
        let description = &config.layers[layer];
        match description.rope {
            Some(rope) => self.rotaries[rope].apply(x, description.head_dim),
            None => x,
        }
    }
}
