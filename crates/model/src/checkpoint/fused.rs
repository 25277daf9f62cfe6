//! Products that files hold otherwise than the network: several in one tensor, or without use.

use super::{Checkpoint, LowRank, StoredTensor};
use crate::{Error, KeysAndValues, LayerDescription, ModelConfig, Result};

impl Checkpoint {
    /// Makes products of their own of those that a file holds as one, row below row: queries, keys
    /// and values (`qkv_proj`), gate and up (`gate_up_proj`).
    ///
    /// # Errors
    /// A fused tensor whose rows are not those of its parts.
    pub(super) fn split_fused(&mut self, config: &ModelConfig) -> Result<()> {
        for (layer, description) in config.layers.iter().enumerate() {
            for (fused, parts) in fused(description) {
                for kind in ["weight", "bias"] {
                    let name = |part: &str| format!("model.layers.{layer}.{part}.{kind}");
                    let Some(tensor) = self.tensors.remove(&name(fused)) else {
                        continue;
                    };
                    let sizes: Vec<usize> = parts.iter().map(|(_, rows)| *rows).collect();
                    let split = tensor.split(&sizes).ok_or_else(|| {
                        let message = format!(
                            "tensor `{}` has the shape {:?}, but config.json asks for {} rows; does it belong to these weights?",
                            name(fused),
                            tensor.shape,
                            sizes.iter().sum::<usize>()
                        );
                        Error::file(&self.files[tensor.file].path, message)
                    })?;
                    let named = parts.iter().map(|(part, _)| name(part)).zip(split);
                    self.tensors.extend(named);
                }
            }
        }
        Ok(())
    }

    /// Leaves out what a layer that uses the keys and values of another could compute its own with:
    /// files have it, and transformers doesn't load it either.
    pub(super) fn leave_out_unused(&mut self, config: &ModelConfig) {
        for (layer, description) in config.layers.iter().enumerate() {
            if matches!(description.keys_and_values, KeysAndValues::OfLayer(_)) {
                for part in ["k_proj", "v_proj", "k_norm", "v_norm"] {
                    let name = format!("model.layers.{layer}.self_attn.{part}.weight");
                    self.tensors.remove(&name);
                }
            }
        }
    }
}

/// The names of fused products, and of their parts with the rows of each.
fn fused(layer: &LayerDescription) -> [(&'static str, Vec<(&'static str, usize)>); 2] {
    let (queries, keys, inner) = (layer.query_width(), layer.key_width(), layer.intermediate_size);
    [
        (
            "self_attn.qkv_proj",
            vec![
                ("self_attn.q_proj", queries),
                ("self_attn.k_proj", keys),
                ("self_attn.v_proj", keys),
            ],
        ),
        (
            "mlp.gate_up_proj",
            vec![("mlp.gate_proj", inner), ("mlp.up_proj", inner)],
        ),
    ]
}

impl StoredTensor {
    /// Tensors of so many rows each; `None` if these are not all of it. Of what an adapter adds, B A,
    /// each has all of A and its rows of B.
    fn split(&self, rows: &[usize]) -> Option<Vec<StoredTensor>> {
        let all = *self.shape.first()?;
        if rows.iter().sum::<usize>() != all {
            return None;
        }
        let row_bytes = self.range.len() / all.max(1);
        let mut start = self.range.start;
        let ups = match &self.low_rank {
            Some(pair) => pair.up.split(rows)?.into_iter().map(Some).collect(),
            None => vec![None; rows.len()],
        };
        let part = |(rows, up): (&usize, Option<StoredTensor>)| {
            let range = start..start + rows * row_bytes;
            start = range.end;
            let mut shape = self.shape.clone();
            shape[0] = *rows;
            let low_rank = self.low_rank.as_ref().zip(up).map(|(pair, up)| {
                let LowRank { down, scale, .. } = (**pair).clone();
                Box::new(LowRank { down, up, scale })
            });
            StoredTensor {
                file: self.file,
                storage: self.storage,
                shape,
                range,
                one_was_added: self.one_was_added,
                interleaved_heads: None,
                low_rank,
            }
        };
        Some(rows.iter().zip(ups).map(part).collect())
    }
}
