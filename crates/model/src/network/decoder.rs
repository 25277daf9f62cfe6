use burn::module::Module;
use burn::tensor::Tensor;

use super::attention::Attention;
use super::functions::gated;
use super::linear::Linear;
use super::loader::Loader;
use super::norm::RmsNorm;
use super::pass::Pass;
use crate::{Cache, ResidualTap, Result, Site};

/// One decoder layer: attention and feed-forward, each after a norm or between two, each added to
/// the residual stream.
#[derive(Module, Debug)]
pub(super) struct DecoderLayer {
    self_attn: Attention,
    mlp: FeedForward,
    input_layernorm: RmsNorm,
    post_attention_layernorm: Option<RmsNorm>,
    pre_feedforward_layernorm: RmsNorm,
    post_feedforward_layernorm: Option<RmsNorm>,
}

impl DecoderLayer {
    pub fn load(loader: &mut Loader<'_, '_>, layer: usize) -> Result<Self> {
        let (hidden, description) = (loader.config.hidden_size, loader.config.layers[layer]);
        let name = |part: &str| format!("model.layers.{layer}.{part}");
        let mut norm = |part: &str| RmsNorm::load(loader, &name(part), hidden);
        let norms = description.norms;
        let input_layernorm = norm(norms.attention_input)?;
        let post_attention_layernorm = norms.attention_output.map(&mut norm).transpose()?;
        let pre_feedforward_layernorm = norm(norms.feed_forward_input)?;
        let post_feedforward_layernorm = norms.feed_forward_output.map(&mut norm).transpose()?;
        Ok(DecoderLayer {
            self_attn: Attention::load(loader, &name("self_attn"), &description)?,
            mlp: FeedForward::load(loader, &name("mlp"))?,
            input_layernorm,
            post_attention_layernorm,
            pre_feedforward_layernorm,
            post_feedforward_layernorm,
        })
    }

    /// `h: [tokens of the batch, hidden]`, the residual stream before the layer; the result that of
    /// the layer's queries after it.
    pub fn forward(
        &self,
        h: Tensor<2>,
        pass: &Pass<'_>,
        layer: usize,
        cache: Option<&mut Cache>,
        tap: &mut dyn ResidualTap,
    ) -> Tensor<2> {
        let attended = self
            .self_attn
            .forward(self.input_layernorm.forward(h.clone()), pass, layer, cache);
        let tokens = &pass.queries(layer).tokens;
        if tap.wants_sites() {
            let added = normed(&self.post_attention_layernorm, attended.clone());
            tap.site(Site::AttentionOutput, layer, tokens, &added);
        }
        let h = add(
            &self.post_attention_layernorm,
            pass.queries(layer).of(h),
            attended,
        );
        let fed = self
            .mlp
            .forward(self.pre_feedforward_layernorm.forward(h.clone()));
        if tap.wants_sites() {
            tap.site(Site::ResidualMid, layer, tokens, &h);
            let added = normed(&self.post_feedforward_layernorm, fed.clone());
            tap.site(Site::FeedForwardOutput, layer, tokens, &added);
        }
        add(&self.post_feedforward_layernorm, h, fed)
    }
}

fn add(norm: &Option<RmsNorm>, h: Tensor<2>, x: Tensor<2>) -> Tensor<2> {
    match norm {
        Some(norm) => norm.add_to(h, x),
        None => h.add(x),
    }
}

fn normed(norm: &Option<RmsNorm>, x: Tensor<2>) -> Tensor<2> {
    match norm {
        Some(norm) => norm.forward(x),
        None => x,
    }
}

/// `down(gelu(gate(x)) * up(x))`
#[derive(Module, Debug)]
struct FeedForward {
    gate_proj: Linear,
    up_proj: Linear,
    down_proj: Linear,
}

impl FeedForward {
    fn load(loader: &mut Loader<'_, '_>, name: &str) -> Result<Self> {
        let (hidden, inner) = (loader.config.hidden_size, loader.config.intermediate_size);
        Ok(FeedForward {
            gate_proj: Linear::load(loader, &format!("{name}.gate_proj"), [inner, hidden])?,
            up_proj: Linear::load(loader, &format!("{name}.up_proj"), [inner, hidden])?,
            down_proj: Linear::load(loader, &format!("{name}.down_proj"), [hidden, inner])?,
        })
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let up = self.up_proj.forward(x.clone());
        self.down_proj.forward(gated(self.gate_proj.forward(x), up))
    }
}
