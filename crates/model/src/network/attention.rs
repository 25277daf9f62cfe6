use burn::module::Module;
use burn::tensor::{DType, Tensor, activation};

use super::Loader;
use super::functions::{soft_cap, to_dtype};
use super::linear::Linear;
use super::norm::RmsNorm;
use super::pass::Pass;
use crate::{Cache, LayerDescription, Result};

/// Grouped-query attention, with soft-capped scores (Gemma 2) or normed queries and keys (Gemma 3).
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

    /// `x: [rows, width, hidden]`, normed.
    pub fn forward(
        &self,
        x: Tensor<3>,
        pass: &Pass<'_>,
        layer: usize,
        cache: Option<&mut Cache>,
    ) -> Tensor<3> {
        let [rows, width, _] = x.dims();
        let (config, dtype) = (pass.config, x.dtype());
        let (heads, groups, head_dim) = (
            config.num_attention_heads,
            config.num_key_value_heads,
            config.head_dim,
        );
        // [rows, heads, width, head_dim]
        let split = |x: Tensor<3>, heads: usize| x.reshape([rows, width, heads, head_dim]).swap_dims(1, 2);
        let normed = |norm: &Option<RmsNorm>, x: Tensor<4>| match norm {
            Some(norm) => norm.forward(x),
            None => x,
        };
        let rotary = pass.rotary(layer);
        let queries = rotary.apply(normed(&self.q_norm, split(self.q_proj.forward(x.clone()), heads)));
        let keys = rotary.apply(normed(
            &self.k_norm,
            split(self.k_proj.forward(x.clone()), groups),
        ));
        let values = split(self.v_proj.forward(x), groups);
        let (keys, values) = match cache {
            Some(cache) => cache.append(layer, keys, values),
            None => (keys, values),
        };
        let n_keys = keys.dims()[2];
        // The heads of a group share keys: they become more queries of one head instead of copies of the keys.
        let queries = queries.reshape([rows, groups, heads / groups * width, head_dim]);
        let [queries, keys, values] = [queries, keys, values].map(|x| to_dtype(x, DType::F32));
        let scores = queries.matmul(keys.swap_dims(2, 3));
        let scores = scores.mul_scalar(config.query_pre_attn_scalar.powf(-0.5));
        // The cap comes before the mask: a capped mask would let padding through.
        let scores = match config.attn_logit_softcapping {
            Some(cap) => soft_cap(scores, cap),
            None => scores,
        };
        let scores = scores.reshape([rows, heads, width, n_keys]).add(pass.mask(layer));
        let mixed = activation::softmax(scores, 3)
            .reshape([rows, groups, heads / groups * width, n_keys])
            .matmul(values);
        let mixed = mixed.reshape([rows, heads, width, head_dim]).swap_dims(1, 2);
        let mixed = to_dtype(mixed, dtype);
        self.o_proj
            .forward(mixed.reshape([rows, width, heads * head_dim]))
    }
}
