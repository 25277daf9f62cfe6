use std::arch::x86_64::*;

/// The lines of memory that are wanted next, asked for a few at a time while others are
/// multiplied: a burst of requests would hold the buffers that the multiplications need.
pub struct Ahead {
    at: *const u8,
    column: usize,
    row_bytes: usize,
    stride: usize,
    left: usize,
    /// Lines that are asked for at once.
    pub pace: usize,
}

const LINE: usize = 64;

impl Ahead {
    /// `rows` rows of `row_bytes`, `stride` bytes from each other. They need not exist.
    pub fn new(at: *const u8, rows: usize, row_bytes: usize, stride: usize) -> Self {
        Ahead {
            at,
            column: 0,
            row_bytes,
            stride,
            left: rows * row_bytes.div_ceil(LINE),
            pace: 0,
        }
    }

    /// Spreads what is left over so many calls of [`Ahead::ask`].
    pub fn spread(&mut self, calls: usize) {
        self.pace = self.left.div_ceil(calls);
    }

    #[inline(always)]
    pub fn ask(&mut self) {
        for _ in 0..self.pace {
            // SAFETY: a request for memory that isn't there has no effect.
            unsafe { _mm_prefetch::<_MM_HINT_T1>(self.at.wrapping_add(self.column).cast()) };
            self.column += LINE;
            if self.column >= self.row_bytes {
                self.column = 0;
                self.at = self.at.wrapping_add(self.stride);
            }
        }
    }
}
