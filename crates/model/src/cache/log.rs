use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::paths::Path;
use crate::Batch;

/// The number of slots at first.
pub(crate) const FIRST_CAPACITY: usize = 256;

/// The slots of layers that keep the same tokens: those of one stretch that see equally far.
#[derive(Clone)]
pub(super) struct Log {
    /// Ascending.
    pub layers: Vec<usize>,
    /// How many keys a query sees, its own included; at least 2, so that a row's last token is
    /// always there.
    window: usize,
    /// By the caller's row number.
    pub rows: BTreeMap<usize, Path>,
    pub used: usize,
    pub capacity: usize,
    /// Where the current pass writes.
    pub written: Range<usize>,
}

impl Log {
    pub fn new(window: usize) -> Self {
        Log {
            layers: Vec::new(),
            window: window.max(2),
            rows: BTreeMap::new(),
            used: 0,
            capacity: FIRST_CAPACITY,
            written: 0..0,
        }
    }

    /// The log of its layers from this one on, if it has some on both sides. Both go on with what
    /// was there before.
    pub fn split(&mut self, layer: usize) -> Option<Log> {
        let kept = self.layers.partition_point(|own| *own < layer);
        if kept == 0 || kept == self.layers.len() {
            return None;
        }
        let layers = self.layers.split_off(kept);
        Some(Log {
            layers,
            ..self.clone()
        })
    }

    /// Reserves slots for the batch's tokens, which there must be room for, and returns the path
    /// of each row of the batch.
    pub fn reserve(&mut self, batch: &Batch) -> Vec<Path> {
        let stretch = batch.before(self.layers[0]);
        let first = self.used;
        self.used += stretch.tokens.len();
        self.written = first..self.used;
        let mut paths = Vec::with_capacity(batch.rows());
        for (row, places) in batch.entries().iter().zip(&stretch.places) {
            let path = self.rows.entry(row.number).or_default();
            Arc::make_mut(&mut path.slots).extend(places.iter().map(|place| (first + place) as u32));
            paths.push(path.clone());
        }
        paths
    }

    /// The first position that a query at `position`, or a later one, sees.
    fn first_seen(&self, position: usize) -> usize {
        (position + 1).saturating_sub(self.window)
    }

    /// Whether everything is there that the row sees from this position on.
    pub fn holds(&self, row: usize, position: usize) -> bool {
        let path = self.rows.get(&row);
        path.is_none_or(|path| path.first <= self.first_seen(position))
    }

    /// Whether slots must be dropped before as many are used as `wanted`: because all are taken, or
    /// because no query will see most of them again.
    pub fn is_full(&self, wanted: usize, returns: &BTreeMap<usize, usize>) -> bool {
        let seen = self
            .rows
            .iter()
            .map(|(row, path)| path.end() - self.first_kept(*row, path, returns));
        let needed = seen.sum::<usize>() + wanted;
        self.used + wanted > self.capacity || self.used > 4 * needed.max(FIRST_CAPACITY)
    }

    /// The first position that the row may still see.
    fn first_kept(&self, row: usize, path: &Path, returns: &BTreeMap<usize, usize>) -> usize {
        let next = returns
            .get(&row)
            .map_or(path.end(), |position| path.end().min(*position));
        self.first_seen(next).max(path.first)
    }

    /// Drops the slots that no row will see again, so that as many as `wanted` are free, and returns
    /// the others, which become the first ones in this order. `returns`: where rows may go on that
    /// are cut back.
    pub fn compact(&mut self, wanted: usize, returns: &BTreeMap<usize, usize>) -> Vec<u32> {
        let firsts: Vec<usize> = self
            .rows
            .iter()
            .map(|(row, path)| self.first_kept(*row, path, returns))
            .collect();
        for (path, first) in self.rows.values_mut().zip(firsts) {
            Arc::make_mut(&mut path.slots).drain(..first - path.first);
            path.first = first;
        }
        let slots = self.rows.values().flat_map(|path| path.slots.iter().copied());
        let mut alive: Vec<u32> = slots.collect();
        alive.sort_unstable();
        alive.dedup();
        let mut moved = vec![0; self.used];
        for (to, from) in alive.iter().enumerate() {
            moved[*from as usize] = to as u32;
        }
        for path in self.rows.values_mut() {
            for slot in Arc::make_mut(&mut path.slots) {
                *slot = moved[*slot as usize];
            }
        }
        self.used = alive.len();
        // At least half of it is free, so this seldom happens.
        self.capacity = FIRST_CAPACITY.max(2 * (self.used + wanted));
        alive
    }
}
