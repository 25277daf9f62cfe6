use std::ops::Range;

use burn::module::Module;
use burn::tensor::{DType, Tensor, activation};
use kernels::{AttentionShape, Context};

use super::cpu;
use super::functions::{soft_cap, to_dtype};
use super::joined::Joined;
use super::linear::Linear;
use super::loader::Loader;
use super::norm::RmsNorm;
use super::on_device;
use super::padded::{Grids, Padded};
use super::parts::{TOKENS_AT_ONCE, in_parts};
use super::pass::Pass;
use crate::{
    Cache, KeysAndValues, LayerDescription, ModelConfig, QueryKeyNorms, ResidualTap, Result, Site, Token,
};

/// Grouped-query attention, with soft-capped scores or normed queries and keys where the
/// configuration has them.
#[derive(Module, Debug)]
pub(super) struct Attention {
    /// None where `joined` has it.
    q_proj: Option<Linear>,
    /// None there, and in a layer that uses keys and values of another.
    k_proj: Option<Linear>,
    /// None there too, and where values are the product of the keys.
    v_proj: Option<Linear>,
    o_proj: Linear,
    q_norm: Option<RmsNorm>,
    k_norm: Option<RmsNorm>,
    v_norm: Option<RmsNorm>,
    /// On a GPU, what the layer computes of queries, keys and values.
    joined: Option<Joined>,
    /// The layer whose keys and values it uses, if it has none.
    #[module(skip)]
    lender: usize,
}

impl Attention {
    pub fn load(loader: &mut Loader<'_, '_>, name: &str, layer: &LayerDescription) -> Result<Self> {
        let (hidden, biases) = (loader.config.hidden_size, layer.biases);
        let (queries, keys) = (layer.query_width(), layer.key_width());
        let part = |part: &str| format!("{name}.{part}");
        let joined = Joined::load(loader, name, layer)?;
        let mut product = |is_there: bool, name: &str, width: usize| {
            let load = || Linear::load(loader, &part(name), [width, hidden], biases.query_key_value);
            (is_there && joined.is_none()).then(load).transpose()
        };
        let q_proj = product(true, "q_proj", queries)?;
        let k_proj = product(layer.keeps_keys(), "k_proj", keys)?;
        let v_proj = product(layer.has_values(), "v_proj", keys)?;
        let o_proj = Linear::load(
            loader,
            &part("o_proj"),
            [hidden, queries],
            biases.attention_output,
        )?;
        let k_norm = match layer.keeps_keys() {
            true => query_key_norm(loader, &part("k_norm"), layer, keys)?,
            false => None,
        };
        let has_value_norm = layer.value_norm && layer.keeps_keys();
        Ok(Attention {
            q_proj,
            k_proj,
            v_proj,
            o_proj,
            q_norm: query_key_norm(loader, &part("q_norm"), layer, queries)?,
            k_norm,
            v_norm: has_value_norm.then(|| RmsNorm::without_weight(loader, layer.head_dim)),
            joined,
            lender: match layer.keys_and_values {
                KeysAndValues::OfLayer(lender) => lender,
                _ => 0,
            },
        })
    }

    /// `x: [tokens of the batch, hidden]`, normed; the result `[queries of the layer, hidden]`. On
    /// the CPU, the queries of long texts are computed in parts.
    pub fn forward(
        &self,
        x: Tensor<2>,
        pass: &Pass<'_>,
        layer: usize,
        cache: Option<&mut Cache>,
        tap: &mut dyn ResidualTap,
    ) -> Tensor<2> {
        #[cfg(feature = "gpu")]
        if let Some(joined) = &self.joined {
            return self.forward_on_device(joined, x, pass, layer, cache, tap);
        }
        let asked = pass.queries(layer);
        let is_long =
            asked.tokens.len() > TOKENS_AT_ONCE && asked.are_all() && cpu::HostSlice::of(&x).is_some();
        let (queries, own) = match is_long {
            true => (None, self.keys_and_values(x.clone())),
            false => self.products(x.clone(), pass, layer),
        };
        let (keys, values) = match own {
            None => pass.borrow(self.lender),
            Some((keys, values)) => {
                let keys = pass.rotate_keys(layer, normed(&self.k_norm, keys));
                let values = normed(&self.v_norm, values);
                let (keys, values) = match cache {
                    Some(cache) => cache.append(layer, keys, values),
                    None => (keys, values),
                };
                pass.lend(layer, &keys, &values);
                (keys, values)
            }
        };
        let hidden = pass.hidden_keys(layer, tap);
        let mut attend = |range: Range<usize>, queries: Tensor<2>| {
            let queries = normed(&self.q_norm, queries);
            let queries = pass.rotate_queries(layer, range.start, queries);
            let contexts = pass.contexts(layer, range.clone(), hidden.as_ref());
            let mixed = attend_on_cpu(&queries, &keys, &values, &contexts, pass, layer);
            let mixed =
                mixed.or_else(|| on_device::attend(&queries, &keys, &values, hidden.as_ref(), pass, layer));
            let mixed = mixed.unwrap_or_else(|| {
                let grids = pass.grids(layer, hidden.as_ref(), &queries.device());
                let (keys, values) = (keys.clone(), values.clone());
                attend_by_backend(queries, keys, values, &grids, pass, layer)
            });
            let mixed = heads_tapped(mixed, layer, &asked.tokens[range], tap);
            self.o_proj.forward(mixed)
        };
        match queries {
            Some(queries) => attend(0..asked.tokens.len(), queries),
            None => in_parts(x, |range, x| attend(range, self.queries(x))),
        }
    }

