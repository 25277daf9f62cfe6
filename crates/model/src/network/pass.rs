use burn::tensor::{Device, Tensor};

use super::mask::Masks;
use super::rotary::Rotary;
use crate::{Batch, Cache, GemmaConfig, Rope};

/// What the layers share in one pass over a batch: masks and rotary tables, one for each kind that they have.
pub(super) struct Pass<'a> {
    pub config: &'a GemmaConfig,
    masks: Masks,
    rotaries: Vec<(Rope, Rotary)>,
}

impl<'a> Pass<'a> {
    /// Takes slots in the cache for the batch's tokens.
    pub fn begin(config: &'a GemmaConfig, batch: &Batch, cache: Option<&mut Cache>, device: &Device) -> Self {
        let key_positions = match cache {
            Some(cache) => {
                cache.reserve(batch);
                cache.key_positions()
            }
            None => batch.positions().to_vec(),
        };
        let mut rotaries: Vec<(Rope, Rotary)> = Vec::new();
        for layer in &config.layers {
            if !rotaries.iter().any(|(rope, _)| *rope == layer.rope) {
                rotaries.push((
                    layer.rope,
                    Rotary::new(layer.rope, config.head_dim, batch, device),
                ));
            }
        }
        let windows = config.layers.iter().map(|layer| layer.window);
        Pass {
            config,
            masks: Masks::new(batch, &key_positions, windows, device),
            rotaries,
        }
    }

    /// `[rows, 1, queries, keys]`, to be added to the layer's scores.
    pub fn mask(&self, layer: usize) -> Tensor<4> {
        self.masks.of(self.config.layers[layer].window)
    }

    pub fn rotary(&self, layer: usize) -> &Rotary {
        let wanted = self.config.layers[layer].rope;
        let found = self.rotaries.iter().find(|(rope, _)| *rope == wanted);
        &found.unwrap_or(&self.rotaries[0]).1
    }
}
