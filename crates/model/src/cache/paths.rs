use std::sync::Arc;

use crate::Batch;

/// Where the keys and values of a row's tokens are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Path {
    /// The position of the first token that is there: no query sees an earlier one.
    pub first: usize,
    /// From that position on: slots of the cache, or places in the batch.
    pub slots: Arc<Vec<u32>>,
}

impl Path {
    /// The position after the last.
    pub fn end(&self) -> usize {
        self.first + self.slots.len()
    }

    /// Drops what is there from a position on, which is not before the first.
    pub fn truncate(&mut self, end: usize) {
        Arc::make_mut(&mut self.slots).truncate(end - self.first);
    }
}

/// Where a pass finds the keys and values of each row's tokens.
pub(crate) struct Paths {
    /// For each log the paths of the rows of the batch.
    logs: Vec<Vec<Path>>,
    /// Which log each layer has.
    log_of: Vec<usize>,
}

impl Paths {
    pub fn new(logs: Vec<Vec<Path>>, log_of: Vec<usize>) -> Self {
        Paths { logs, log_of }
    }

    /// Without a cache, keys and values are where the batch has their tokens, in each of its
    /// stretches.
    pub fn of(batch: &Batch, layers: usize) -> Self {
        let path = |places: &Vec<usize>| Path {
            first: 0,
            slots: Arc::new(places.iter().map(|place| *place as u32).collect()),
        };
        let stretches = batch.stretches().iter();
        Paths {
            logs: stretches
                .map(|stretch| stretch.places.iter().map(path).collect())
                .collect(),
            log_of: (0..layers).map(|layer| batch.forks().before(layer)).collect(),
        }
    }

    /// Which of the logs a layer has.
    pub fn log(&self, layer: usize) -> usize {
        self.log_of[layer]
    }

    /// The path of each row of the batch in a log.
    pub fn rows(&self, log: usize) -> &[Path] {
        &self.logs[log]
    }
}
