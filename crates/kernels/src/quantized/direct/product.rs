use super::blocks::{Blocks, Factors};
use super::words::{Numbers, Place, Words};
use crate::product::Results;
use crate::quantized::machine::Few;
use crate::quantized::rows::{Next, Rows};
use crate::quantized::{RUN, WIDTH};

/// Calls a function that is generic over types of blocks with this one, where it is one of them.
macro_rules! direct_of {
    ($kind:expr, $function:ident, $rows:expr) => {
        $crate::quantized::direct::product::direct_of!(
            $kind, $function, $rows, blocks::Q4K 2, blocks::Q5K 2, blocks::Q6K 4, blocks::Q2K 4,
            blocks::Q3K 4, small::Q4_0 1, small::Q4_1 1, small::Q5_0 1, small::Q5_1 1, small::Q8_0 1,
            small::Iq4Nl 1, small::Iq4Xs 1
        )
    };
    ($kind:expr, $function:ident, $rows:expr, $($file:ident::$name:ident $runs:literal),*) => {
        match $kind {
            $(BlockKind::$name => $function::<super::$file::$name, $runs>($rows),)*
            _ => None,
        }
    };
}
pub(super) use direct_of;

/// # Safety
/// As for [`Direct`](crate::quantized::machine::Direct).
#[inline(always)]
pub unsafe fn multiply<W: Words, B: Blocks<RUNS>, const RUNS: usize, const ROWS: usize>(
    x: &Few<'_>,
    rows: &Rows<'_>,
    y: Results<'_>,
    next: &mut Next,
) {
    for first in (0..WIDTH).step_by(W::LANES) {
        let mut block = Place {
            first: rows.bytes[first * rows.row_bytes..].as_ptr(),
            stride: rows.row_bytes,
        };
        // SAFETY: the caller's promise.
        unsafe {
            let zero = W::Numbers::all(0.0);
            let mut factors = Factors {
                scales: [zero; 16],
                minima: [zero; 16],
            };
            let mut sums = [zero; ROWS];
            let mut run = 0;
            while run < x.runs {
                B::factors::<W>(block, &mut factors);
                for part in 0..const { B::KIND.block_elements() / (RUNS * RUN) } {
                    let first = whole_sums::<W, B, RUNS, ROWS>(x, run, block, part, 0);
                    let second = whole_sums::<W, B, RUNS, ROWS>(x, run, block, part, 1);
                    for (index, whole) in first.into_iter().zip(second).enumerate() {
                        next.ask();
                        let of_block = RUNS * part + index;
                        add_run::<W, B, RUNS, ROWS>(x, run, whole.into(), &factors, of_block, &mut sums);
                        run += 1;
                    }
                }
                block = block.plus(const { B::KIND.block_bytes() });
            }
            for (row, sum) in sums.into_iter().enumerate() {
                sum.store(y.pointer(row, first));
            }
        }
    }
}

/// The sums of products of integers in one half of the runs of a part, of which `run` is the first:
/// `[runs, rows]`.
///
/// # Safety
/// As for [`Direct`](crate::quantized::machine::Direct).
#[inline(always)]
unsafe fn whole_sums<W: Words, B: Blocks<RUNS>, const RUNS: usize, const ROWS: usize>(
    x: &Few<'_>,
    run: usize,
    block: Place,
    part: usize,
    half: usize,
) -> [[W; ROWS]; RUNS] {
    // SAFETY: the caller's promise.
    unsafe {
        let integers = B::integers::<W>(block, part, half);
        let mut whole = [[W::zero(); ROWS]; RUNS];
        for (index, (whole, integers)) in whole.iter_mut().zip(integers).enumerate() {
            for (row, whole) in whole.iter_mut().enumerate() {
                let place = (run + index) * ROWS + row;
                // 16 integers are 8 pairs.
                let pairs = x.integers.as_ptr().add(place).cast::<i32>().add(8 * half);
                let mut sum = W::zero();
                sum = sum.add_products(integers[0], pairs);
                sum = sum.add_products(integers[1], pairs.add(2));
                sum = sum.add_products(integers[2], pairs.add(4));
                *whole = sum.add_products(integers[3], pairs.add(6));
            }
        }
        whole
    }
}

/// Adds the products with a run, which is this one of a block, from the sums of its halves.
///
/// # Safety
/// As for [`Direct`](crate::quantized::machine::Direct).
#[inline(always)]
unsafe fn add_run<W: Words, B: Blocks<RUNS>, const RUNS: usize, const ROWS: usize>(
    x: &Few<'_>,
    run: usize,
    whole: [[W; ROWS]; 2],
    factors: &Factors<W>,
    of_block: usize,
    sums: &mut [W::Numbers; ROWS],
) {
    // SAFETY: the caller's promise.
    unsafe {
        for (row, sum) in sums.iter_mut().enumerate() {
            let place = run * ROWS + row;
            let of_x = *x.sums.as_ptr().add(place);
            let first = right::<W, B, RUNS>(whole[0][row], of_x[0]);
            let second = right::<W, B, RUNS>(whole[1][row], of_x[1]);
            let zero = W::Numbers::all(0.0);
            let t = if B::GROUP == 16 {
                let [scales, minima] = [&factors.scales, &factors.minima];
                let group = 2 * of_block;
                let t = first.number().times_plus(scales[group], zero);
                let t = second.number().times_plus(scales[group + 1], t);
                if const { B::KIND.has_minima() } {
                    let t = minima[group].times_from(W::Numbers::all(of_x[0]), t);
                    minima[group + 1].times_from(W::Numbers::all(of_x[1]), t)
                } else {
                    t
                }
            } else {
                let whole = first.plus(second);
                let t = whole.number().times_plus(factors.scales[of_block], zero);
                if const { B::KIND.has_minima() } {
                    factors.minima[of_block].times_from(W::Numbers::all(of_x[0] + of_x[1]), t)
                } else {
                    t
                }
            };
            *sum = t.times_plus(W::Numbers::all(*x.scales.as_ptr().add(place)), *sum);
        }
    }
}

/// Without what the integers are too high by, exactly.
///
/// # Safety
/// As for [`Direct`](crate::quantized::machine::Direct).
#[inline(always)]
unsafe fn right<W: Words, B: Blocks<RUNS>, const RUNS: usize>(whole: W, of_x: f32) -> W {
    match B::BIAS {
        0 => whole,
        // SAFETY: a sum of 16 integers of 16 bits.
        bias => whole.minus(unsafe { (of_x * f32::from(bias)).to_int_unchecked::<i32>() }),
    }
}
