//! One task: some outputs of one weight for all rows.

use std::arch::x86_64::*;
use std::cell::RefCell;
use std::ops::Range;

use half::bf16;

use super::tiles::{SUMS, Shapes, Sums};
use super::weights::{AsTheyLie, Packed, Weights, pack};
use super::{Activations, INPUTS, PANEL, SIDE};
use crate::product::avx512::LANES;
use crate::product::avx512::ahead::Ahead;
use crate::product::avx512::line::{Line, numbers_mut};
use crate::product::avx512::turn::turn;
use crate::product::{Results, Weight};

/// Rows that share a piece of the weights in the cache: their sums stay in the second-level cache.
const BLOCKS_AT_ONCE: usize = 16;
/// Inputs of a piece where it is used for many rows: 32 outputs of them, and as many rows, fit the
/// caches next to the multipliers.
const PIECE: usize = 512;
/// As many blocks of rows, and bytes of them, go over the weights as they lie: the first two blocks
/// read them from memory, the others from the second-level cache, which has room for the
/// activations too.
const FEW_BLOCKS: usize = 4;
const FEW_BYTES: usize = 5 << 18;
/// Panels of a task with many rows: a piece of the activations stays in the second-level cache for
/// all of them.
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

impl Activations {
    pub fn outputs_per_task(&self, outputs: usize) -> usize {
        if self.are_few() {
            PANEL
        } else {
            let tasks = TASKS_PER_THREAD * rayon::current_num_threads();
            (outputs / (tasks * PANEL)).clamp(1, PANELS_PER_TASK) * PANEL
        }
    }

    /// Weights are used as they lie, with sums over all inputs in registers.
    fn are_few(&self) -> bool {
        let bytes = 2 * self.layers * self.rows * self.inputs;
        self.blocks() <= 2 || (self.blocks() <= FEW_BLOCKS && bytes <= FEW_BYTES)
    }

    /// # Safety
    /// As for [`crate::product::Prepared::multiply`].
    pub unsafe fn multiply(&self, weight: Weight<'_>, outputs: Range<usize>, y: Results<'_>) {
        let Weight::Bf16(weight) = weight else {
            unreachable!("prepared for weights in bf16")
        };
        SCRATCH.with_borrow_mut(|scratch| {
            // SAFETY: the caller's promise.
            let _shapes = unsafe { Shapes::set(self.columns) };
            for first in (0..self.blocks()).step_by(BLOCKS_AT_ONCE) {
                let blocks = first..(first + BLOCKS_AT_ONCE).min(self.blocks());
                // SAFETY: the caller's promise.
                unsafe { self.panels(weight, blocks, outputs.clone(), scratch, y) };
            }
        });
    }

    /// # Safety
    /// As for `multiply`; [`Shapes`] must be set.
    unsafe fn panels(
        &self,
        weight: &[bf16],
        blocks: Range<usize>,
        outputs: Range<usize>,
        scratch: &mut Scratch,
        y: Results<'_>,
    ) {
        let piece = if self.are_few() { self.inputs } else { PIECE };
        // A pair of blocks has room for both even if there is one.
        let of_panel = blocks.len().next_multiple_of(2) * 2 * SUMS;
        let panels = outputs.len().div_ceil(PANEL);
        let lines = panels * of_panel / LANES;
        scratch.sums.resize(lines.max(scratch.sums.len()), Line::zero());
        scratch.panel.resize(PIECE / INPUTS * PANEL, Line::zero());
        let sums = &mut numbers_mut(&mut scratch.sums)[..panels * of_panel];
        for input in (0..self.inputs).step_by(piece) {
            let inputs = input..(input + piece).min(self.inputs);
            for (output, sums) in outputs
                .clone()
                .step_by(PANEL)
                .zip(sums.chunks_exact_mut(of_panel))
            {
                let panel = output..(output + PANEL).min(outputs.end);
                let rows = &weight[panel.start * self.inputs..panel.end * self.inputs];
                if self.are_few() {
                    let mut weights = AsTheyLie::new(rows, self.inputs);
                    // SAFETY: the caller's promise.
                    unsafe { self.blocks_of_panel(&mut weights, &blocks, &inputs, sums) };
                } else {
                    let ahead = self.next_panel(weight, &blocks, &outputs, &panel, &inputs);
                    // SAFETY: the caller's promise.
                    unsafe {
                        pack(rows, self.inputs, inputs.clone(), &mut scratch.panel);
                        let mut weights = Packed::new(&scratch.panel, inputs.start, ahead);
                        self.blocks_of_panel(&mut weights, &blocks, &inputs, sums);
                    }
                }
            }
        }
        for (output, sums) in outputs.clone().step_by(PANEL).zip(sums.chunks_exact(of_panel)) {
            let panel = output..(output + PANEL).min(outputs.end);
            // SAFETY: the caller's promise.
            unsafe { self.write(&blocks, panel, sums, y) };
        }
    }

