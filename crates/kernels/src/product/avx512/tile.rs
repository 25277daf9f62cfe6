//! Some rows and the 32 outputs of a packed panel, sums in registers.

use std::arch::x86_64::*;

use super::ahead::Ahead;
use super::multiply_add::{multiply_add, multiply_add_pairs};
use super::{LANES, PANEL, VECTORS};

/// What a tile is computed from.
pub struct Tile {
    pub steps: usize,
    /// `[step][row]`.
    pub x: *const u32,
    /// `[step][vector]`.
    pub panel: *const __m512i,
    /// `[row][output]`: where the sums rest between pieces of the inputs.
    pub sums: *mut f32,
    /// The first piece of the inputs: the sums begin at zero.
    pub begins: bool,
}

/// Steps between two requests for lines of memory.
pub const STEPS_PER_REQUEST: usize = 16;

/// A function that adds to the sums of `ROWS` rows. The compiler must unroll the loops over rows:
/// otherwise the sums are in memory, at a fraction of the speed.
macro_rules! tile {
    ($name:ident, $features:literal, $multiply_add:ident) => {
        /// # Safety
        /// The processor must have the instructions; the tile's places must be there.
        #[target_feature(enable = $features)]
        pub unsafe fn $name<const ROWS: usize>(tile: &Tile, ahead: &mut Ahead) {
            // SAFETY: the caller's promise.
            unsafe {
                let mut sums = [[_mm512_setzero_ps(); VECTORS]; ROWS];
                if !tile.begins {
                    for (row, sums) in sums.iter_mut().enumerate() {
                        for (vector, sum) in sums.iter_mut().enumerate() {
                            *sum = _mm512_loadu_ps(tile.sums.add(row * PANEL + vector * LANES));
                        }
                    }
                }
                let mut step = 0;
                while step < tile.steps {
                    ahead.ask();
                    let end = (step + STEPS_PER_REQUEST).min(tile.steps);
                    while step < end {
                        let first = *tile.panel.add(step * VECTORS);
                        let second = *tile.panel.add(step * VECTORS + 1);
                        for (row, sums) in sums.iter_mut().enumerate() {
                            let x = *tile.x.add(step * ROWS + row);
                            sums[0] = $multiply_add(sums[0], x, first);
                            sums[1] = $multiply_add(sums[1], x, second);
                        }
                        step += 1;
                    }
                }
                for (row, sums) in sums.iter().enumerate() {
                    for (vector, sum) in sums.iter().enumerate() {
                        _mm512_storeu_ps(tile.sums.add(row * PANEL + vector * LANES), *sum);
                    }
                }
            }
        }
    };
}

tile!(pairs, "avx512f,avx512bw,avx512bf16", multiply_add_pairs);
tile!(f32, "avx512f,avx512bw", multiply_add);
