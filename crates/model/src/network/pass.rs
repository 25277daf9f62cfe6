use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

use burn::tensor::{Device, Tensor};
use kernels::Context;

use super::gather::Gather;
use super::hidden_keys::HiddenKeys;
use super::padded::Grids;
use super::rotary::Rotary;
use crate::cache::Paths;
use crate::{Batch, Cache, KeysAndValues, ModelConfig, ResidualTap, Result, Token};

/// What the layers share in one pass over a batch.
pub(super) struct Pass<'a> {
    pub config: &'a ModelConfig,
    paths: Paths,
    /// What layers take, each with the first one that does: the later, the more tokens, since rows
    /// part.
    inputs: Vec<(usize, Queries)>,
    /// What the last layer computes, if that is less than it takes.
    selected: Option<Queries>,
    /// What follows the last layer.
    last: Vec<Token>,
    last_layer: usize,
    /// For each layer after which rows part, which of its tokens the next one takes.
    fans: BTreeMap<usize, Gather>,
    /// `[tokens, layers * size]`, in models that have them; the tokens are those of the layer that
    /// runs.
    per_layer_inputs: RefCell<Option<Tensor<2>>>,
    /// Keys and values of layers whose own others use.
    lent: RefCell<BTreeMap<usize, (Tensor<2>, Tensor<2>)>>,
}

/// The tokens that a layer computes the residual stream of.
pub(super) struct Queries {
    pub tokens: Vec<Token>,
    /// Which ones they are of those that the layer takes, unless they are all.
    selected: Option<Gather>,
    /// In the order of the configuration's rotary embeddings.
    rotaries: Vec<Rotary>,
    /// By the log that their keys are in, and the layer's window.
    grids: RefCell<KnownGrids>,
    /// The same for the kernels of GPUs, by the most queries of a tile too.
    #[cfg(feature = "gpu")]
    seen: RefCell<BTreeMap<(usize, Option<usize>, usize), (device_kernels::Seen, usize)>>,
}

