use burn::tensor::{DType, Tensor, activation};

use super::cpu;
use crate::Activation;

/// A cast that costs nothing where the type is already right.
pub(super) fn to_dtype<const D: usize>(x: Tensor<D>, dtype: DType) -> Tensor<D> {
    if x.dtype() == dtype { x } else { x.cast(dtype) }
}

/// `h + x`
pub(super) fn sum(h: Tensor<2>, x: Tensor<2>) -> Tensor<2> {
    let numbers = cpu::HostSlice::of(&x);
    let sum = match numbers.as_ref().and_then(cpu::HostSlice::f32) {
        Some(x) => cpu::change(h, |h| kernels::add(h, x)),
        None => Err(h),
    };
    sum.unwrap_or_else(|h| h.add(x))
}

/// `cap * tanh(x / cap)`: the soft limit on scores and logits. `x` must be f32.
///
/// Training computes the same function as `2 cap sigmoid(2 x / cap) - cap`, three times as fast on
/// the CPU. Its subtraction costs an absolute error of about `cap * 1e-7`: negligible for a
/// gradient, but visible where results are compared with other implementations.
pub(super) fn soft_cap<const D: usize>(x: Tensor<D>, cap: f64) -> Tensor<D> {
    match cpu::change(x, |x| kernels::soft_cap(x, cap as f32)) {
        Ok(capped) => capped,
        Err(x) if x.device().is_autodiff() => activation::sigmoid(x.mul_scalar(2.0 / cap))
            .mul_scalar(2.0 * cap)
            .sub_scalar(cap),
        Err(x) => x.div_scalar(cap).tanh().mul_scalar(cap),
    }
}

/// `activation(gate) * up`, f32 inside: in bf16, the roundings of the gate's few operations would be
/// the largest of the whole layer.
pub(super) fn gated(activation: Activation, gate: Tensor<2>, up: Tensor<2>) -> Tensor<2> {
    gated_on_cpu(activation, &gate, &up).unwrap_or_else(|| {
        let dtype = gate.dtype();
        let gate = activated(activation, to_dtype(gate, DType::F32));
        to_dtype(gate.mul(to_dtype(up, DType::F32)), dtype)
    })
}

fn gated_on_cpu(activation: Activation, gate: &Tensor<2>, up: &Tensor<2>) -> Option<Tensor<2>> {
    let function = match activation {
        Activation::GeluTanh => kernels::GateFunction::GeluTanh,
        Activation::Silu => kernels::GateFunction::Silu,
    };
    let shape = gate.dims();
    let (gate, up) = (cpu::HostSlice::of(gate)?, cpu::HostSlice::of(up)?);
    let mut y = vec![0.0; shape[0] * shape[1]];
    kernels::gate(function, gate.f32()?, up.f32()?, &mut y);
    Some(cpu::tensor(y, shape))
}

fn activated(activation: Activation, x: Tensor<2>) -> Tensor<2> {
    match activation {
        Activation::GeluTanh => gelu_tanh(x),
        Activation::Silu => x.clone().mul(activation::sigmoid(x)),
    }
}

/// The tanh approximation of GELU: `x/2 (1 + tanh(u)) = x sigmoid(2u)`,
/// `u = sqrt(2/pi) (x + 0.044715 x^3)`.
fn gelu_tanh<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    const TWICE_SQRT_2_OVER_PI: f64 = 1.595_769_121_605_730_7;
    let cubic = x.clone().mul(x.clone()).mul_scalar(0.044715).add_scalar(1.0);
    let twice_u = cubic.mul(x.clone()).mul_scalar(TWICE_SQRT_2_OVER_PI);
    x.mul(activation::sigmoid(twice_u))
}
