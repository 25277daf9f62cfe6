//! The two ends of the residual stream: embeddings in, logits out.

use std::collections::BTreeMap;

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use half::bf16;

use super::functions::{soft_cap, to_dtype};
use super::gather::Gather;
use super::linear::wide_product;
use super::loader::Loader;
use super::matrix::Matrix;
use crate::device::{is_cpu, tensor_dtype};
use crate::stored_matrix::StoredMatrix;
use crate::{Batch, ModelConfig, Precision, Result};

/// The embeddings, which are the head too in most models.
pub(crate) const TABLE: &str = "model.embed_tokens.weight";
/// The head, where it is not the embeddings.
pub(crate) const HEAD: &str = "lm_head.weight";

/// A table with a row for each token.
#[derive(Module, Debug)]
pub(super) struct Embedding {
    /// `[vocabulary, width]`. `None` where it stays as it is stored.
    weight: Option<Param<Tensor<2>>>,
    /// In place of it, where the device can't be given the whole table at once: its rows in their order, equally many in all
    /// parts but the last.
    parts: Vec<Param<Tensor<2>>>,
    #[module(skip)]
    stored: Option<StoredMatrix>,
}

impl Embedding {
    pub fn load(loader: &mut Loader<'_, '_>, name: &str, shape: [usize; 2]) -> Result<Self> {
        let parts = loader.parts(name, shape)?;
        let (weight, stored) = match parts.is_empty() {
            true => loader.matrix(name, shape)?,
            false => (None, None),
        };
        Ok(Embedding {
            weight,
            parts,
            stored,
        })
    }

    /// The rows of the tokens that the first layer takes, `[tokens, width]`.
    pub fn rows(&self, batch: &Batch) -> Tensor<2> {
        let tokens = &batch.before(0).tokens;
        let ids = tokens.iter().map(|token| token.id);
        if let Some(stored) = &self.stored {
            let rows = stored.rows(ids.map(|id| id as usize));
            return Tensor::from_data(rows, (&self.device(), DType::F32));
        }
        if !self.parts.is_empty() {
            return self.rows_of_parts(ids.map(|id| id as usize));
        }
        let ids: Vec<i32> = ids.map(u32::cast_signed).collect();
        let ids = Tensor::<1, Int>::from_data(TensorData::new(ids, [tokens.len()]), &self.device());
        match &self.weight {
            Some(table) => table.val().select(0, ids),
            None => unreachable!("a table is a tensor, or stored"),
        }
    }

    /// Those of each part, put in the order of the tokens.
    fn rows_of_parts(&self, ids: impl Iterator<Item = usize>) -> Tensor<2> {
        let (rows, device) = (self.parts[0].val().dims()[0], self.device());
        let mut tokens_of_part: Vec<Vec<(usize, usize)>> = vec![Vec::new(); self.parts.len()];
        for (token, id) in ids.enumerate() {
            tokens_of_part[id / rows].push((token, id % rows));
        }
        let mut place_of_token = BTreeMap::new();
        let mut found = Vec::new();
        for (part, tokens) in self.parts.iter().zip(tokens_of_part) {
            if tokens.is_empty() {
                continue;
            }
            for (token, _) in &tokens {
                place_of_token.insert(*token, place_of_token.len());
            }
            let own = tokens.iter().map(|(_, row)| *row).collect();
            found.push(Gather::new(own, &device).of(part.val()));
        }
        let places = place_of_token.into_values().collect();
        Gather::new(places, &device).of(Tensor::cat(found, 0))
    }

    /// The whole table.
    pub fn matrix(&self) -> Matrix {
        if !self.parts.is_empty() {
            return Matrix::Parts(self.parts.iter().map(Param::val).collect());
        }
        Matrix::of(&self.weight, &self.stored)
    }

    #[cfg(test)]
    pub fn is_whole(&self) -> bool {
        self.parts.is_empty()
    }

    /// Where it is: what is stored is used by the CPU.
    pub fn device(&self) -> Device {
        self.weight
            .as_ref()
            .or(self.parts.first())
            .map_or_else(Device::flex, |table| table.val().device())
    }
}

/// The type of the residual stream. On the CPU it is f32 in either precision: nothing there is
/// faster in bf16, and it takes little memory.
pub(super) fn stream_dtype(device: &Device, precision: Precision) -> DType {
    if is_cpu(device) {
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
        Precision::F32 | Precision::Tf32 => exact,
        Precision::Bf16 => bf16::from_f32(exact).to_f32(),
    }
}

/// Logits of the residual stream after the final norm, by the embedding table and the soft-cap:
/// from `[tokens, hidden]` to `[tokens, vocabulary]` in f32.
pub(super) fn logits(
    normed: Tensor<2>,
    table: Matrix,
    config: &ModelConfig,
    precision: Precision,
) -> Tensor<2> {
    let logits = wide_product(normed, table, precision);
    match config.final_logit_softcapping {
        Some(cap) => soft_cap(logits, cap),
        None => logits,
    }
}