/// By log and window.
type KnownGrids = BTreeMap<(usize, Option<usize>), Rc<Grids>>;

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
            None => Paths::of(batch, config.layers.len()),
        };
        let mut pass = Pass {
            config,
            paths,
            inputs: Vec::new(),
            selected: None,
            last: Vec::new(),
            last_layer,
            fans: BTreeMap::new(),
            per_layer_inputs: RefCell::default(),
            lent: RefCell::default(),
        };
        pass.take_inputs(batch, device);
        pass.end_with_wanted(batch, device);
        Ok(pass)
    }

    /// The tokens of each stretch of layers up to the last one.
    fn take_inputs(&mut self, batch: &Batch, device: &Device) {
        let first = &batch.stretches()[0].tokens;
        let mut count = first.len();
        self.inputs
            .push((0, Queries::new(self.config, first.clone(), None)));
        for (fork, stretch) in batch.forks().layers().iter().zip(&batch.stretches()[1..]) {
            // Where no row of this batch parts, the tokens stay the same.
            if *fork < self.last_layer && stretch.tokens.len() > count {
                count = stretch.tokens.len();
                let queries = Queries::new(self.config, stretch.tokens.clone(), None);
                self.inputs.push((fork + 1, queries));
                let fan = Gather::new(stretch.origins.clone(), device);
                self.fans.insert(*fork, fan);
            }
        }
    }

    /// What the last layer computes of the tokens that it takes, and which of these are wanted
    /// after it: those of the batch's last stretch, however many forks are left.
    fn end_with_wanted(&mut self, batch: &Batch, device: &Device) {
        let taken = batch.before(self.last_layer).tokens.len();
        let all: Vec<usize> = (0..batch.len()).collect();
        let wanted = batch.wanted().unwrap_or(&all);
        self.last = wanted.iter().map(|place| batch.tokens()[*place]).collect();
        let mut origins = wanted.to_vec();
        let later = &batch.stretches()[batch.forks().before(self.last_layer) + 1..];
        for stretch in later.iter().rev() {
            origins
                .iter_mut()
                .for_each(|place| *place = stretch.origins[*place]);
        }
        let mut computed = Vec::new();
        let mut index_of = BTreeMap::new();
        for origin in &origins {
            index_of.entry(*origin).or_insert_with(|| {
                computed.push(*origin);
                computed.len() - 1
            });
        }
        let fan = origins.iter().map(|origin| index_of[origin]).collect();
        if let Some(fan) = Gather::unless_all(fan, computed.len(), device) {
            self.fans.insert(self.last_layer, fan);
        }
        let tokens = &batch.before(self.last_layer).tokens;
        let tokens = computed.iter().map(|place| tokens[*place]).collect();
        if let Some(selected) = Gather::unless_all(computed, taken, device) {
            self.selected = Some(Queries::new(self.config, tokens, Some(selected)));
        }
    }

    /// The tokens that a layer takes.
    fn inputs(&self, layer: usize) -> &Queries {
        let later = self.inputs.partition_point(|(first, _)| *first <= layer);
        &self.inputs[later - 1].1
    }

    /// The tokens that the layer computes the residual stream of.
    pub fn queries(&self, layer: usize) -> &Queries {
        match &self.selected {
            Some(selected) if layer == self.last_layer => selected,
            _ => self.inputs(layer),
        }
    }

    /// The tokens that follow the layer, of which [`fan_out`](Self::fan_out) gives the residual
    /// stream.
    pub fn outputs(&self, layer: usize) -> &[Token] {
        match layer == self.last_layer {
            true => &self.last,
            false => &self.inputs(layer + 1).tokens,
        }
    }

    /// `h: [queries of the layer, hidden]`, the residual stream after it; where rows part there,
    /// each gets its own.
    pub fn fan_out(&self, layer: usize, h: Tensor<2>) -> Tensor<2> {
        let Some(fan) = self.fans.get(&layer) else {
            return h;
        };
        if layer < self.last_layer {
            let inputs = self.per_layer_inputs.take();
            self.per_layer_inputs.replace(inputs.map(|inputs| fan.of(inputs)));
        }
        fan.of(h)
    }

    /// Turns the layer's keys, which it computes for all tokens that it takes.
    pub fn rotate_keys(&self, layer: usize, keys: Tensor<2>) -> Tensor<2> {
        self.inputs(layer).rotated(self.config, layer, 0, keys)
    }

    /// The same of the layer's queries from one on.
    pub fn rotate_queries(&self, layer: usize, first: usize, queries: Tensor<2>) -> Tensor<2> {
        self.queries(layer).rotated(self.config, layer, first, queries)
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

    /// `[tokens of the first layer, layers * size]`
    pub fn set_per_layer_inputs(&mut self, inputs: Tensor<2>) {
        self.per_layer_inputs.replace(Some(inputs));
    }

    /// Those of the layer's queries, `[queries of the layer, size]`.
    pub fn per_layer_input(&self, layer: usize) -> Option<Tensor<2>> {
        let (all, shape) = (
            self.per_layer_inputs.borrow().clone()?,
            self.config.per_layer_inputs?,
        );
        let own = all.narrow(1, layer * shape.size, shape.size);
        Some(self.queries(layer).of(own))
    }

    /// What the tap keeps the layer's queries from seeing, if it does that in this layer.
    pub fn hidden_keys(&self, layer: usize, tap: &dyn ResidualTap) -> Option<HiddenKeys> {
        let paths = self.paths.rows(self.log(layer));
        let window = self.config.layers[layer].window.unwrap_or(usize::MAX);
        let tokens = &self.queries(layer).tokens;
        tap.hides_keys(layer)
            .then(|| HiddenKeys::new(layer, tokens, paths, window, tap))
    }

    /// What each of these queries of the layer sees: slots in the order of their positions, as many
    /// as the layer's window has, without those that are hidden.
    pub fn contexts<'b>(
        &'b self,
        layer: usize,
        queries: Range<usize>,
        hidden: Option<&'b HiddenKeys>,
    ) -> Vec<Context<'b>> {
        let window = self.config.layers[layer].window.unwrap_or(usize::MAX);
        let paths = self.paths.rows(self.log(layer));
        let context = |query: usize| {
            if let Some(context) = hidden.and_then(|hidden| hidden.context(query)) {
                return context;
            }
            let token = &self.queries(layer).tokens[query];
            let (path, end) = (&paths[token.entry], token.position + 1);
            Context {
                path: &path.slots,
                first: end.saturating_sub(window) - path.first,
                end: end - path.first,
            }
        };
        queries.map(context).collect()
    }

    /// The same as grids, for backends that work on whole tensors.
    pub fn grids(&self, layer: usize, hidden: Option<&HiddenKeys>, device: &Device) -> Rc<Grids> {
        let (queries, log) = (self.queries(layer), self.log(layer));
        let window = self.config.layers[layer].window;
        let grids = || Grids::new(&queries.tokens, self.paths.rows(log), window, hidden, device);
        if hidden.is_some() {
            return Rc::new(grids());
        }
        let mut known = queries.grids.borrow_mut();
        let grids = known.entry((log, window)).or_insert_with(|| Rc::new(grids()));
        grids.clone()
    }

    /// What the layer's queries see, for the kernels of GPUs, and the most queries of a tile: at most `queries`.
    #[cfg(feature = "gpu")]
    pub fn seen(
        &self,
        layer: usize,
        hidden: Option<&HiddenKeys>,
        queries: usize,
        device: &Device,
    ) -> (device_kernels::Seen, usize) {
        let (of_layer, log) = (self.queries(layer), self.log(layer));
        let window = self.config.layers[layer].window;
        let (tokens, paths) = (&of_layer.tokens, self.paths.rows(log));
        let seen = || super::seen::seen(tokens, paths, window, hidden, queries, device);
        if hidden.is_some() {
            return seen();
        }
        let mut known = of_layer.seen.borrow_mut();
        known.entry((log, window, queries)).or_insert_with(seen).clone()
    }

    /// Cosines and sines, `[tokens, pairs]`, of the tokens that a layer computes heads of, where it has a rotary embedding: of all
    /// that it takes, or of its queries where it uses the keys of another.
    #[cfg(feature = "gpu")]
    pub fn rotary_tables(&self, layer: usize, device: &Device) -> Option<[Tensor<2>; 2]> {
        let description = &self.config.layers[layer];
        let tokens = match description.keeps_keys() {
            true => self.inputs(layer),
            false => self.queries(layer),
        };
        Some(tokens.rotaries[description.rope?].tables(device))
    }

    /// Where the keys and values are that the layer uses, which can be those of a layer before.
    fn log(&self, layer: usize) -> usize {
        self.paths.log(match self.config.layers[layer].keys_and_values {
            KeysAndValues::OfLayer(lender) => lender,
            _ => layer,
        })
    }
}

impl Queries {
    fn new(config: &ModelConfig, tokens: Vec<Token>, selected: Option<Gather>) -> Self {
        let rotary = |rope| Rotary::new(rope, &tokens);
        Queries {
            rotaries: config.ropes.iter().map(rotary).collect(),
            tokens,
            selected,
            grids: RefCell::default(),
            #[cfg(feature = "gpu")]
            seen: RefCell::default(),
        }
    }

    /// Whether they are all tokens that the layer takes, in their order.
    pub fn are_all(&self) -> bool {
        self.selected.is_none()
    }

    /// The rows of `x: [tokens that the layer takes, width]` that belong to the queries.
    pub fn of(&self, x: Tensor<2>) -> Tensor<2> {
        match &self.selected {
            Some(selected) => selected.of(x),
            None => x,
        }
    }

    fn rotated(&self, config: &ModelConfig, layer: usize, first: usize, x: Tensor<2>) -> Tensor<2> {
        let description = &config.layers[layer];
        match description.rope {
            Some(rope) => self.rotaries[rope].apply(x, first, description.head_dim),
            None => x,
        }
    }
}
