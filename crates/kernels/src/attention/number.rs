use half::bf16;

use super::lanes::Lanes;

/// Numbers that keys and values are kept in.
pub trait CacheNumber: Copy + Sync {
    /// The same number as f32; exact.
    fn widen(self) -> f32;

    /// As many as a register has.
    ///
    /// # Safety
    /// They must be there, and the processor must have the register's instructions.
    #[doc(hidden)]
    unsafe fn load<L: Lanes>(from: *const Self) -> L;
}

impl CacheNumber for f32 {
    #[inline(always)]
    fn widen(self) -> f32 {
        self
    }

    #[inline(always)]
    unsafe fn load<L: Lanes>(from: *const f32) -> L {
        // SAFETY: the caller's promise.
        unsafe { L::load(from) }
    }
}

impl CacheNumber for bf16 {
    #[inline(always)]
    fn widen(self) -> f32 {
        f32::from_bits(u32::from(self.to_bits()) << 16)
    }

    #[inline(always)]
    unsafe fn load<L: Lanes>(from: *const bf16) -> L {
        // SAFETY: the caller's promise; a bf16 is its bits.
        unsafe { L::widen(from.cast()) }
    }
}
