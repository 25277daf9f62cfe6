//! The two ends of the residual stream: embeddings in, logits out.

use burn::tensor::{DType, Tensor};
use half::bf16;

use super::functions::{soft_cap, to_dtype};
use super::linear::product;
use crate::{Batch, GemmaConfig, Precision};

pub(super) const TABLE: &str = "model.embed_tokens.weight";

/// Rows of the embedding table, `[rows * width, hidden]`, scaled: `[rows, width, hidden]`.
///
/// The references round the factor to the type of the activations: 59.75 instead of 59.87 for 9B in bf16.
pub(super) fn scaled(rows: Tensor<2>, batch: &Batch, precision: Precision) -> Tensor<3> {
    let hidden = rows.dims()[1];
    let exact = (hidden as f64).sqrt() as f32;
    let factor = match precision {
        Precision::F32 => exact,
        Precision::Bf16 => bf16::from_f32(exact).to_f32(),
    };
    to_dtype(rows, precision.dtype())
        .reshape([batch.rows(), batch.width(), hidden])
        .mul_scalar(factor)
}

/// Logits of the residual stream after the final norm, by the embedding table and the soft-cap: from `[rows, width,
/// hidden]` to `[rows, width, vocabulary]` in f32.
pub(super) fn logits(normed: Tensor<3>, table: Tensor<2>, config: &GemmaConfig) -> Tensor<3> {
    let [rows, width, hidden] = normed.dims();
    let logits = product(normed.reshape([rows * width, hidden]), table);
    let logits = to_dtype(logits, DType::F32).reshape([rows, width, config.vocab_size]);
    match config.final_logit_softcapping {
        Some(cap) => soft_cap(logits, cap),
        None => logits,
    }
}
