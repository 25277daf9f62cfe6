use burn::module::Module;
use burn::tensor::Tensor;

use super::Loader;
use super::attention::Attention;
use super::functions::gelu_tanh;
use super::linear::Linear;
use super::mask::Masks;
use super::norm::RmsNorm;
use super::rotary::Rotary;
use crate::{Cache, GemmaConfig, Result};

/// One decoder layer: attention and feed-forward, each between two norms, each added to the residual stream.
#[derive(Module, Debug)]
pub(super) struct DecoderLayer {
    self_attn: Attention,
    mlp: FeedForward,
    input_layernorm: RmsNorm,
    post_attention_layernorm: RmsNorm,
    pre_feedforward_layernorm: RmsNorm,
    post_feedforward_layernorm: RmsNorm,
}

impl DecoderLayer {
    pub fn load(loader: &mut Loader<'_, '_>, layer: usize) -> Result<Self> {
        let name = |part: &str| format!("model.layers.{layer}.{part}");
        Ok(DecoderLayer {
            self_attn: Attention::load(loader, &name("self_attn"))?,
            mlp: FeedForward::load(loader, &name("mlp"))?,
            input_layernorm: RmsNorm::load(loader, &name("input_layernorm"))?,
            post_attention_layernorm: RmsNorm::load(loader, &name("post_attention_layernorm"))?,
            pre_feedforward_layernorm: RmsNorm::load(loader, &name("pre_feedforward_layernorm"))?,
            post_feedforward_layernorm: RmsNorm::load(loader, &name("post_feedforward_layernorm"))?,
        })
    }

    /// `h: [rows, width, hidden]`, the residual stream before and after the layer.
    pub fn forward(
        &self,
        h: Tensor<3>,
        rotary: &Rotary,
        masks: &Masks,
        config: &GemmaConfig,
        layer: usize,
        cache: Option<&mut Cache>,
    ) -> Tensor<3> {
        let normed = self.input_layernorm.forward(h.clone());
        let attended = self
            .self_attn
            .forward(normed, rotary, masks, config, layer, cache);
        let h = h.add(self.post_attention_layernorm.forward(attended));
        let fed = self
            .mlp
            .forward(self.pre_feedforward_layernorm.forward(h.clone()));
        h.add(self.post_feedforward_layernorm.forward(fed))
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

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let gate = gelu_tanh(self.gate_proj.forward(x.clone()));
        self.down_proj.forward(gate.mul(self.up_proj.forward(x)))
    }
}
