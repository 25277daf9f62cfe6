use std::cell::Cell;

use super::LANES;
use super::line::{Line, numbers, numbers_mut};

/// Numbers to be overwritten, in memory that a thread keeps from product to product: the system
/// takes longer to give out new memory than it takes to prepare activations there.
pub struct Spare {
    lines: Vec<Line<u32>>,
    count: usize,
}

thread_local! {
    static KEPT: Cell<Vec<Line<u32>>> = const { Cell::new(Vec::new()) };
}

/// Lines that are kept at most: 16 MB.
const MOST: usize = 1 << 18;

impl Spare {
    /// `count` numbers of any content.
    pub fn new(count: usize) -> Self {
        let mut lines = KEPT.take();
        lines.resize(lines.len().max(count.div_ceil(LANES)), Line::zero());
        Spare { lines, count }
    }

    pub fn numbers(&self) -> &[u32] {
        &numbers(&self.lines)[..self.count]
    }

    pub fn numbers_mut(&mut self) -> &mut [u32] {
        &mut numbers_mut(&mut self.lines)[..self.count]
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        if self.lines.len() <= MOST {
            KEPT.set(std::mem::take(&mut self.lines));
        }
    }
}
