use burn::tensor::{DType, Tensor, activation};

/// A cast that costs nothing where the type is already right.
pub(super) fn to_dtype<const D: usize>(x: Tensor<D>, dtype: DType) -> Tensor<D> {
    if x.dtype() == dtype { x } else { x.cast(dtype) }
}

/// `cap * tanh(x / cap)`: Gemma 2's soft limit on scores (50) and logits (30). `x` must be f32.
///
/// Training takes the same function as `2 cap sigmoid(2 x / cap) - cap`, three times as fast on the CPU. Its
/// subtraction costs an absolute error of about `cap * 1e-7`: nothing to a gradient, but visible where results are
/// compared with other implementations.
pub(super) fn soft_cap<const D: usize>(x: Tensor<D>, cap: f64) -> Tensor<D> {
    if x.device().is_autodiff() {
        activation::sigmoid(x.mul_scalar(2.0 / cap))
            .mul_scalar(2.0 * cap)
            .sub_scalar(cap)
    } else {
        x.div_scalar(cap).tanh().mul_scalar(cap)
    }
}

/// The tanh approximation of GELU: `x/2 (1 + tanh(u)) = x sigmoid(2u)`, `u = sqrt(2/pi) (x + 0.044715 x^3)`.
pub(super) fn gelu_tanh<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    const TWICE_SQRT_2_OVER_PI: f64 = 1.595_769_121_605_730_7;
    let cubic = x.clone().mul(x.clone()).mul_scalar(0.044715).add_scalar(1.0);
    let twice_u = cubic.mul(x.clone()).mul_scalar(TWICE_SQRT_2_OVER_PI);
    x.mul(activation::sigmoid(twice_u))
}
