use crate::instructions::also_with_avx2;
use crate::threads::for_each_row;

/// What a norm is over.
#[derive(Clone, Copy, Debug)]
pub struct RmsNormShape {
    /// Numbers of one vector.
    pub width: usize,
    /// What is added to the mean square.
    pub epsilon: f32,
    /// What is added to the weight: 1 in Gemma, else 0.
    pub offset: f32,
}

/// `y = x / sqrt(mean(x^2) + epsilon) * (offset + weight)` for each vector of `x: [vectors, width]`;
/// `weight: [width]`.
///
/// Relative error below 1e-6. Source: `Gemma2RMSNorm` and `LlamaRMSNorm` of Hugging Face
/// transformers.
pub fn rms_norm(x: &[f32], weight: &[f32], shape: RmsNormShape, y: &mut [f32]) {
    assert!(x.len() == y.len() && weight.len() == shape.width);
    for_each_row(y, shape.width, 3, |row, y| {
        norm_row(&x[row * shape.width..][..shape.width], weight, shape, y);
    });
}

/// `y = residual + rms_norm(x)`, as a layer adds what it computed to the residual stream.
pub fn add_rms_norm(residual: &[f32], x: &[f32], weight: &[f32], shape: RmsNormShape, y: &mut [f32]) {
    assert!(x.len() == y.len() && residual.len() == y.len() && weight.len() == shape.width);
    for_each_row(y, shape.width, 4, |row, y| {
        let range = row * shape.width..(row + 1) * shape.width;
        norm_row(&x[range.clone()], weight, shape, y);
        for (y, residual) in y.iter_mut().zip(&residual[range]) {
            *y += residual;
        }
    });
}

also_with_avx2! {
    fn norm_row(x: &[f32], weight: &[f32], shape: RmsNormShape, y: &mut [f32]) {
        // 32 partial sums, so that they fill registers; the order is the same for every vector of
        // this width.
        let mut sums = [0.0f32; 32];
        let (whole, rest) = x.as_chunks::<32>();
        for part in whole {
            for (sum, value) in sums.iter_mut().zip(part) {
                *sum += value * value;
            }
        }
        for (sum, value) in sums.iter_mut().zip(rest) {
            *sum += value * value;
        }
        let mean = sums.iter().sum::<f32>() / x.len() as f32;
        let inverse = 1.0 / (mean + shape.epsilon).sqrt();
        for ((y, x), weight) in y.iter_mut().zip(x).zip(weight) {
            *y = x * inverse * (shape.offset + weight);
        }
    }
}
