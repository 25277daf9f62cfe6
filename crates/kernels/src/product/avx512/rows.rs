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
    /// Always inlined, so that the vectors stay in the registers of a caller that has AVX-512.
    ///
    /// # Safety
    /// The processor must have AVX-512 with BW, and the rows those bytes.
    #[inline(always)]
    pub unsafe fn load(&self, at: usize, left: usize) -> [__m512i; LANES] {
        // SAFETY: the caller's promise; the mask leaves out what is beyond it. A number has two
        // bytes at least.
        unsafe {
            let mut loaded = [_mm512_setzero_si512(); LANES];
            if left >= 64 {
                for (index, loaded) in loaded.iter_mut().enumerate() {
                    *loaded = _mm512_loadu_si512(self.row(index).wrapping_add(at).cast());
                }
            } else {
                let mask = u32::MAX >> (32 - left / 2);
                for (index, loaded) in loaded.iter_mut().enumerate() {
                    *loaded = _mm512_maskz_loadu_epi16(mask, self.row(index).wrapping_add(at).cast());
                }
            }
            loaded
        }
    }
}
