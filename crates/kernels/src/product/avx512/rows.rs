use std::arch::x86_64::*;

use super::LANES;

/// Some rows of weights, as many inputs as follow from one place on. Rows beyond the last are the
/// last once more: their lanes are computed and not used.
pub struct Rows {
    first: *const u8,
    stride: usize,
    last: usize,
}

impl Rows {
    /// `count` rows, `stride` bytes from each other.
    pub fn new(first: *const u8, stride: usize, count: usize) -> Self {
        Rows {
            first,
            stride,
            last: count - 1,
        }
    }

    #[inline(always)]
    pub fn row(&self, index: usize) -> *const u8 {
        self.first.wrapping_add(index.min(self.last) * self.stride)
    }

    /// 64 bytes of 16 rows, `at` bytes from their beginning, of which `left` bytes are there; the
    /// others are zero.
    ///
    /// # Safety
    /// The rows must have those bytes.
    #[target_feature(enable = "avx512f,avx512bw")]
    #[inline]
    pub unsafe fn load(&self, at: usize, left: usize) -> [__m512i; LANES] {
        let mut loaded = [_mm512_setzero_si512(); LANES];
        for (index, loaded) in loaded.iter_mut().enumerate() {
            let from = self.row(index).wrapping_add(at);
            // SAFETY: the caller's promise; the mask leaves out what is beyond it.
            *loaded = unsafe {
                if left >= 64 {
                    _mm512_loadu_si512(from.cast())
                } else {
                    // A number has two bytes at least.
                    _mm512_maskz_loadu_epi16(u32::MAX >> (32 - left / 2), from.cast())
                }
            };
        }
        loaded
    }
}
