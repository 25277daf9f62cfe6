//! The two ends of the residual stream: embeddings in, logits out.

use burn::tensor::{DType, Device, Tensor};
use half::bf16;

use super::functions::{soft_cap, to_dtype};
use super::linear::product;
use crate::device::tensor_dtype;
use crate::{ModelConfig, Precision};

/// The embeddings, which are the head too in most models.
pub(crate) const TABLE: &str = "model.embed_tokens.weight";
/// The head, where it is not the embeddings.
pub(crate) const HEAD: &str = "lm_head.weight";

/// The type of the residual stream. On the CPU it is f32 in either precision: nothing there is
/// faster in bf16, and it takes little memory.
pub(super) fn stream_dtype(device: &Device, precision: Precision) -> DType {
    if *device == Device::flex() {
        DType::F32
    } else {
        tensor_dtype(precision)
    }
}

/// Rows of the embedding table, `[tokens, hidden]`, times the configuration's scale.
pub(super) fn scaled(rows: Tensor<2>, config: &ModelConfig, precision: Precision) -> Tensor<2> {
    let dtype = stream_dtype(&rows.device(), precision);
    let rows = to_dtype(rows, dtype);
    match config.embedding_scale {
        1.0 => rows,
        scale => rows.mul_scalar(rounded_factor(scale, precision)),
    }
}

/// A factor of embeddings. The references round it to the type of the activations: 59.75 instead
/// of 59.87 for a width of 3584 in bf16.
pub(super) fn rounded_factor(factor: f64, precision: Precision) -> f32 {
    let exact = factor as f32;
    match precision {
        Precision::F32 => exact,
        Precision::Bf16 => bf16::from_f32(exact).to_f32(),
    }
}

/// Logits of the residual stream after the final norm, by the embedding table and the soft-cap:
/// from `[tokens, hidden]` to `[tokens, vocabulary]` in f32.
pub(super) fn logits(
    normed: Tensor<2>,
    table: Tensor<2>,
    config: &ModelConfig,
    precision: Precision,
) -> Tensor<2> {
    let logits = to_dtype(product(normed, table, precision), DType::F32);
    match config.final_logit_softcapping {
        Some(cap) => soft_cap(logits, cap),
        None => logits,
    }
}