    /// Queries of the layer, and keys and values of all tokens in a layer that computes them,
    /// `[tokens, heads * head_dim]`; before norms and rotary embeddings.
    fn products(&self, x: Tensor<2>, pass: &Pass<'_>, layer: usize) -> (Option<Tensor<2>>, KeyValues) {
        let asked = pass.queries(layer);
        if let (Some(keys), Some(values), true) = (&self.k_proj, &self.v_proj, asked.are_all()) {
            let [queries, keys, values] = Linear::forward_each([self.query_product(), keys, values], x);
            return (Some(queries), Some((keys, values)));
        }
        let queries = self.queries(asked.of(x.clone()));
        (Some(queries), self.keys_and_values(x))
    }

    fn queries(&self, x: Tensor<2>) -> Tensor<2> {
        self.query_product().forward(x)
    }

    fn query_product(&self) -> &Linear {
        match &self.q_proj {
            Some(product) => product,
            None => unreachable!("joined products take their own way"),
        }
    }

    /// With the kernels of a GPU, in one launch each: the product, the heads, attention and the last product.
    #[cfg(feature = "gpu")]
    fn forward_on_device(
        &self,
        joined: &Joined,
        x: Tensor<2>,
        pass: &Pass<'_>,
        layer: usize,
        cache: Option<&mut Cache>,
        tap: &mut dyn ResidualTap,
    ) -> Tensor<2> {
        let norms = [&self.q_norm, &self.k_norm];
        let asked = pass.queries(layer);
        let (queries, keys, values) = match pass.config.layers[layer].keeps_keys() {
            true => {
                let [queries, keys, values] = joined.heads(x, norms, pass, layer, cache);
                pass.lend(layer, &keys, &values);
                (asked.of(queries), keys, values)
            }
            false => {
                let [queries, ..] = joined.heads(asked.of(x), norms, pass, layer, None);
                let (keys, values) = pass.borrow(self.lender);
                (queries, keys, values)
            }
        };
        let hidden = pass.hidden_keys(layer, tap);
        let mixed = on_device::attend(&queries, &keys, &values, hidden.as_ref(), pass, layer);
        match mixed {
            Some(mixed) => self
                .o_proj
                .forward(heads_tapped(mixed, layer, &asked.tokens, tap)),
            None => unreachable!("weights are joined on a device with kernels alone"),
        }
    }

    fn keys_and_values(&self, x: Tensor<2>) -> KeyValues {
        let keys = self.k_proj.as_ref()?;
        let Some(values) = &self.v_proj else {
            // They are the product of the keys.
            let keys = keys.forward(x);
            return Some((keys.clone(), keys));
        };
        let [keys, values] = Linear::forward_each([keys, values], x);
        Some((keys, values))
    }
}

/// `[queries, heads * head_dim]`, what attention mixed, as the tap leaves it.
fn heads_tapped(mixed: Tensor<2>, layer: usize, tokens: &[Token], tap: &mut dyn ResidualTap) -> Tensor<2> {
    let site = Site::HeadOutputs;
    let mixed = match tap.changes(site, layer) {
        true => tap.change(site, layer, tokens, mixed),
        false => mixed,
    };
    if tap.wants_sites() {
        tap.site(site, layer, tokens, &mixed);
    }
    mixed
}

/// `None` in a layer that uses those of another.
type KeyValues = Option<(Tensor<2>, Tensor<2>)>;

