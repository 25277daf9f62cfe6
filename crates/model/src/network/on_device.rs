//! The way from tensors to the kernels of GPUs. A tensor that is not on one, or that autodiff tracks, gives `None`, and its
//! operation is done by the CPU's kernels or the backend's operations.

use burn::tensor::{Device, Tensor};

use super::hidden_keys::HiddenKeys;
use super::pass::Pass;
use crate::device::is_cpu;

/// Whether the device has kernels of its own: weights are then joined as these take them.
pub(super) fn has_kernels(device: &Device) -> bool {
    cfg!(feature = "gpu") && !is_cpu(device) && !device.is_autodiff()
}

#[cfg(feature = "gpu")]
pub(crate) use here::*;

#[cfg(feature = "gpu")]
mod here {
    use burn::tensor::DType;
    use device_kernels::{AttendShape, GateFunction, HeadNorms, HeadShape};

    use super::*;
    use crate::{Activation, KeysAndValues, ModelConfig, QueryKeyNorms};

    /// `weight` is f32, with its offset. The norm is added where there is something to add it to.
    pub fn rms_norm<const D: usize>(
        x: &Tensor<D>,
        weight: &Tensor<1>,
        epsilon: f64,
        added: Option<&Tensor<D>>,
    ) -> Option<Tensor<D>> {
        if !device_kernels::is_here(x) || weight.dtype() != DType::F32 {
            return None;
        }
        let (dims, width, epsilon) = (x.dims(), x.dims()[D - 1], epsilon as f32);
        let rows = |x: &Tensor<D>| x.clone().reshape([dims.iter().product::<usize>() / width, width]);
        let normed = match added {
            Some(h) => device_kernels::add_rms_norm(rows(h), rows(x), weight.clone(), epsilon),
            None => device_kernels::rms_norm(rows(x), weight.clone(), epsilon),
        };
        Some(normed.reshape(dims))
    }

    /// `x weight^T` in f32, of numbers of another type.
    pub fn wide_product(x: &Tensor<2>, weight: &Tensor<2>) -> Option<Tensor<2>> {
        device_kernels::is_here(x).then(|| device_kernels::wide_product(x.clone(), weight.clone()))
    }

    /// What [`device_kernels::largest`] gives for logits; `None` too where it has nothing to leave out.
    pub fn largest(logits: &Tensor<2>, wanted: usize, room: usize) -> Option<Tensor<2>> {
        let is_here = device_kernels::is_here(logits) && 2 * room < logits.dims()[1];
        is_here.then(|| device_kernels::largest(logits.clone(), wanted, room))
    }

    /// What [`device_kernels::tails`] gives beside what [`largest`] found.
    pub fn tails(logits: &Tensor<2>, found: &Tensor<2>, inverses: Tensor<1>) -> Tensor<2> {
        device_kernels::tails(logits.clone(), found.clone(), inverses)
    }

    /// `gate_up: [tokens, 2 * width]`
    pub fn gate(activation: Activation, gate_up: Tensor<2>) -> Tensor<2> {
        let function = match activation {
            Activation::GeluTanh => GateFunction::GeluTanh,
            Activation::Silu => GateFunction::Silu,
        };
        device_kernels::gate(gate_up, function)
    }

    /// The shape of a layer's heads as the kernel takes them.
    pub fn head_shape(config: &ModelConfig, layer: usize) -> HeadShape {
        let description = &config.layers[layer];
        HeadShape {
            heads: description.num_attention_heads,
            groups: match description.keeps_keys() {
                true => description.num_key_value_heads,
                false => 0,
            },
            head_dim: description.head_dim,
            pairs: description
                .rope
                .map_or(0, |rope| config.ropes[rope].frequencies.len()),
            norms: match description.query_key_norms {
                QueryKeyNorms::None => HeadNorms::None,
                QueryKeyNorms::OfHeads => HeadNorms::OfHeads,
                QueryKeyNorms::OfWidth => HeadNorms::OfWidth,
            },
            shared_product: description.keys_and_values == KeysAndValues::SharedProduct,
            value_norm: description.value_norm,
            epsilon: config.rms_norm_eps as f32,
        }
    }

    /// Attention of all queries of a layer, over keys and values where they are, but for those that are hidden.
    pub fn attend(
        queries: &Tensor<2>,
        keys: &Tensor<2>,
        values: &Tensor<2>,
        hidden: Option<&HiddenKeys>,
        pass: &Pass<'_>,
        layer: usize,
    ) -> Option<Tensor<2>> {
        if !device_kernels::is_here(queries) {
            return None;
        }
        let (config, description) = (pass.config, &pass.config.layers[layer]);
        let (heads, groups, head_dim) = (
            description.num_attention_heads,
            description.num_key_value_heads,
            description.head_dim,
        );
        let (seen, longest) = pass.seen(
            layer,
            hidden,
            AttendShape::queries_at_once(heads, groups, head_dim),
            &queries.device(),
        );
        let shape = AttendShape {
            heads,
            groups,
            head_dim,
            scale: config.query_pre_attn_scalar.powf(-0.5) as f32,
            cap: config.attn_logit_softcapping.map(|cap| cap as f32),
            queries: longest,
        };
        let [queries, keys, values] = [queries, keys, values].map(Tensor::clone);
        Some(device_kernels::attend(queries, keys, values, seen, shape))
    }
}

#[cfg(not(feature = "gpu"))]
pub(super) fn rms_norm<const D: usize>(
    _x: &Tensor<D>,
    _weight: &Tensor<1>,
    _epsilon: f64,
    _added: Option<&Tensor<D>>,
) -> Option<Tensor<D>> {
    None
}

#[cfg(not(feature = "gpu"))]
pub(super) fn wide_product(_x: &Tensor<2>, _weight: &Tensor<2>) -> Option<Tensor<2>> {
    None
}

#[cfg(not(feature = "gpu"))]
pub(crate) fn largest(_logits: &Tensor<2>, _wanted: usize, _room: usize) -> Option<Tensor<2>> {
    None
}

/// Never called: nothing is found there.
#[cfg(not(feature = "gpu"))]
pub(crate) fn tails(_logits: &Tensor<2>, found: &Tensor<2>, _inverses: Tensor<1>) -> Tensor<2> {
    found.clone()
}

#[cfg(not(feature = "gpu"))]
pub(super) fn attend(
    _queries: &Tensor<2>,
    _keys: &Tensor<2>,
    _values: &Tensor<2>,
    _hidden: Option<&HiddenKeys>,
    _pass: &Pass<'_>,
    _layer: usize,
) -> Option<Tensor<2>> {
    None
}
