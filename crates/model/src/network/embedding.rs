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
///
/// The references round the factor to the type of the activations: 59.75 instead of 59.87 for a
/// width of 3584 in bf16.
pub(super) fn scaled(rows: Tensor<2>, config: &ModelConfig, precision: Precision) -> Tensor<2> {
    let exact = config.embedding_scale as f32;
    let factor = match precision {
        Precision::F32 => exact,
        Precision::Bf16 => bf16::from_f32(exact).to_f32(),
    };
    let dtype = stream_dtype(&rows.device(), precision);
    to_dtype(rows, dtype).mul_scalar(factor)
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
