use std::cell::RefCell;
use std::ops::Range;

use gguf::{BlockKind, UNIT};

use super::machine::{Few, Tile};
use super::panel::{Panel, Shape, Unpacked};
use super::rows::{Next, Rows};
use super::{Activations, RUN, WIDTH};
use crate::product::Results;

/// Rows that pass before a panel is made again: their sums, and 256 inputs of them, stay in the
/// second-level cache.
const ROWS_AT_ONCE: usize = 256;

/// Outputs of one task, where there are enough: many panels in a row read memory in a row.
const OUTPUTS_PER_TASK: usize = 4 * WIDTH;
const LEAST_TASKS: usize = 12;

/// What a thread works with.
struct Scratch {
    unpacked: [Unpacked; WIDTH],
    panel: Panel,
    results: [[f32; WIDTH]; ROWS_AT_ONCE],
}

thread_local! {
    static SCRATCH: RefCell<Box<Scratch>> = RefCell::new(Box::new(Scratch {
        unpacked: [Unpacked::zero(); WIDTH],
        panel: Panel::zero(),
        results: [[0.0; WIDTH]; ROWS_AT_ONCE],
    }));
}

impl Activations {
    /// As many of the outputs as one task best takes.
    pub fn outputs_per_task(outputs: usize) -> usize {
        let panels = outputs.div_ceil(WIDTH).div_ceil(LEAST_TASKS);
        (panels * WIDTH).min(OUTPUTS_PER_TASK)
    }

    /// Multiplies with some outputs of a weight, `[outputs, inputs]`, on this thread.
    ///
    /// # Safety
    /// No one else may have those columns of the result, which must be there. The processor must have
    /// the instructions that the activations were made for.
    pub unsafe fn multiply(&self, kind: BlockKind, weight: &[u8], outputs: Range<usize>, y: Results<'_>) {
        let direct = (self.machine.direct)(kind, self.rows);
        SCRATCH.with_borrow_mut(|scratch| {
            for first in outputs.clone().step_by(WIDTH) {
                let outputs = first..(first + WIDTH).min(outputs.end);
                let rows = Rows::new(kind, weight, self.inputs, outputs.clone());
                // SAFETY: the caller's promise.
                unsafe {
                    match direct {
                        Some(direct) if outputs.len() == WIDTH => {
                            // Asked for at each run of 32 inputs, for 16 outputs at a time, or 8.
                            let mut next = Next::after(&rows, WIDTH / 16 * (self.inputs / RUN));
                            direct(&self.few(), &rows, y.columns_from(first), &mut next);
                        }
                        _ => self.columns(&rows, outputs, scratch, y),
                    }
                }
            }
        });
    }

    fn few(&self) -> Few<'_> {
        Few {
            runs: self.inputs / RUN,
            integers: &self.integers,
            scales: &self.scales,
            sums: &self.sums,
        }
    }

    /// # Safety
    /// As for `multiply`.
    unsafe fn columns(&self, rows: &Rows<'_>, outputs: Range<usize>, scratch: &mut Scratch, y: Results<'_>) {
        let units = self.inputs.div_ceil(UNIT);
        let fill = (self.machine.fill)(rows.kind).filter(|_| outputs.len() == WIDTH);
        // Asked for at each row that is unpacked, and twice at each run of inputs; or where panels are
        // filled three times at each run, or more often.
        let requests = match fill {
            Some(_) => 3 * (self.inputs / RUN),
            None => units * outputs.len() + 2 * (self.inputs / RUN),
        };
        let mut next = Next::after(rows, requests);
        for first in (0..self.rows).step_by(ROWS_AT_ONCE) {
            let some = first..(first + ROWS_AT_ONCE).min(self.rows);
            scratch.results[..some.len()].fill([0.0; WIDTH]);
            for unit in 0..units {
                let shape = Shape::new(rows.kind, UNIT.min(self.inputs - unit * UNIT));
                // SAFETY: the caller's promise.
                unsafe {
                    match fill {
                        Some(fill) => fill(rows, unit, shape, &mut scratch.panel, &mut next),
                        None => {
                            (self.machine.unpack)(rows, unit, &mut scratch.unpacked, &mut next);
                            (self.machine.lay)(&scratch.unpacked, shape, &mut scratch.panel, &mut next);
                        }
                    }
                    self.tiles(
                        some.clone(),
                        unit,
                        shape,
                        &scratch.panel,
                        &mut scratch.results,
                        &mut next,
                    );
                }
            }
            next = Next::nothing();
            for (row, results) in some.zip(&scratch.results) {
                // SAFETY: the caller's promise.
                let y = unsafe { y.of_row(row, outputs.clone()) };
                y.copy_from_slice(&results[..outputs.len()]);
            }
        }
    }

    /// Adds the products of some rows with a panel to their results.
    ///
    /// # Safety
    /// The processor must have the instructions.
    unsafe fn tiles(
        &self,
        rows: Range<usize>,
        unit: usize,
        shape: Shape,
        panel: &Panel,
        results: &mut [[f32; WIDTH]; ROWS_AT_ONCE],
        next: &mut Next,
    ) {
        // Tiles of about the same height.
        let height = rows.len().div_ceil(rows.len().div_ceil(self.machine.rows));
        let first_run = unit * (UNIT / RUN);
        let mut nothing = Next::nothing();
        for row in rows.clone().step_by(height) {
            let place = first_run * self.rows + row;
            let tile = Tile {
                rows: height.min(rows.end - row),
                integers: self.integers[place..].as_ptr(),
                scales: self.scales[place..].as_ptr(),
                sums: self.sums[place..].as_ptr(),
                stride: self.rows,
                shape,
                panel,
                results: results[row - rows.start..].as_mut_ptr(),
            };
            // SAFETY: the rows are there in every run of the unit, and among the results.
            let next = if row == rows.start {
                &mut *next
            } else {
                &mut nothing
            };
            unsafe { (self.machine.add)(&tile, next) };
        }
    }
}
