//! Keys and values of the tokens that running rows have seen.

mod log;
mod paths;

use std::collections::BTreeMap;

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use crate::network::write_rows;
use crate::{Batch, Error, Forks, LayerDescription, ModelConfig, Result};
pub(crate) use log::FIRST_CAPACITY;
use log::Log;
pub(crate) use paths::{Path, Paths};

/// Keys and values of the tokens that running rows have seen, separate from the weights.
///
/// It is a log: each pass adds its tokens at the end, and a row is the list of the slots of its
/// tokens. Rows with a common beginning have the same slots there. When the log is full, slots that
/// no row will see again are dropped. Where rows are changed in different ways after a layer, later
/// layers have a log of their own, with more slots than the earlier ones.
///
/// Layers that see equally far have a log together. That of sliding layers drops the tokens that
/// all later queries are too far from, so that a row's list begins at a later position there: it
/// has at most about twice as many slots as its rows' windows and a pass's tokens, however long the
/// texts are.
pub struct Cache {
    /// None for a layer that uses keys and values of another.
    layers: Vec<Option<LayerCache>>,
    logs: Vec<Log>,
    /// Which of them each layer has.
    log_of: Vec<usize>,
    /// The position where a row may go on, by its number, if it may be cut back.
    returns: BTreeMap<usize, usize>,
    device: Device,
}

struct LayerCache {
    /// `[slots, key/value heads * head_dim]`
    keys: Tensor<2>,
    values: Tensor<2>,
}

impl Cache {
    pub(crate) fn new(config: &ModelConfig, device: &Device, dtype: DType) -> Self {
        let layer = |layer: &LayerDescription| {
            let shape = [FIRST_CAPACITY, layer.key_width()];
            layer.keeps_keys().then(|| LayerCache {
                keys: Tensor::zeros(shape, (device, dtype)),
                values: Tensor::zeros(shape, (device, dtype)),
            })
        };
        let mut logs: BTreeMap<usize, Log> = BTreeMap::new();
        for (layer, window) in config.windows_of_keys().into_iter().enumerate() {
            let log = logs.entry(window).or_insert_with(|| Log::new(window));
            log.layers.push(layer);
        }
        let mut cache = Cache {
            layers: config.layers.iter().map(layer).collect(),
            logs: logs.into_values().collect(),
            log_of: vec![0; config.layers.len()],
            returns: BTreeMap::new(),
            device: device.clone(),
        };
        cache.number_logs();
        cache
    }

    fn number_logs(&mut self) {
        for (index, log) in self.logs.iter().enumerate() {
            for layer in &log.layers {
                self.log_of[*layer] = index;
            }
        }
    }

    /// The number of tokens that the row has so far.
    pub fn length(&self, row: usize) -> usize {
        self.logs[0].rows.get(&row).map_or(0, Path::end)
    }

    /// How many tokens the layer has keys and values of: tokens that rows have in common count
    /// once, and a sliding layer has fewer than its rows.
    pub fn held(&self, layer: usize) -> usize {
        self.logs[self.log_of[layer]].used
    }

    /// The slots of the row's last token, one for each stretch of layers between two forks; none
    /// where the row has no token. Rows with the same one have the same text, changed alike.
    pub(crate) fn last_slots(&self, row: usize, forks: &Forks) -> Vec<u32> {
        let last_layers = forks.layers().iter().copied().chain([self.layers.len() - 1]);
        let slot = |layer: usize| {
            let path = self.logs[self.log_of[layer]].rows.get(&row)?;
            path.slots.last().copied()
        };
        last_layers.filter_map(slot).collect()
    }

    /// Keeps only the row's first tokens: as many as these, or none if a sliding layer no longer has
    /// what the next one sees. Returns how many that are.
    pub(crate) fn truncate(&mut self, row: usize, length: usize) -> usize {
        let length = length.min(self.length(row));
        if length == 0 || !self.logs.iter().all(|log| log.holds(row, length)) {
            self.remove(row);
            return 0;
        }
        for log in &mut self.logs {
            if let Some(path) = log.rows.get_mut(&row) {
                path.truncate(length);
            }
        }
        length
    }

