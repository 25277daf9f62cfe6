use std::f64::consts::PI;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use model::Network;

/// Linear warm-up, then half a cosine down to a fiftieth.
pub fn learning_rate(step: usize, steps: usize, warm_up: usize, peak: f64) -> f64 {
    let warm = ((step + 1) as f64 / warm_up as f64).min(1.0);
    let cosine = 0.5 * (1.0 + (PI * step as f64 / steps as f64).cos());
    peak * warm * (0.98 * cosine + 0.02)
}

/// Scales all gradients together so that their norm is at most `limit`.
///
/// Written here because burn clips each parameter alone, which changes the direction of the step.
pub fn clip_global_norm(network: &Network, gradients: &mut GradientsParams, limit: f32) {
    let mut squares = SumOfSquares { gradients, sum: 0.0 };
    network.visit(&mut squares);
    let norm = squares.sum.sqrt() as f32;
    if norm > limit {
        network.visit(&mut Scale {
            gradients,
            factor: limit / norm,
        });
    }
}

struct SumOfSquares<'a> {
    gradients: &'a GradientsParams,
    sum: f64,
}

impl ModuleVisitor for SumOfSquares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            self.sum += f64::from(gradient.clone().mul(gradient).sum().into_scalar::<f32>());
        }
    }
}

struct Scale<'a> {
    gradients: &'a mut GradientsParams,
    factor: f32,
}

impl ModuleVisitor for Scale<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            self.gradients
                .register(param.id, gradient.mul_scalar(self.factor));
        }
    }
}
