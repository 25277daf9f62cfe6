use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use crate::network::write_rows;
use crate::{Batch, Error, Forks, LayerDescription, ModelConfig, Result};

/// Keys and values of the tokens that running rows have seen, separate from the weights.
///
/// It is a log: each pass adds its tokens at the end, and a row is the list of the slots of its
/// tokens. Rows with a common beginning have the same slots there. When the log is full, slots that
/// no row needs any more are dropped. Where rows are changed in different ways after a layer, later
/// layers have a log of their own, with more slots than the earlier ones.
///
/// Every layer, sliding or global, keeps all tokens: which of them a query sees is decided at
/// lookup.
pub struct Cache {
    /// None for a layer that uses keys and values of another.
    layers: Vec<Option<LayerCache>>,
    /// In the order of their layers.
    logs: Vec<Log>,
    device: Device,
}

struct LayerCache {
    /// `[slots, key/value heads * head_dim]`
    keys: Tensor<2>,
    values: Tensor<2>,
}

/// The slots of consecutive layers.
#[derive(Clone)]
struct Log {
    first_layer: usize,
    /// By the caller's row number: the slots of a row's tokens, by position.
    rows: BTreeMap<usize, Arc<Vec<u32>>>,
    used: usize,
    capacity: usize,
    /// Where the current pass writes.
    written: Range<usize>,
}

/// Where a pass finds the keys and values of each row's tokens.
#[derive(Default)]
pub(crate) struct Paths {
    /// The first layer, and for each row of the batch the slots of its tokens, by position.
    logs: Vec<(usize, Vec<Arc<Vec<u32>>>)>,
}

impl Paths {
    /// Without a cache, keys and values are where the batch has their tokens.
    pub fn of(batch: &Batch) -> Self {
        let slots = |places: &Vec<usize>| Arc::new(places.iter().map(|place| *place as u32).collect());
        let firsts = std::iter::once(0).chain(batch.forks().layers().iter().map(|fork| fork + 1));
        let logs = firsts.zip(batch.stretches());
        let logs = logs.map(|(first, stretch)| (first, stretch.places.iter().map(slots).collect()));
        Paths { logs: logs.collect() }
    }

    /// Which of the logs a layer has.
    pub fn log(&self, layer: usize) -> usize {
        self.logs.partition_point(|(first, _)| *first <= layer) - 1
    }

    /// The slots of each row of the batch in a log.
    pub fn rows(&self, log: usize) -> &[Arc<Vec<u32>>] {
        &self.logs[log].1
    }
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
            logs: vec![Log {
                first_layer: 0,
                rows: BTreeMap::new(),
                used: 0,
                capacity: FIRST_CAPACITY,
                written: 0..0,
            }],
            device: device.clone(),
        }
    }

    /// The number of tokens that the row has so far.
    pub fn length(&self, row: usize) -> usize {
        self.logs[0].rows.get(&row).map_or(0, |slots| slots.len())
    }

    /// The slots of the row's last token, one for each stretch of layers between two forks; none
    /// where the row has no token. Rows with the same one have the same text, changed alike.
    pub(crate) fn last_slots(&self, row: usize, forks: &Forks) -> Vec<u32> {
        let last_layers = forks.layers().iter().copied().chain([usize::MAX]);
        let slot = |layer: usize| self.logs[self.log(layer)].rows.get(&row)?.last().copied();
        last_layers.filter_map(slot).collect()
    }

    /// Which log a layer has.
    fn log(&self, layer: usize) -> usize {
        self.logs.partition_point(|log| log.first_layer <= layer) - 1
    }

    /// Keeps only the row's first tokens.
    pub(crate) fn truncate(&mut self, row: usize, length: usize) {
        for log in &mut self.logs {
            if let Some(slots) = log.rows.get_mut(&row) {
                Arc::make_mut(slots).truncate(length);
            }
        }
    }

    /// Ends the row, so its slots may be reused.
    pub fn remove(&mut self, row: usize) {
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
            self.split(fork + 1);
        }
        let logs = (0..self.logs.len()).map(|index| self.reserve_in(index, batch));
        Ok(Paths { logs: logs.collect() })
    }

    /// From this layer on, slots are counted separately. What was in the log before is in both.
    fn split(&mut self, layer: usize) {
        let next = self.log(layer) + 1;
        if layer < self.layers.len() && self.logs[next - 1].first_layer != layer {
            let mut log = self.logs[next - 1].clone();
            log.first_layer = layer;
            self.logs.insert(next, log);
        }
    }

    fn reserve_in(&mut self, index: usize, batch: &Batch) -> (usize, Vec<Arc<Vec<u32>>>) {
        let stretch = batch.before(self.logs[index].first_layer);
        let wanted = stretch.tokens.len();
        if self.logs[index].used + wanted > self.logs[index].capacity {
            self.make_room(index, wanted);
        }
        let log = &mut self.logs[index];
        let first = log.used;
        log.used += wanted;
        log.written = first..log.used;
        let mut paths = Vec::with_capacity(batch.rows());
        for (row, places) in batch.entries().iter().zip(&stretch.places) {
            let slots = log.rows.entry(row.number).or_default();
            Arc::make_mut(slots).extend(places.iter().map(|place| (first + place) as u32));
            paths.push(slots.clone());
        }
        (log.first_layer, paths)
    }

    /// Which layers a log has.
    fn layers_of(&self, index: usize) -> Range<usize> {
        let next = self.logs.get(index + 1);
        self.logs[index].first_layer..next.map_or(self.layers.len(), |log| log.first_layer)
    }

    /// Writes the newest keys and values of a layer, and returns all of them:
    /// `[slots, heads * head_dim]`.
    pub(crate) fn append(
        &mut self,
        layer: usize,
        keys: Tensor<2>,
        values: Tensor<2>,
    ) -> (Tensor<2>, Tensor<2>) {
        let slots = [self.logs[self.log(layer)].written.clone(), 0..keys.dims()[1]];
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

    /// Drops the slots of a log that no row has any more, and doubles its capacity if that is not
    /// enough.
    fn make_room(&mut self, index: usize, wanted: usize) {
        let layers = self.layers_of(index);
        let log = &mut self.logs[index];
        let mut alive: Vec<u32> = log
            .rows
            .values()
            .flat_map(|slots| slots.iter().copied())
            .collect();
        alive.sort_unstable();
        alive.dedup();
        let mut moved = vec![0; log.used];
        for (to, from) in alive.iter().enumerate() {
            moved[*from as usize] = to as u32;
        }
        for slots in log.rows.values_mut() {
            for slot in Arc::make_mut(slots) {
                *slot = moved[*slot as usize];
            }
        }
        log.used = alive.len();
        // At least half of it is free, so this seldom happens.
        log.capacity = log.capacity.max(2 * (log.used + wanted));
        let (used, capacity) = (log.used, log.capacity);
        let kept: Vec<i32> = alive.iter().map(|slot| slot.cast_signed()).collect();
        let kept = Tensor::<1, Int>::from_data(TensorData::new(kept, [used]), &self.device);
        for layer in self.layers[layers].iter_mut().flatten() {
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