    /// The weights that are multiplied after this panel: the next of this piece, the first of the
    /// next piece, or the next task's.
    fn next_panel(
        &self,
        weight: &[bf16],
        blocks: &Range<usize>,
        outputs: &Range<usize>,
        panel: &Range<usize>,
        inputs: &Range<usize>,
    ) -> Ahead {
        let (output, input) = if panel.end < outputs.end {
            (panel.end, inputs.start)
        } else if inputs.end < self.inputs {
            (outputs.start, inputs.end)
        } else {
            (outputs.end, 0)
        };
        let bytes = 2 * PIECE.min(self.inputs - input);
        // Rows after the first ones find the weights in the cache.
        let count = if blocks.start == 0 { PANEL } else { 0 };
        let at = weight.as_ptr().wrapping_add(output * self.inputs + input);
        let mut ahead = Ahead::new(at.cast(), count, bytes, 2 * self.inputs);
        ahead.spread(inputs.len().div_ceil(INPUTS) * blocks.len().div_ceil(2));
        ahead
    }

    /// All blocks of rows over one panel's piece, two at a time.
    ///
    /// # Safety
    /// [`Shapes`] must be set.
    unsafe fn blocks_of_panel(
        &self,
        weights: &mut impl Weights,
        blocks: &Range<usize>,
        inputs: &Range<usize>,
        sums: &mut [f32],
    ) {
        for (block, sums) in blocks.clone().step_by(2).zip(sums.chunks_exact_mut(4 * SUMS)) {
            let two = block + 1 < blocks.end;
            // SAFETY: the caller's promise.
            unsafe {
                match (two, self.layers) {
                    (false, 1) => self.tile::<1, 1>(weights, block, inputs, sums),
                    (false, _) => self.tile::<1, 3>(weights, block, inputs, sums),
                    (true, 1) => self.tile::<2, 1>(weights, block, inputs, sums),
                    (true, _) => self.tile::<2, 3>(weights, block, inputs, sums),
                }
            }
            weights.are_known();
        }
    }

    /// 32 outputs and one or two blocks of rows over a piece of the inputs.
    ///
    /// # Safety
    /// [`Shapes`] must be set.
    unsafe fn tile<const BLOCKS: usize, const LAYERS: usize>(
        &self,
        weights: &mut impl Weights,
        block: usize,
        inputs: &Range<usize>,
        sums: &mut [f32],
    ) {
        let x_stride = 4 * self.columns;
        let mut x: [_; BLOCKS] = std::array::from_fn(|index| self.tiles(block + index, inputs.start));
        // SAFETY: the caller's promise; activations have whole tiles, and so have weights.
        unsafe {
            let mut held = Sums::<BLOCKS>::load(inputs.start == 0, sums.as_ptr());
            for input in inputs.clone().step_by(INPUTS) {
                held.add::<LAYERS>(weights.tiles(input), x, x_stride);
                x = x.map(|x| x.wrapping_add(LAYERS * SIDE * self.columns));
            }
            held.store(sums.as_mut_ptr());
        }
    }

    /// The sums of a panel, `[pair of blocks][block][16 outputs][output][row]`, into the result.
    ///
    /// # Safety
    /// As for `multiply`.
    unsafe fn write(&self, blocks: &Range<usize>, panel: Range<usize>, sums: &[f32], y: Results<'_>) {
        for (index, sums) in sums.chunks_exact(SUMS).enumerate() {
            let (block, output) = (blocks.start + index / 2, panel.start + index % 2 * SIDE);
            if block < blocks.end && output < panel.end {
                let first_row = block * self.columns;
                let rows = first_row..(first_row + self.columns).min(self.rows);
                // SAFETY: the caller's promise.
                unsafe { write(sums, rows, output..(output + SIDE).min(panel.end), y) };
            }
        }
    }
}

/// # Safety
/// The processor must have AVX-512; no one else may have these numbers of the result, which must be
/// there.
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn write(sums: &[f32], rows: Range<usize>, outputs: Range<usize>, y: Results<'_>) {
    let mut lines = [_mm512_setzero_si512(); LANES];
    for (line, sums) in lines.iter_mut().zip(sums.as_chunks::<LANES>().0) {
        // SAFETY: 16 numbers are 64 bytes.
        *line = unsafe { _mm512_loadu_si512(sums.as_ptr().cast()) };
    }
    let mask = u16::MAX >> (LANES - outputs.len());
    for (row, line) in rows.zip(turn(lines)) {
        // SAFETY: the caller's promise, and masked to the outputs.
        unsafe { _mm512_mask_storeu_epi32(y.pointer(row, outputs.start).cast(), mask, line) };
    }
}
