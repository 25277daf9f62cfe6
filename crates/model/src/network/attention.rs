use burn::module::Module;
use burn::tensor::{DType, Tensor, activation};
use kernels::AttentionShape;

use super::cpu;
use super::functions::{soft_cap, to_dtype};
use super::linear::Linear;
use super::loader::Loader;
use super::norm::RmsNorm;
use super::pass::Pass;
use crate::{Cache, LayerDescription, ModelConfig, Result};

/// Grouped-query attention, with soft-capped scores or normed queries and keys where the
/// configuration has them.
#[derive(Module, Debug)]
pub(super) struct Attention {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    o_proj: Linear,
    q_norm: Option<RmsNorm>,
    k_norm: Option<RmsNorm>,
}

impl Attention {
    pub fn load(loader: &mut Loader<'_, '_>, name: &str, layer: &LayerDescription) -> Result<Self> {
        let config = loader.config;
        let hidden = config.hidden_size;
        let (queries, keys) = (
            config.num_attention_heads * config.head_dim,
            config.num_key_value_heads * config.head_dim,
        );
        let mut head_norm = |part: &str| {
            let norm = || RmsNorm::load(loader, &format!("{name}.{part}"), config.head_dim);
            layer.query_key_norms.then(norm).transpose()
        };
        let (q_norm, k_norm) = (head_norm("q_norm")?, head_norm("k_norm")?);
        Ok(Attention {
            q_norm,
            k_norm,
            q_proj: Linear::load(loader, &format!("{name}.q_proj"), [queries, hidden])?,
            k_proj: Linear::load(loader, &format!("{name}.k_proj"), [keys, hidden])?,
            v_proj: Linear::load(loader, &format!("{name}.v_proj"), [keys, hidden])?,
            o_proj: Linear::load(loader, &format!("{name}.o_proj"), [hidden, queries])?,
        })
    }

    /// `x: [tokens of the batch, hidden]`, normed; the result `[queries of the layer, hidden]`.
    pub fn forward(
        &self,
        x: Tensor<2>,
        pass: &Pass<'_>,
        layer: usize,
        cache: Option<&mut Cache>,
    ) -> Tensor<2> {
        let keys = head_normed(&self.k_norm, self.k_proj.forward(x.clone()), pass.config);
        let keys = pass.key_rotary(layer).apply(keys);
        let values = self.v_proj.forward(x.clone());
        let queries = self.q_proj.forward(pass.queries(layer).of(x));
        let queries = head_normed(&self.q_norm, queries, pass.config);
        let queries = pass.query_rotary(layer).apply(queries);
        let (keys, values) = match cache {
            Some(cache) => cache.append(layer, keys, values),
            None => (keys, values),
        };
        let mixed = attend_on_cpu(&queries, &keys, &values, pass, layer);
        let mixed = mixed.unwrap_or_else(|| attend_by_backend(queries, keys, values, pass, layer));
        self.o_proj.forward(mixed)
    }
}

/// The norm of each head of `x: [tokens, heads * head_dim]`.
fn head_normed(norm: &Option<RmsNorm>, x: Tensor<2>, config: &ModelConfig) -> Tensor<2> {
    let Some(norm) = norm else { return x };
    let [tokens, width] = x.dims();
    let heads = x.reshape([tokens * width / config.head_dim, config.head_dim]);
    norm.forward(heads).reshape([tokens, width])
}

/// `queries: [queries, heads * head_dim]`, `keys` and
/// `values: [slots, key/value heads * head_dim]`.
fn attend_on_cpu(
    queries: &Tensor<2>,
    keys: &Tensor<2>,
    values: &Tensor<2>,
    pass: &Pass<'_>,
    layer: usize,
) -> Option<Tensor<2>> {
    let config = pass.config;
    let shape = AttentionShape {
        heads: config.num_attention_heads,
        groups: config.num_key_value_heads,
        head_dim: config.head_dim,
        scale: config.query_pre_attn_scalar.powf(-0.5) as f32,
        soft_cap: config.attn_logit_softcapping.map(|cap| cap as f32),
    };
    let dims = queries.dims();
    let [queries, keys, values] = [queries, keys, values].map(cpu::HostSlice::of);
    let (queries, keys, values) = (queries?, keys?, values?);
    let (queries, contexts) = (queries.f32()?, pass.contexts(layer));
    let mut mixed = vec![0.0; queries.len()];
    if let (Some(keys), Some(values)) = (keys.f32(), values.f32()) {
        kernels::attend(queries, keys, values, &contexts, &shape, &mut mixed);
    } else {
        kernels::attend(
            queries,
            keys.bf16()?,
            values.bf16()?,
            &contexts,
            &shape,
            &mut mixed,
        );
    }
    Some(cpu::tensor(mixed, dims))
}

/// The same on a grid of padded rows.
fn attend_by_backend(
    queries: Tensor<2>,
    keys: Tensor<2>,
    values: Tensor<2>,
    pass: &Pass<'_>,
    layer: usize,
) -> Tensor<2> {
    let (config, dtype) = (pass.config, queries.dtype());
    let (heads, groups, head_dim) = (
        config.num_attention_heads,
        config.num_key_value_heads,
        config.head_dim,
    );
    let grid = pass.padded(layer, &queries.device());
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
    let mask = grid.mask(config.layers[layer].window);
    let scores = scores.reshape([lines, heads, width, n_keys]).add(mask);
    let mixed = activation::softmax(scores, 3)
        .reshape([lines, groups, heads / groups * width, n_keys])
        .matmul(values);
    let mixed = mixed.reshape([lines, heads, width, head_dim]).swap_dims(1, 2);
    grid.packed(to_dtype(mixed, dtype).reshape([lines, width, heads * head_dim]))
}
