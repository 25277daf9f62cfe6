//! The way from tensors to the kernels of GPUs. A tensor that is not on one, or that autodiff tracks, gives `None`, and its
//! operation is done by the CPU's kernels or the backend's operations.

use burn::tensor::{Device, Tensor};

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
    use device_kernels::{AttendShape, GateFunction, HeadShape};

    use super::*;
    use crate::{Activation, ModelConfig};

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

    /// What [`device_kernels::largest`] gives for logits; `None` too where it has nothing to leave out.
    pub fn largest(logits: &Tensor<2>, wanted: usize, room: usize) -> Option<Tensor<2>> {
        let is_here = device_kernels::is_here(logits) && 2 * room < logits.dims()[1];
        is_here.then(|| device_kernels::largest(logits.clone(), wanted, room))
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
    pub fn head_shape(config: &ModelConfig, layer: usize, norms: bool) -> HeadShape {
        let description = &config.layers[layer];
        HeadShape {
            heads: description.num_attention_heads,
            groups: description.num_key_value_heads,
            head_dim: description.head_dim,
            pairs: description
                .rope
                .map_or(0, |rope| config.ropes[rope].frequencies.len()),
            norms,
            value_norm: description.value_norm,
            epsilon: config.rms_norm_eps as f32,
        }
    }

    /// Attention of all queries of a layer, over keys and values where they are.
    pub fn attend(
        queries: &Tensor<2>,
        keys: &Tensor<2>,
        values: &Tensor<2>,
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
pub(crate) fn largest(_logits: &Tensor<2>, _wanted: usize, _room: usize) -> Option<Tensor<2>> {
    None
}

#[cfg(not(feature = "gpu"))]
pub(super) fn attend(
    _queries: &Tensor<2>,
    _keys: &Tensor<2>,
    _values: &Tensor<2>,
    _pass: &Pass<'_>,
    _layer: usize,
) -> Option<Tensor<2>> {
    None
}
