//! Registers of f32 numbers. Every implementation multiplies and adds with a rounding each, so that
//! all give the same bits.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// A register.
pub trait Lanes: Copy {
    /// Its numbers.
    const COUNT: usize;

    /// The same number in all lanes.
    ///
    /// # Safety
    /// The processor must have the instructions; so for all of these functions.
    unsafe fn splat(number: f32) -> Self;

    /// # Safety
    /// [`COUNT`](Self::COUNT) numbers must be there.
    unsafe fn load(from: *const f32) -> Self;

    /// Widens bf16 numbers, given as their bits.
    ///
    /// # Safety
    /// [`COUNT`](Self::COUNT) numbers must be there.
    unsafe fn widen(from: *const u16) -> Self;

    /// # Safety
    /// There must be room for [`COUNT`](Self::COUNT) numbers.
    unsafe fn store(self, to: *mut f32);

    /// # Safety
    /// The instructions.
    unsafe fn add(self, other: Self) -> Self;

    /// # Safety
    /// The instructions.
    unsafe fn multiply(self, other: Self) -> Self;
}

/// For processors without vector code of our own.
#[derive(Clone, Copy)]
pub struct Plain([f32; 8]);

impl Lanes for Plain {
    const COUNT: usize = 8;

    #[inline(always)]
    unsafe fn splat(number: f32) -> Self {
        Plain([number; 8])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's promise; an array is aligned like its numbers.
        Plain(unsafe { from.cast::<[f32; 8]>().read() })
    }

    #[inline(always)]
    unsafe fn widen(from: *const u16) -> Self {
        // SAFETY: as in `load`.
        let bits = unsafe { from.cast::<[u16; 8]>().read() };
        Plain(bits.map(|bits| f32::from_bits(u32::from(bits) << 16)))
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as in `load`.
        unsafe { to.cast::<[f32; 8]>().write(self.0) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Plain(std::array::from_fn(|lane| self.0[lane] + other.0[lane]))
    }

    #[inline(always)]
    unsafe fn multiply(self, other: Self) -> Self {
        Plain(std::array::from_fn(|lane| self.0[lane] * other.0[lane]))
    }
}

/// Implements [`Lanes`] by these instructions.
#[cfg(target_arch = "x86_64")]
macro_rules! lanes_of {
    ($register:ty, $count:literal, $splat:ident, $load:ident, $store:ident, $add:ident, $multiply:ident, $widen:expr) => {
        // SAFETY of all: the caller's promises.
        impl Lanes for $register {
            const COUNT: usize = $count;

            #[inline(always)]
            unsafe fn splat(number: f32) -> Self {
                // SAFETY: the processor has the instructions.
                unsafe { $splat(number) }
            }

            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self {
                // SAFETY: the numbers are there.
                unsafe { $load(from) }
            }

            #[inline(always)]
            unsafe fn widen(from: *const u16) -> Self {
                // SAFETY: the numbers are there.
                unsafe { $widen(from) }
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                // SAFETY: there is room.
                unsafe { $store(to, self) }
            }

            #[inline(always)]
            unsafe fn add(self, other: Self) -> Self {
                // SAFETY: the processor has the instructions.
                unsafe { $add(self, other) }
            }

            #[inline(always)]
            unsafe fn multiply(self, other: Self) -> Self {
                // SAFETY: the processor has the instructions.
                unsafe { $multiply(self, other) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
lanes_of!(
    __m512,
    16,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_add_ps,
    _mm512_mul_ps,
    |from: *const u16| {
        // A bf16 is the upper half of an f32.
        let wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(from.cast()));
        _mm512_castsi512_ps(_mm512_slli_epi32::<16>(wide))
    }
);

#[cfg(target_arch = "x86_64")]
lanes_of!(
    __m256,
    8,
    _mm256_set1_ps,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_add_ps,
    _mm256_mul_ps,
    |from: *const u16| {
        let wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(from.cast()));
        _mm256_castsi256_ps(_mm256_slli_epi32::<16>(wide))
    }
);
