use gguf::UNIT;

use super::blocks::{Blocks, Factors};
use super::words::{Numbers, Place, Words};
use crate::quantized::panel::{Panel, Shape};
use crate::quantized::rows::{Next, Rows, row_bytes};
use crate::quantized::{RUN, WIDTH};

/// Makes a panel of a unit of 32 rows.
///
/// # Safety
/// As for [`Fill`](crate::quantized::machine::Fill).
#[inline(always)]
pub unsafe fn fill<W: Words, B: Blocks<RUNS>, const RUNS: usize>(
    rows: &Rows<'_>,
    unit: usize,
    shape: Shape,
    to: &mut Panel,
    next: &mut Next,
) {
    for first in (0..WIDTH).step_by(W::LANES) {
        let begin = first * rows.row_bytes + unit * row_bytes(B::KIND, UNIT);
        let mut block = Place {
            first: rows.bytes[begin..].as_ptr(),
            stride: rows.row_bytes,
        };
        // SAFETY: the caller's promise.
        unsafe {
            let zero = W::Numbers::all(0.0);
            let mut factors = Factors {
                scales: [zero; 16],
                minima: [zero; 16],
            };
            let mut run = 0;
            while run < shape.runs {
                B::factors::<W>(block, &mut factors);
                lay_factors::<W, B, RUNS>(&factors, run, first, to);
                for part in 0..const { B::KIND.block_elements() / (RUNS * RUN) } {
                    lay_half::<W, B, RUNS>(block, part, 0, run, first, to);
                    lay_half::<W, B, RUNS>(block, part, 1, run, first, to);
                    for _ in 0..RUNS {
                        next.ask();
                    }
                    run += RUNS;
                }
                block = block.plus(const { B::KIND.block_bytes() });
            }
        }
    }
}

/// The scales and minima of a block, of which `run` is the first run.
///
/// # Safety
/// As for [`Fill`](crate::quantized::machine::Fill).
#[inline(always)]
unsafe fn lay_factors<W: Words, B: Blocks<RUNS>, const RUNS: usize>(
    factors: &Factors<W>,
    run: usize,
    first: usize,
    to: &mut Panel,
) {
    let groups = const { B::KIND.block_elements() / B::GROUP };
    let before = run * (RUN / B::GROUP);
    for group in 0..groups {
        // SAFETY: so many outputs follow the first.
        unsafe {
            factors.scales[group].store(to.scales[before + group][first..].as_mut_ptr());
            if const { B::KIND.has_minima() } {
                factors.minima[group].store(to.minima[before + group][first..].as_mut_ptr());
            }
        }
    }
}

/// Half of the runs of a part, of which `run` is the first.
///
/// # Safety
/// As for [`Fill`](crate::quantized::machine::Fill).
#[inline(always)]
unsafe fn lay_half<W: Words, B: Blocks<RUNS>, const RUNS: usize>(
    block: Place,
    part: usize,
    half: usize,
    run: usize,
    first: usize,
    to: &mut Panel,
) {
    // SAFETY: the caller's promise.
    let integers = unsafe { B::integers::<W>(block, part, half) };
    for (index, integers) in integers.into_iter().enumerate() {
        for (four, integers) in integers.into_iter().enumerate() {
            let pair = (run + index) * (RUN / 2) + 8 * half + 2 * four;
            let places = [
                to.weights[pair][first..].as_mut_ptr().cast(),
                to.weights[pair + 1][first..].as_mut_ptr().cast(),
            ];
            // SAFETY: a pair of each output has 4 bytes, and those of a panel are aligned.
            unsafe { integers.store_pairs(B::BIAS, places) };
        }
    }
}
