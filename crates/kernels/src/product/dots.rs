//! Products whose sums have a register's lanes each: a tile of some rows and outputs at a time, over
//! a piece of the inputs that stays in the cache.

use std::cell::RefCell;
use std::ops::Range;

use half::bf16;

#[cfg(target_arch = "x86_64")]
use super::avx2;
#[cfg(target_arch = "aarch64")]
use super::neon;
use super::tile::{Operands, Tile, Tiles};
use super::{Kind, Results, Weight, portable};
use crate::Instructions;

/// Activations as they are, or rounded to bf16.
pub struct Activations<'a> {
    pub rows: usize,
    numbers: Numbers<'a>,
    inputs: usize,
    tiles: Tiles,
}

enum Numbers<'a> {
    F32(&'a [f32]),
    Bf16(Vec<bf16>),
}

/// Outputs of one task. Their weights for one piece of the inputs stay in the second-level cache
/// while all rows pass.
pub const OUTPUTS_PER_TASK: usize = 48;
/// Rows that pass before the next piece of the inputs: their partial sums stay in the cache.
const ROWS_AT_ONCE: usize = 64;
/// Inputs of one piece: four rows of them and three of weights fit the first-level cache.
const INPUTS_PER_PIECE: usize = 768;

thread_local! {
    static SUMS: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

impl<'a> Activations<'a> {
    /// The processor must have the instructions.
    pub fn new(instructions: Instructions, kind: Kind, x: &'a [f32], inputs: usize) -> Self {
        let numbers = match kind {
            Kind::Bf16Bf16 => Numbers::Bf16(x.iter().map(|value| bf16::from_f32(*value)).collect()),
            Kind::F32F32 | Kind::F32Bf16 => Numbers::F32(x),
        };
        Activations {
            rows: x.len() / inputs,
            numbers,
            inputs,
            tiles: tiles_of(instructions),
        }
    }

    /// # Safety
    /// As for [`super::Prepared::multiply`].
    pub unsafe fn multiply(&self, weight: Weight<'_>, outputs: Range<usize>, y: Results<'_>) {
        let operands = match (&self.numbers, weight) {
            (Numbers::F32(x), Weight::F32(weight)) => Operands::f32_f32(x, weight, self.inputs),
            (Numbers::F32(x), Weight::Bf16(weight)) => Operands::f32_bf16(x, weight, self.inputs),
            (Numbers::Bf16(x), Weight::Bf16(weight)) => Operands::bf16_bf16(x, weight, self.inputs),
            (Numbers::Bf16(_), Weight::F32(_)) => unreachable!("prepared for weights in bf16"),
            (_, Weight::Blocks { .. }) => unreachable!("blocks are widened before"),
        };
        for first in outputs.clone().step_by(OUTPUTS_PER_TASK) {
            let outputs = first..(first + OUTPUTS_PER_TASK).min(outputs.end);
            SUMS.with_borrow_mut(|sums| self.task(&operands, outputs, sums, y));
        }
    }

    /// The columns `outputs` of the result, [`OUTPUTS_PER_TASK`] at most.
    fn task(&self, operands: &Operands<'_>, outputs: Range<usize>, sums: &mut Vec<f32>, y: Results<'_>) {
        let lanes = self.tiles.lanes;
        sums.resize(ROWS_AT_ONCE * OUTPUTS_PER_TASK * lanes, 0.0);
        // A few rows read each weight once: the longer the piece, the better for the memory bus.
        let piece = if self.rows <= self.tiles.rows {
            self.inputs
        } else {
            INPUTS_PER_PIECE
        };
        for first_row in (0..self.rows).step_by(ROWS_AT_ONCE) {
            let rows = first_row..(first_row + ROWS_AT_ONCE).min(self.rows);
            for first_input in (0..self.inputs).step_by(piece) {
                let inputs = first_input..(first_input + piece).min(self.inputs);
                self.piece(operands, rows.clone(), outputs.clone(), inputs, sums);
            }
            for (index, row) in rows.enumerate() {
                let sums = &sums[index * OUTPUTS_PER_TASK * lanes..][..outputs.len() * lanes];
                // SAFETY: the outputs are within the result, no other task has them, and the
                // instructions are there.
                unsafe { (self.tiles.add_lanes)(sums, y.of_row(row, outputs.clone())) };
            }
        }
    }

    /// Adds the products over `inputs` to the partial sums, tile by tile.
    fn piece(
        &self,
        operands: &Operands<'_>,
        rows: Range<usize>,
        outputs: Range<usize>,
        inputs: Range<usize>,
        sums: &mut [f32],
    ) {
        // One row has no other row to share a loaded weight with; more outputs at once hide the
        // latency of sums.
        let (height, width) = if self.rows == 1 {
            (1, self.tiles.outputs_of_one_row)
        } else {
            (self.tiles.rows, self.tiles.outputs)
        };
        for row in rows.clone().step_by(height) {
            for output in outputs.clone().step_by(width) {
                let place =
                    ((row - rows.start) * OUTPUTS_PER_TASK + output - outputs.start) * self.tiles.lanes;
                let tile = Tile {
                    rows: height.min(rows.end - row),
                    outputs: width.min(outputs.end - output),
                    inputs: inputs.len(),
                    sums_stride: OUTPUTS_PER_TASK * self.tiles.lanes,
                    begins: inputs.start == 0,
                };
                let operands = operands.at(row, output, inputs.start);
                // SAFETY: the tile is within the operands and the sums, and the instructions are
                // there.
                unsafe { (self.tiles.run)(&tile, operands, sums[place..].as_mut_ptr()) };
            }
        }
    }
}

/// How these instructions compute.
fn tiles_of(instructions: Instructions) -> Tiles {
    match instructions {
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx2 => avx2::TILES,
        #[cfg(target_arch = "aarch64")]
        Instructions::Neon | Instructions::NeonBf16 => neon::TILES,
        _ => portable::TILES,
    }
}
