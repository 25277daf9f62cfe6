//! One task: some outputs of one weight for all rows.

use std::cell::RefCell;
use std::ops::Range;

use super::ahead::Ahead;
use super::line::{Line, numbers_mut};
use super::rows::Rows;
use super::tile::{STEPS_PER_REQUEST, Tile};
use super::{Activations, FEW_ROWS, LANES, PANEL, VECTORS, few, panel, tile};
use crate::product::{Kind, Results, Weight};

/// Rows that share a packed panel: their sums stay in the second-level cache.
const ROWS_AT_ONCE: usize = 256;
/// Bytes of a panel's piece: it stays in the first- or second-level cache while all rows pass.
const PANEL_BYTES: usize = 32 << 10;
/// Panels of a task: a piece of the activations stays in the second-level cache for all of them.
const PANELS_PER_TASK: usize = 6;
/// Tasks that each thread should have at least, so that all end together.
const TASKS_PER_THREAD: usize = 6;

thread_local! {
    static SCRATCH: RefCell<Scratch> = const { RefCell::new(Scratch { panel: Vec::new(), sums: Vec::new() }) };
}

struct Scratch {
    panel: Vec<Line<u32>>,
    sums: Vec<Line<f32>>,
}

/// A weight as plain memory.
struct Memory {
    start: *const u8,
    row_bytes: usize,
    /// Bytes of a number.
    width: usize,
}

impl Memory {
    fn new(weight: Weight<'_>, inputs: usize) -> Self {
        let (start, width) = match weight {
            Weight::F32(numbers) => (numbers.as_ptr().cast(), 4),
            Weight::Bf16(numbers) => (numbers.as_ptr().cast(), 2),
            Weight::Blocks { .. } => unreachable!("blocks are widened before"),
        };
        Memory {
            start,
            row_bytes: inputs * width,
            width,
        }
    }

    fn at(&self, output: usize, input: usize) -> *const u8 {
        self.start
            .wrapping_add(output * self.row_bytes + input * self.width)
    }
}

impl Activations {
    pub fn outputs_per_task(&self, outputs: usize) -> usize {
        if self.rows <= self.tile_rows {
            PANEL
        } else {
            let tasks = TASKS_PER_THREAD * rayon::current_num_threads();
            (outputs / (tasks * PANEL)).clamp(1, PANELS_PER_TASK) * PANEL
        }
    }

    /// # Safety
    /// As for [`crate::product::Prepared::multiply`].
    pub unsafe fn multiply(&self, weight: Weight<'_>, outputs: Range<usize>, y: Results<'_>) {
        let weight = Memory::new(weight, self.inputs);
        if self.rows <= FEW_ROWS {
            // SAFETY: the caller's promise.
            unsafe { self.few(&weight, outputs, y) };
        } else {
            SCRATCH.with_borrow_mut(|scratch| {
                for first_row in (0..self.rows).step_by(self.rows_at_once()) {
                    let rows = first_row..(first_row + self.rows_at_once()).min(self.rows);
                    // SAFETY: the caller's promise.
                    unsafe { self.panels(&weight, rows, outputs.clone(), scratch, y) };
                }
            });
        }
    }

    fn rows_at_once(&self) -> usize {
        ROWS_AT_ONCE / self.tile_rows * self.tile_rows
    }

    /// Inputs of a step: a pair, or one.
    fn inputs_per_step(&self) -> usize {
        if self.kind == Kind::Bf16Bf16 { 2 } else { 1 }
    }

    /// # Safety
    /// As for `multiply`; there are [`FEW_ROWS`] rows at most.
    unsafe fn few(&self, weight: &Memory, outputs: Range<usize>, y: Results<'_>) {
        for output in outputs.clone().step_by(LANES) {
            let count = LANES.min(outputs.end - output);
            let block = few::Block {
                weight: weight.at(output, 0),
                outputs: count,
                row_bytes: weight.row_bytes,
                x: self.of_tile(0, self.rows, 0).as_ptr(),
                y: y.pointer(0, output),
                y_stride: y.stride(),
            };
            macro_rules! call {
                ($($rows:literal)*) => {
                    match (self.rows, self.kind) {
                        $(
                            ($rows, Kind::Bf16Bf16) => few::pairs::<$rows>(&block),
                            ($rows, Kind::F32Bf16) => few::widened::<$rows>(&block),
                            ($rows, Kind::F32F32) => few::f32::<$rows>(&block),
                        )*
                        _ => unreachable!("{} rows are not few", self.rows),
                    }
                };
            }
            // SAFETY: the block is within weight and result, and the instructions are there.
            unsafe { call!(1 2 3 4 5 6 7 8) };
        }
    }

