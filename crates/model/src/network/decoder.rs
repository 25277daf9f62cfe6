use burn::module::{Module, Param};
use burn::tensor::Tensor;

use super::attention::Attention;
use super::functions::{gated, sum, to_dtype};
use super::linear::Linear;
use super::loader::Loader;
use super::norm::RmsNorm;
use super::on_device;
use super::parts::in_parts;
use super::pass::Pass;
use super::per_layer::PerLayer;
use crate::{Activation, Cache, LayerDescription, ResidualTap, Result, Site, Token};

/// One decoder layer: attention and feed-forward, each after a norm, before one or between two,
/// each added to the residual stream; in some models also what enters by token and layer.
#[derive(Module, Debug)]
pub(super) struct DecoderLayer {
    self_attn: Attention,
    mlp: FeedForward,
    input_layernorm: Option<RmsNorm>,
    post_attention_layernorm: Option<RmsNorm>,
    pre_feedforward_layernorm: Option<RmsNorm>,
    post_feedforward_layernorm: Option<RmsNorm>,
    per_layer: Option<PerLayer>,
    /// `[1]`
    layer_scalar: Option<Param<Tensor<1>>>,
}

impl DecoderLayer {
    pub fn load(loader: &mut Loader<'_, '_>, layer: usize) -> Result<Self> {
        let config = loader.config;
        let (hidden, description) = (config.hidden_size, &config.layers[layer]);
        let name = |part: &str| format!("model.layers.{layer}.{part}");
        let mut norm = |part: Option<&str>| {
            let load = |part: &str| RmsNorm::load(loader, &name(part), hidden);
            part.map(load).transpose()
        };
        let norms = description.norms;
        let input_layernorm = norm(norms.attention_input)?;
        let post_attention_layernorm = norm(norms.attention_output)?;
        let pre_feedforward_layernorm = norm(norms.feed_forward_input)?;
        let post_feedforward_layernorm = norm(norms.feed_forward_output)?;
        let per_layer = config.per_layer_inputs;
        let per_layer = per_layer.map(|shape| PerLayer::load(loader, layer, shape.size));
        let scalar = || loader.tensor(&name("layer_scalar"), [1]);
        Ok(DecoderLayer {
            input_layernorm,
            post_attention_layernorm,
            pre_feedforward_layernorm,
            post_feedforward_layernorm,
            per_layer: per_layer.transpose()?,
            layer_scalar: description.scalar.then(scalar).transpose()?,
            self_attn: Attention::load(loader, &name("self_attn"), description)?,
            mlp: FeedForward::load(loader, &name("mlp"), description)?,
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
        let activation = pass.config.activation;
        let read = normed(&self.input_layernorm, h.clone());
        let attended = self.self_attn.forward(read, pass, layer, cache, tap);
        let queries = pass.queries(layer);
        let (h, norm) = (queries.of(h), &self.post_attention_layernorm);
        let place = (Site::AttentionOutput, layer, queries.tokens.as_slice());
        let h = added(norm, h, attended, place, tap);
        let read = normed(&self.pre_feedforward_layernorm, h.clone());
        let fed = in_parts(read, |_, read| self.mlp.forward(read, activation));
        if tap.wants_sites() {
            tap.site(Site::ResidualMid, layer, &queries.tokens, &h);
        }
        let place = (Site::FeedForwardOutput, layer, queries.tokens.as_slice());
        let mut h = added(&self.post_feedforward_layernorm, h, fed, place, tap);
        if let (Some(part), Some(input)) = (&self.per_layer, pass.per_layer_input(layer)) {
            h = part.add_to(h, input, activation);
        }
        match &self.layer_scalar {
            Some(scalar) => {
                let dtype = h.dtype();
                h.mul(to_dtype(scalar.val(), dtype).unsqueeze())
            }
            None => h,
        }
    }
}

/// `h` with what a part of the layer computed, normed, as the tap leaves it. Where the tap changes
/// it, norm and sum are two steps, which give the bits of the one.
fn added(
    norm: &Option<RmsNorm>,
    h: Tensor<2>,
    x: Tensor<2>,
    (site, layer, tokens): (Site, usize, &[Token]),
    tap: &mut dyn ResidualTap,
) -> Tensor<2> {
    if tap.changes(site, layer) {
        let x = tap.change(site, layer, tokens, normed(norm, x));
        if tap.wants_sites() {
            tap.site(site, layer, tokens, &x);
        }
        return sum(h, x);
    }
    if tap.wants_sites() {
        tap.site(site, layer, tokens, &normed(norm, x.clone()));
    }
    add(norm, h, x)
}

fn add(norm: &Option<RmsNorm>, h: Tensor<2>, x: Tensor<2>) -> Tensor<2> {
    match norm {
        Some(norm) => norm.add_to(h, x),
        None => sum(h, x),
    }
}

fn normed(norm: &Option<RmsNorm>, x: Tensor<2>) -> Tensor<2> {
    match norm {
        Some(norm) => norm.forward(x),
        None => x,
    }
}

/// `down(activation(gate(x)) * up(x))`
#[derive(Module, Debug)]
struct FeedForward {
    gate_proj: Option<Linear>,
    up_proj: Option<Linear>,
    /// Both as one on a GPU, in their place.
    gate_up: Option<Linear>,
    down_proj: Linear,
}

impl FeedForward {
    fn load(loader: &mut Loader<'_, '_>, name: &str, layer: &LayerDescription) -> Result<Self> {
        let (hidden, inner) = (loader.config.hidden_size, layer.intermediate_size);
        let biased = layer.biases.feed_forward;
        let part = |part: &str| format!("{name}.{part}");
        let joins = on_device::has_kernels(loader.device) && loader.fits(2 * inner);
        let gate_up = joins.then(|| {
            let parts = [(part("gate_proj"), inner), (part("up_proj"), inner)];
            Linear::load_joined(loader, &parts, hidden, biased)
        });
        let gate_up = gate_up.transpose()?;
        let mut product = |name: &str, shape: [usize; 2]| Linear::load(loader, &part(name), shape, biased);
        let mut apart = |name: &str| (!joins).then(|| product(name, [inner, hidden])).transpose();
        Ok(FeedForward {
            gate_proj: apart("gate_proj")?,
            up_proj: apart("up_proj")?,
            gate_up,
            down_proj: product("down_proj", [hidden, inner])?,
        })
    }

    fn forward(&self, x: Tensor<2>, activation: Activation) -> Tensor<2> {
        let entered = match (&self.gate_up, &self.gate_proj, &self.up_proj) {
            #[cfg(feature = "gpu")]
            (Some(gate_up), ..) => on_device::gate(activation, gate_up.forward(x)),
            (None, Some(gate), Some(up)) => {
                let [gate, up] = Linear::forward_each([gate, up], x);
                gated(activation, gate, up)
            }
            _ => unreachable!("gate and up are apart, or joined on a GPU"),
        };
        self.down_proj.forward(entered)
    }
}