/// A norm of queries or keys, where the layer has them.
fn query_key_norm(
    loader: &mut Loader<'_, '_>,
    name: &str,
    layer: &LayerDescription,
    width: usize,
) -> Result<Option<RmsNorm>> {
    match layer.query_key_norms {
        QueryKeyNorms::None => Ok(None),
        QueryKeyNorms::OfHeads => RmsNorm::load(loader, name, layer.head_dim).map(Some),
        QueryKeyNorms::OfWidth => RmsNorm::load(loader, name, width).map(Some),
    }
}

/// The norm of each head of `x: [tokens, heads * head_dim]`, or of its whole width.
fn normed(norm: &Option<RmsNorm>, x: Tensor<2>) -> Tensor<2> {
    let Some(norm) = norm else { return x };
    let [tokens, width] = x.dims();
    let size = norm.size();
    let vectors = x.reshape([tokens * width / size, size]);
    norm.forward(vectors).reshape([tokens, width])
}

/// `queries: [queries, heads * head_dim]`, all or some of the layer's, with a context for each;
/// `keys` and `values: [slots, key/value heads * head_dim]`.
fn attend_on_cpu(
    queries: &Tensor<2>,
    keys: &Tensor<2>,
    values: &Tensor<2>,
    contexts: &[Context<'_>],
    pass: &Pass<'_>,
    layer: usize,
) -> Option<Tensor<2>> {
    let (config, description) = (pass.config, &pass.config.layers[layer]);
    let shape = AttentionShape {
        heads: description.num_attention_heads,
        groups: description.num_key_value_heads,
        head_dim: description.head_dim,
        scale: config.query_pre_attn_scalar.powf(-0.5) as f32,
        soft_cap: config.attn_logit_softcapping.map(|cap| cap as f32),
    };
    let dims = queries.dims();
    let [queries, keys, values] = [queries, keys, values].map(cpu::HostSlice::of);
    let (queries, keys, values) = (queries?, keys?, values?);
    let queries = queries.f32()?;
    let mut mixed = vec![0.0; queries.len()];
    if let (Some(keys), Some(values)) = (keys.f32(), values.f32()) {
        kernels::attend(queries, keys, values, contexts, &shape, &mut mixed);
    } else {
        kernels::attend(
            queries,
            keys.bf16()?,
            values.bf16()?,
            contexts,
            &shape,
            &mut mixed,
        );
    }
    Some(cpu::tensor(mixed, dims))
}

/// The same on grids of padded rows.
fn attend_by_backend(
    queries: Tensor<2>,
    keys: Tensor<2>,
    values: Tensor<2>,
    grids: &Grids,
    pass: &Pass<'_>,
    layer: usize,
) -> Tensor<2> {
    grids.each(|grid| {
        let (queries, keys, values) = (queries.clone(), keys.clone(), values.clone());
        attend_on_grid(queries, keys, values, grid, pass.config, layer)
    })
}

fn attend_on_grid(
    queries: Tensor<2>,
    keys: Tensor<2>,
    values: Tensor<2>,
    grid: &Padded,
    config: &ModelConfig,
    layer: usize,
) -> Tensor<2> {
    let (dtype, description) = (queries.dtype(), &config.layers[layer]);
    let (heads, groups, head_dim) = (
        description.num_attention_heads,
        description.num_key_value_heads,
        description.head_dim,
    );
    // [lines, heads, width, head_dim], in f32
    let split = |x: Tensor<3>, heads: usize| {
        let [lines, width, _] = x.dims();
        to_dtype(x, DType::F32)
            .reshape([lines, width, heads, head_dim])
            .swap_dims(1, 2)
    };
    let queries = split(grid.queries(queries), heads);
    let [keys, values] = [keys, values].map(|x| split(grid.keys(x), groups));
    let ([lines, _, width, _], n_keys) = (queries.dims(), keys.dims()[2]);
    // The heads of a group share keys: they become more queries of one head instead of copies of
    // the keys.
    let queries = queries.reshape([lines, groups, heads / groups * width, head_dim]);
    let scores = queries.matmul(keys.swap_dims(2, 3));
    let scores = scores.mul_scalar(config.query_pre_attn_scalar.powf(-0.5));
    // The cap comes before the mask: a capped mask would let padding through.
    let scores = match config.attn_logit_softcapping {
        Some(cap) => soft_cap(scores, cap),
        None => scores,
    };
    let scores = scores.reshape([lines, heads, width, n_keys]).add(grid.mask());
    let mixed = activation::softmax(scores, 3)
        .reshape([lines, groups, heads / groups * width, n_keys])
        .matmul(values);
    let mixed = mixed.reshape([lines, heads, width, head_dim]).swap_dims(1, 2);
    grid.packed(to_dtype(mixed, dtype).reshape([lines, width, heads * head_dim]))
}