    /// # Safety
    /// As for `multiply`.
    unsafe fn panels(
        &self,
        weight: &Memory,
        rows: Range<usize>,
        outputs: Range<usize>,
        scratch: &mut Scratch,
        y: Results<'_>,
    ) {
        let piece = self.piece();
        let panels = outputs.len().div_ceil(PANEL);
        let sums = panels * ROWS_AT_ONCE * VECTORS;
        scratch.panel.resize(PANEL_BYTES / 64, Line::zero());
        scratch.sums.resize(sums.max(scratch.sums.len()), Line::zero());
        let (panel, all_sums) = (&mut scratch.panel, numbers_mut(&mut scratch.sums));
        for input in (0..self.inputs).step_by(piece) {
            let inputs = input..(input + piece).min(self.inputs);
            for (index, output) in outputs.clone().step_by(PANEL).enumerate() {
                let count = PANEL.min(outputs.end - output);
                let next = self.next_panel(weight, &rows, &outputs, output, &inputs);
                let sums = &mut all_sums[index * rows.len() * PANEL..];
                // SAFETY: the panel has room for a piece, and the weight has these numbers.
                unsafe {
                    self.pack(weight, output..output + count, &inputs, panel);
                    self.tiles(&rows, &inputs, panel, sums, next);
                }
            }
        }
        for (index, output) in outputs.clone().step_by(PANEL).enumerate() {
            let count = PANEL.min(outputs.end - output);
            for (place, row) in rows.clone().enumerate() {
                let sums = &all_sums[(index * rows.len() + place) * PANEL..][..count];
                // SAFETY: the caller's promise.
                unsafe { y.of_row(row, output..output + count) }.copy_from_slice(sums);
            }
        }
    }

    /// Inputs of a piece.
    fn piece(&self) -> usize {
        PANEL_BYTES / (4 * PANEL) * self.inputs_per_step()
    }

    /// The weights that are packed after this panel: the next of this piece, the first of the next
    /// piece, or the next task's.
    fn next_panel(
        &self,
        weight: &Memory,
        rows: &Range<usize>,
        outputs: &Range<usize>,
        output: usize,
        inputs: &Range<usize>,
    ) -> Ahead {
        let (output, input) = if output + PANEL < outputs.end {
            (output + PANEL, inputs.start)
        } else if inputs.end < self.inputs {
            (outputs.start, inputs.end)
        } else {
            (outputs.end, 0)
        };
        let bytes = self.piece().min(self.inputs - input) * weight.width;
        // Rows after the first ones find the weights in the cache.
        let count = if rows.start == 0 { PANEL } else { 0 };
        let mut ahead = Ahead::new(weight.at(output, input), count, bytes, weight.row_bytes);
        let steps = inputs.len().div_ceil(self.inputs_per_step());
        ahead.spread(steps.div_ceil(STEPS_PER_REQUEST) * rows.len().div_ceil(self.tile_rows));
        ahead
    }

    /// # Safety
    /// The weight must have these numbers, and the panel room for them.
    unsafe fn pack(
        &self,
        weight: &Memory,
        outputs: Range<usize>,
        inputs: &Range<usize>,
        panel: &mut [Line<u32>],
    ) {
        for vector in 0..VECTORS {
            // A vector without outputs takes the last one's weights; its sums are not used.
            let first = (outputs.start + vector * LANES).min(outputs.end - 1);
            let rows = Rows::new(
                weight.at(first, 0),
                weight.row_bytes,
                LANES.min(outputs.end - first),
            );
            let (at, bytes) = (inputs.start * weight.width, inputs.len() * weight.width);
            let to = panel[vector..].as_mut_ptr().cast();
            // SAFETY: the caller's promise.
            unsafe { panel::pack(self.kind, &rows, at, bytes, to) };
        }
    }

    /// All rows over a packed panel.
    ///
    /// # Safety
    /// The instructions must be there, and the panel must have these inputs.
    unsafe fn tiles(
        &self,
        rows: &Range<usize>,
        inputs: &Range<usize>,
        panel: &[Line<u32>],
        sums: &mut [f32],
        mut ahead: Ahead,
    ) {
        let per_step = self.inputs_per_step();
        for row in rows.clone().step_by(self.tile_rows) {
            let height = self.tile_rows.min(rows.end - row);
            let tile = Tile {
                steps: inputs.len().div_ceil(per_step),
                x: self.of_tile(row, height, inputs.start / per_step).as_ptr(),
                panel: panel.as_ptr().cast(),
                sums: sums[(row - rows.start) * PANEL..][..height * PANEL].as_mut_ptr(),
                begins: inputs.start == 0,
            };
            macro_rules! call {
                ($($rows:literal)*) => {
                    match (height, self.kind) {
                        $(
                            ($rows, Kind::Bf16Bf16) => tile::pairs::<$rows>(&tile, &mut ahead),
                            ($rows, _) => tile::f32::<$rows>(&tile, &mut ahead),
                        )*
                        _ => unreachable!("a tile of {height} rows"),
                    }
                };
            }
            // SAFETY: the caller's promise.
            unsafe { call!(1 2 3 4 5 6 7 8 9 10 11 12 13 14) };
        }
    }
}
