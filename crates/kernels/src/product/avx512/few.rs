//! A few rows: columns of weights go right from the shuffles that turn them about into the sums of
//! all rows, over all inputs. Nothing is stored but the result.

use std::arch::x86_64::*;

use super::LANES;
use super::multiply_add::{multiply_add, multiply_add_pairs};
use super::rows::Rows;
use super::turn::{of_quads, quads};

/// Bytes of 16 rows beyond which their successors are not asked for as a whole: two such blocks
/// would not fit the second-level cache.
const LONG: usize = 320 << 10;
/// Bytes of such a row that are asked for ahead.
const AHEAD: usize = 1024;

/// 16 outputs over all inputs.
pub struct Block {
    /// The first of them.
    pub weight: *const u8,
    /// As many of the outputs as there are.
    pub outputs: usize,
    /// Bytes from output to output, all of which are inputs.
    pub row_bytes: usize,
    /// `[step][row]`, with zeros after the last step until the weights' last block of 64 bytes.
    pub x: *const u32,
    pub y: *mut f32,
    /// Numbers from row to row of the result.
    pub y_stride: usize,
}

/// Requests for the lines that follow the block's, one for each line that is used, in the order in
/// which they lie in memory, so that they are one stream.
struct Requests {
    next: *const u8,
    row_bytes: usize,
}

impl Block {
    fn requests(&self) -> Requests {
        Requests {
            next: self.weight.wrapping_add(LANES * self.row_bytes),
            row_bytes: self.row_bytes,
        }
    }
}

impl Requests {
    #[inline(always)]
    fn ask_for_16(&mut self, rows: &Rows, at: usize) {
        let is_long = LANES * self.row_bytes > LONG;
        let is_last = at + AHEAD >= self.row_bytes;
        let ahead = AHEAD + if is_last { (LANES - 1) * self.row_bytes } else { 0 };
        for index in 0..LANES {
            let line = if is_long {
                rows.row(index).wrapping_add(at + ahead)
            } else {
                self.next
            };
            // SAFETY: a request for memory that isn't there has no effect.
            unsafe { _mm_prefetch::<_MM_HINT_T1>(line.cast()) };
            self.next = self.next.wrapping_add(64);
        }
    }
}

/// A function that multiplies a block with `ROWS` rows. `$add` adds what the columns of four
/// quarters of 64 bytes give, and moves on in x.
macro_rules! few_rows {
    ($name:ident, $features:literal, $add:ident) => {
        /// # Safety
        /// The processor must have the instructions; the block's places must be there.
        #[target_feature(enable = $features)]
        pub unsafe fn $name<const ROWS: usize>(block: &Block) {
            let rows = Rows::new(block.weight, block.row_bytes, block.outputs);
            let (mut requests, mut x) = (block.requests(), block.x);
            let mut sums = [_mm512_setzero_ps(); ROWS];
            for at in (0..block.row_bytes).step_by(64) {
                // SAFETY: the rows have these bytes, and x has steps for them.
                unsafe {
                    let loaded = rows.load(at, block.row_bytes - at);
                    requests.ask_for_16(&rows, at);
                    // Four columns at a time, so that all stays in registers.
                    for quads in quads(loaded) {
                        for column in of_quads(quads) {
                            x = $add(&mut sums, column, x);
                        }
                    }
                }
            }
            let stored = u16::MAX >> (LANES - block.outputs);
            for (row, sum) in sums.into_iter().enumerate() {
                // SAFETY: the result has these columns of each row.
                unsafe { _mm512_mask_storeu_ps(block.y.add(row * block.y_stride), stored, sum) };
            }
        }
    };
}

few_rows!(pairs, "avx512f,avx512bw,avx512bf16", add_pairs);
few_rows!(widened, "avx512f,avx512bw", add_widened);
few_rows!(f32, "avx512f,avx512bw", add_f32);

#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
#[inline]
unsafe fn add_pairs<const ROWS: usize>(
    sums: &mut [__m512; ROWS],
    column: __m512i,
    x: *const u32,
) -> *const u32 {
    for (row, sum) in sums.iter_mut().enumerate() {
        // SAFETY: x has a number for each row.
        *sum = multiply_add_pairs(*sum, unsafe { *x.add(row) }, column);
    }
    x.wrapping_add(ROWS)
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
unsafe fn add_f32<const ROWS: usize>(
    sums: &mut [__m512; ROWS],
    column: __m512i,
    x: *const u32,
) -> *const u32 {
    for (row, sum) in sums.iter_mut().enumerate() {
        // SAFETY: x has a number for each row.
        *sum = multiply_add(*sum, unsafe { *x.add(row) }, column);
    }
    x.wrapping_add(ROWS)
}

/// Two steps: a column has a pair of bf16 of each output.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
unsafe fn add_widened<const ROWS: usize>(
    sums: &mut [__m512; ROWS],
    column: __m512i,
    x: *const u32,
) -> *const u32 {
    let [first, second] = super::panel::widen(column);
    // SAFETY: x has two numbers for each row.
    unsafe {
        let x = add_f32(sums, first, x);
        add_f32(sums, second, x)
    }
}
