//! A few rows: columns of weights go right from the shuffles that turn them about into the sums of
//! all rows, over all inputs. Nothing is stored but the result.

use std::arch::x86_64::*;

use super::LANES;
use super::multiply_add::{multiply_add, multiply_add_pairs};
use super::requests::Requests;
use super::rows::Rows;
use super::turn::{of_quads, quads};

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

/// A function that multiplies a block with `ROWS` rows. `$add` adds what the columns of four
/// quarters of 64 bytes give, and moves on in x.
macro_rules! few_rows {
    ($name:ident, $features:literal, $add:ident) => {
        /// # Safety
        /// The processor must have the instructions; the block's places must be there.
        #[target_feature(enable = $features)]
        pub unsafe fn $name<const ROWS: usize>(block: &Block) {
            let rows = Rows::new(block.weight, block.row_bytes, block.outputs);
            let mut requests = Requests::<LANES>::new(block.weight, block.row_bytes);
            let mut x = block.x;
            let mut sums = [_mm512_setzero_ps(); ROWS];
            for at in (0..block.row_bytes).step_by(64) {
                // SAFETY: the rows have these bytes, and x has steps for them.
                unsafe {
                    let loaded = rows.load(at, block.row_bytes - at);
                    requests.ask(at);
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
