//! Products of activations with weights as checkpoints have them.
//!
//! Every number of the result is a sum over `inputs` in as many partial sums as a register has
//! lanes: lane l takes the inputs l, l + lanes, l + 2 lanes, ... one after the other, and the lanes
//! are added in a fixed order at the end. So it is the same to the last bit however many rows there
//! are and however the work is cut.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
mod tile;

use std::cell::RefCell;
use std::ops::Range;

use half::bf16;
use rayon::prelude::*;

use crate::Instructions;
use tile::{Operands, Tiles};

/// Weights, `[outputs, inputs]`, row by row.
#[derive(Clone, Copy, Debug)]
pub enum Weight<'a> {
    /// In f32.
    F32(&'a [f32]),
    /// In bf16, widened while they are used.
    Bf16(&'a [bf16]),
}

/// How a product may treat the activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// They stay f32; weights of bf16 are widened, which is exact.
    None,
    /// They may be rounded to bf16 where the weights are bf16 and the processor multiplies such
    /// pairs by itself.
    InputsToBf16,
}

/// `y = x weight^T`: `x: [rows, inputs]`, `y: [rows, outputs]`.
///
/// The error of each number is below `4e-7 sqrt(inputs) |x| |w|`, with the Euclidean norms of the
/// row and of the weight's row; where inputs are rounded to bf16, below `6e-3 |x| |w|` (a bf16 has
/// 8 bits, and roundings average out).
pub fn multiply(x: &[f32], inputs: usize, weight: Weight<'_>, rounding: Rounding, y: &mut [f32]) {
    multiply_with(Instructions::best(), x, inputs, weight, rounding, y);
}

/// The same with given instructions, which the processor must have.
pub fn multiply_with(
    instructions: Instructions,
    x: &[f32],
    inputs: usize,
    weight: Weight<'_>,
    rounding: Rounding,
    y: &mut [f32],
) {
    assert!(
        instructions.is_available(),
        "the processor has no {instructions:?}"
    );
    let weights = match weight {
        Weight::F32(weight) => weight.len(),
        Weight::Bf16(weight) => weight.len(),
    };
    let (rows, outputs) = (x.len() / inputs, weights / inputs);
    assert!(rows * inputs == x.len() && outputs * inputs == weights && rows * outputs == y.len());
    if y.is_empty() {
        return;
    }
    let rounded: Vec<bf16>;
    let operands = match weight {
        Weight::Bf16(weight) if rounding == Rounding::InputsToBf16 && instructions.multiplies_bf16() => {
            rounded = x.iter().map(|value| bf16::from_f32(*value)).collect();
            Operands::bf16_bf16(&rounded, weight, inputs)
        }
        Weight::Bf16(weight) => Operands::f32_bf16(x, weight, inputs),
        Weight::F32(weight) => Operands::f32_f32(x, weight, inputs),
    };
    let product = Product {
        operands,
        rows,
        outputs,
        tiles: tiles_of(instructions),
    };
    product.run(y);
}

struct Product<'a> {
    operands: Operands<'a>,
    rows: usize,
    outputs: usize,
    tiles: Tiles,
}

/// Outputs of one task. Their weights for one piece of the inputs stay in the second-level cache
/// while all rows pass.
const OUTPUTS_PER_TASK: usize = 48;
/// Rows that pass before the next piece of the inputs: their partial sums stay in the cache.
const ROWS_AT_ONCE: usize = 64;
/// Inputs of one piece: four rows of them and three of weights fit the first-level cache.
const INPUTS_PER_PIECE: usize = 768;
/// Multiplications below which one thread is faster than two.
const SERIAL: usize = 1 << 17;

thread_local! {
    static SUMS: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

impl Product<'_> {
    fn run(&self, y: &mut [f32]) {
        let y = Results {
            start: y.as_mut_ptr(),
            outputs: self.outputs,
        };
        let task = |index: usize| {
            let first = index * OUTPUTS_PER_TASK;
            let outputs = first..(first + OUTPUTS_PER_TASK).min(self.outputs);
            SUMS.with_borrow_mut(|sums| self.task(outputs, sums, &y));
        };
        let tasks = self.outputs.div_ceil(OUTPUTS_PER_TASK);
        if self.rows * self.outputs * self.operands.inputs < SERIAL {
            (0..tasks).for_each(task);
        } else {
            (0..tasks).into_par_iter().for_each(task);
        }
    }

    /// The columns `outputs` of the result.
    fn task(&self, outputs: Range<usize>, sums: &mut Vec<f32>, y: &Results) {
        let lanes = self.tiles.lanes;
        sums.resize(ROWS_AT_ONCE * OUTPUTS_PER_TASK * lanes, 0.0);
        // A few rows read each weight once: the longer the piece, the better for the memory bus.
        let piece = if self.rows <= self.tiles.rows {
            self.operands.inputs
        } else {
            INPUTS_PER_PIECE
        };
        for first_row in (0..self.rows).step_by(ROWS_AT_ONCE) {
            let rows = first_row..(first_row + ROWS_AT_ONCE).min(self.rows);
            for first_input in (0..self.operands.inputs).step_by(piece) {
                let inputs = first_input..(first_input + piece).min(self.operands.inputs);
                self.piece(rows.clone(), outputs.clone(), inputs, sums);
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
    fn piece(&self, rows: Range<usize>, outputs: Range<usize>, inputs: Range<usize>, sums: &mut [f32]) {
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
                let tile = tile::Tile {
                    rows: height.min(rows.end - row),
                    outputs: width.min(outputs.end - output),
                    inputs: inputs.len(),
                    sums_stride: OUTPUTS_PER_TASK * self.tiles.lanes,
                    begins: inputs.start == 0,
                };
                let operands = self.operands.at(row, output, inputs.start);
                // SAFETY: the tile is within the operands and the sums, and the instructions are
                // there.
                unsafe { (self.tiles.run)(&tile, operands, sums[place..].as_mut_ptr()) };
            }
        }
    }
}

/// The result, `[rows, outputs]`, whose columns are written by different threads.
struct Results {
    start: *mut f32,
    outputs: usize,
}

// SAFETY: each number is written by one task, as `of_row` demands.
unsafe impl Sync for Results {}

impl Results {
    /// # Safety
    /// The place must be within the result, and no one else may have it.
    #[expect(
        clippy::mut_from_ref,
        reason = "tasks write to different places of one result"
    )]
    unsafe fn of_row(&self, row: usize, outputs: Range<usize>) -> &mut [f32] {
        // SAFETY: the caller's promise.
        unsafe {
            let first = self.start.add(row * self.outputs + outputs.start);
            std::slice::from_raw_parts_mut(first, outputs.len())
        }
    }
}

/// How these instructions compute.
fn tiles_of(instructions: Instructions) -> Tiles {
    match instructions {
        Instructions::Portable => portable::TILES,
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx2 => avx2::TILES,
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx512 | Instructions::Avx512Bf16 => avx512::TILES,
        #[cfg(target_arch = "aarch64")]
        Instructions::Neon | Instructions::NeonBf16 => neon::TILES,
        _ => unreachable!("{instructions:?}, which no processor of this kind has"),
    }
}
