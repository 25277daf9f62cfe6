use burn::tensor::{DType, Device, Tensor};

use crate::batch::PADDING;
use crate::{Batch, GemmaConfig};

/// Keys and values of the tokens that a batch has seen, apart from the weights.
///
/// Every layer, sliding or global, keeps all of its tokens: which of them a query sees is a matter of the mask,
/// so one rule serves both kinds with and without the cache.
pub struct Cache {
    layers: Vec<LayerCache>,
    /// `[rows, capacity]`: the position of the token in each slot, `PADDING` where there is none.
    positions: Vec<i32>,
    rows: usize,
    capacity: usize,
    used: usize,
}

struct LayerCache {
    /// `[rows, key/value heads, capacity, head_dim]`
    keys: Tensor<4>,
    values: Tensor<4>,
}

impl Cache {
    /// Room for `capacity` tokens in each of `rows` rows, padding included.
    pub(crate) fn new(
        config: &GemmaConfig,
        rows: usize,
        capacity: usize,
        device: &Device,
        dtype: DType,
    ) -> Self {
        let shape = [rows, config.num_key_value_heads, capacity, config.head_dim];
        let layer = |_| LayerCache {
            keys: Tensor::zeros(shape, (device, dtype)),
            values: Tensor::zeros(shape, (device, dtype)),
        };
        Cache {
            layers: config.layers.iter().map(layer).collect(),
            positions: vec![PADDING; rows * capacity],
            rows,
            capacity,
            used: 0,
        }
    }

    /// Slots that are left.
    pub fn free(&self) -> usize {
        self.capacity - self.used
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Takes slots for the batch's tokens; every layer's [`append`](Self::append) then writes there.
    pub(crate) fn reserve(&mut self, batch: &Batch) {
        let width = batch.width();
        for row in 0..self.rows {
            let first = row * self.capacity + self.used;
            self.positions[first..first + width]
                .copy_from_slice(&batch.positions()[row * width..(row + 1) * width]);
        }
        self.used += width;
    }

    /// The positions of the slots in use, `[rows, used]`.
    pub(crate) fn key_positions(&self) -> Vec<i32> {
        let row = |row: usize| &self.positions[row * self.capacity..row * self.capacity + self.used];
        (0..self.rows).flat_map(row).copied().collect()
    }

    /// Writes the newest keys and values of a layer, and gives back all of them: `[rows, heads, used, head_dim]`.
    pub(crate) fn append(
        &mut self,
        layer: usize,
        keys: Tensor<4>,
        values: Tensor<4>,
    ) -> (Tensor<4>, Tensor<4>) {
        let [rows, heads, width, head_dim] = keys.dims();
        let slots = [0..rows, 0..heads, self.used - width..self.used, 0..head_dim];
        let cache = &mut self.layers[layer];
        // Assigning in place needs the only handle to the storage.
        cache.keys.inplace(|all| all.slice_assign(slots.clone(), keys));
        cache.values.inplace(|all| all.slice_assign(slots, values));
        let used = self.used;
        (
            cache.keys.clone().narrow(2, 0, used),
            cache.values.clone().narrow(2, 0, used),
        )
    }
}
