use std::collections::BTreeMap;

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use crate::network::write_rows;
use crate::{Batch, Error, LayerDescription, ModelConfig, Result};

/// Keys and values of the tokens that running rows have seen, separate from the weights.
///
/// It is a log: each pass adds its tokens at the end, and a row is the list of the slots of its
/// tokens. Rows with a common beginning have the same slots there. When the log is full, slots that
/// no row needs any more are dropped.
///
/// Every layer, sliding or global, keeps all tokens: which of them a query sees is decided at
/// lookup.
pub struct Cache {
    /// None for a layer that uses keys and values of another.
    layers: Vec<Option<LayerCache>>,
    /// By the caller's row number: the slots of a row's tokens, by position.
    rows: BTreeMap<usize, Vec<u32>>,
    used: usize,
    capacity: usize,
    /// Where the current pass writes.
    written: std::ops::Range<usize>,
    device: Device,
}

struct LayerCache {
    /// `[slots, key/value heads * head_dim]`
    keys: Tensor<2>,
    values: Tensor<2>,
}

/// The initial number of slots.
const FIRST_CAPACITY: usize = 256;

impl Cache {
    pub(crate) fn new(config: &ModelConfig, device: &Device, dtype: DType) -> Self {
        let layer = |layer: &LayerDescription| {
            let shape = [FIRST_CAPACITY, layer.key_width()];
            layer.keeps_keys().then(|| LayerCache {
                keys: Tensor::zeros(shape, (device, dtype)),
                values: Tensor::zeros(shape, (device, dtype)),
            })
        };
        Cache {
            layers: config.layers.iter().map(layer).collect(),
            rows: BTreeMap::new(),
            used: 0,
            capacity: FIRST_CAPACITY,
            written: 0..0,
            device: device.clone(),
        }
    }

    /// The number of tokens that the row has so far.
    pub fn length(&self, row: usize) -> usize {
        self.rows.get(&row).map_or(0, Vec::len)
    }

    /// Keeps only the row's first tokens.
    pub(crate) fn truncate(&mut self, row: usize, length: usize) {
        if let Some(slots) = self.rows.get_mut(&row) {
            slots.truncate(length);
        }
    }

    /// Ends the row, so its slots may be reused.
    pub fn remove(&mut self, row: usize) {
        self.rows.remove(&row);
    }

    /// Reserves slots for the batch's tokens, where every layer's [`append`](Self::append) then
    /// writes, and returns the slots of each row of the batch.
    pub(crate) fn reserve(&mut self, batch: &Batch) -> Result<Vec<Vec<u32>>> {
        for row in batch.entries() {
            let (number, length) = (row.number, self.length(row.number));
            if length != row.start {
                let start = row.start;
                return Err(Error::Request(format!(
                    "row {number} has {length} tokens in the cache, so that it can't go on at position {start}"
                )));
            }
        }
        if self.used + batch.len() > self.capacity {
            self.make_room(batch.len());
        }
        let first = self.used;
        self.used += batch.len();
        self.written = first..self.used;
        let mut paths = Vec::with_capacity(batch.rows());
        for row in batch.entries() {
            let slots = self.rows.entry(row.number).or_default();
            slots.extend(row.places.iter().map(|place| (first + place) as u32));
            paths.push(slots.clone());
        }
        Ok(paths)
    }

    /// Writes the newest keys and values of a layer, and returns all of them:
    /// `[slots, heads * head_dim]`.
    pub(crate) fn append(
        &mut self,
        layer: usize,
        keys: Tensor<2>,
        values: Tensor<2>,
    ) -> (Tensor<2>, Tensor<2>) {
        let slots = [self.written.clone(), 0..keys.dims()[1]];
        let Some(cache) = &mut self.layers[layer] else {
            return (keys, values);
        };
        for (all, new) in [(&mut cache.keys, keys), (&mut cache.values, values)] {
            // In place, which requires the only handle to the storage.
            all.inplace(|all| {
                let written = write_rows(all, slots[0].start, &new);
                written.unwrap_or_else(|all| {
                    let new = new.cast(all.dtype());
                    all.slice_assign(slots.clone(), new)
                })
            });
        }
        (cache.keys.clone(), cache.values.clone())
    }

    /// Drops the slots that no row has any more, and doubles the capacity if that is not enough.
    fn make_room(&mut self, wanted: usize) {
        let mut alive: Vec<u32> = self.rows.values().flatten().copied().collect();
        alive.sort_unstable();
        alive.dedup();
        let mut moved = vec![0; self.used];
        for (to, from) in alive.iter().enumerate() {
            moved[*from as usize] = to as u32;
        }
        for slot in self.rows.values_mut().flatten() {
            *slot = moved[*slot as usize];
        }
        self.used = alive.len();
        // At least half of it is free, so this seldom happens.
        self.capacity = self.capacity.max(2 * (self.used + wanted));
        let kept: Vec<i32> = alive.iter().map(|slot| slot.cast_signed()).collect();
        let kept = Tensor::<1, Int>::from_data(TensorData::new(kept, [self.used]), &self.device);
        for layer in self.layers.iter_mut().flatten() {
            for all in [&mut layer.keys, &mut layer.values] {
                let width = all.dims()[1];
                let room = Tensor::zeros([self.capacity, width], (&self.device, all.dtype()));
                let (kept, used) = (kept.clone(), self.used);
                all.inplace(|all| match used {
                    0 => room,
                    _ => room.slice_assign([0..used, 0..width], all.select(0, kept)),
                });
            }
        }
    }
}