    /// From now on, the row can be cut back to this position, however long it gets.
    pub(crate) fn may_return(&mut self, row: usize, position: usize) {
        self.returns.insert(row, position);
    }

    /// Ends the row, so its slots may be reused.
    pub fn remove(&mut self, row: usize) {
        self.returns.remove(&row);
        for log in &mut self.logs {
            log.rows.remove(&row);
        }
    }

    /// Reserves slots for the batch's tokens, where every layer's [`append`](Self::append) then
    /// writes, and returns the slots of each row of the batch.
    pub(crate) fn reserve(&mut self, batch: &Batch) -> Result<Paths> {
        for row in batch.entries() {
            let (number, length) = (row.number, self.length(row.number));
            if length != row.start {
                let start = row.start;
                return Err(Error::Request(format!(
                    "row {number} has {length} tokens in the cache, so that it can't go on at position {start}"
                )));
            }
        }
        for fork in batch.forks().layers() {
            let later: Vec<Log> = self
                .logs
                .iter_mut()
                .filter_map(|log| log.split(fork + 1))
                .collect();
            self.logs.extend(later);
        }
        self.number_logs();
        let paths = (0..self.logs.len()).map(|index| {
            let wanted = batch.before(self.logs[index].layers[0]).tokens.len();
            if self.logs[index].is_full(wanted, &self.returns) {
                self.make_room(index, wanted);
            }
            self.logs[index].reserve(batch)
        });
        Ok(Paths::new(paths.collect(), self.log_of.clone()))
    }

    /// Writes the newest keys and values of a layer, and returns all of them:
    /// `[slots, heads * head_dim]`.
    pub(crate) fn append(
        &mut self,
        layer: usize,
        keys: Tensor<2>,
        values: Tensor<2>,
    ) -> (Tensor<2>, Tensor<2>) {
        let slots = [self.logs[self.log_of[layer]].written.clone(), 0..keys.dims()[1]];
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

    /// The same where `write` puts keys and values over the rows from a slot on: of `[slots, heads * head_dim]`, which it
    /// gets as the only handles, and gives back after what else it makes.
    #[cfg(feature = "gpu")]
    pub(crate) fn append_by(
        &mut self,
        layer: usize,
        write: impl FnOnce(Tensor<2>, Tensor<2>, usize) -> [Tensor<2>; 3],
    ) -> [Tensor<2>; 3] {
        let first = self.logs[self.log_of[layer]].written.start;
        let Some(cache) = self.layers[layer].take() else {
            unreachable!("a layer that borrows keys writes none");
        };
        let written = write(cache.keys, cache.values, first);
        let [_, keys, values] = written.clone();
        self.layers[layer] = Some(LayerCache { keys, values });
        written
    }

    /// Drops the slots of a log that no row will see again, and makes it as large as it must be.
    fn make_room(&mut self, index: usize, wanted: usize) {
        let log = &mut self.logs[index];
        let alive = log.compact(wanted, &self.returns);
        let (used, capacity) = (log.used, log.capacity);
        let kept: Vec<i32> = alive.iter().map(|slot| slot.cast_signed()).collect();
        let kept = Tensor::<1, Int>::from_data(TensorData::new(kept, [used]), &self.device);
        for layer in &log.layers {
            let Some(layer) = &mut self.layers[*layer] else {
                continue;
            };
            for all in [&mut layer.keys, &mut layer.values] {
                let width = all.dims()[1];
                let room = Tensor::zeros([capacity, width], (&self.device, all.dtype()));
                let kept = kept.clone();
                all.inplace(|all| match used {
                    0 => room,
                    _ => room.slice_assign([0..used, 0..width], all.select(0, kept)),
                });
            }
        }
    }
}
