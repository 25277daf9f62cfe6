//! What the unpacking of blocks leaves to the processor, with AVX2 and with AVX-512.

use std::arch::x86_64::*;

use gguf::ByteOperations;

/// With AVX2.
#[derive(Clone, Copy)]
pub struct Avx2(());

/// With AVX-512BW and VL, which AVX2 comes with.
#[derive(Clone, Copy)]
pub struct Avx512(());

impl Avx2 {
    /// # Safety
    /// The processor must have the instructions.
    #[inline(always)]
    pub unsafe fn new() -> Self {
        Avx2(())
    }
}

impl Avx512 {
    /// # Safety
    /// The processor must have the instructions.
    #[inline(always)]
    pub unsafe fn new() -> Self {
        Avx512(())
    }
}

impl ByteOperations for Avx2 {
    #[inline(always)]
    fn masks(self, bits: [u8; 4]) -> [u8; 32] {
        // SAFETY: the processor has the instructions, as `new` demands.
        unsafe { masks_avx2(bits) }
    }

    #[inline(always)]
    fn look_up(self, table: &[i8; 16], places: [u8; 16]) -> [i8; 16] {
        // SAFETY: the same.
        unsafe { look_up(table, places) }
    }
}

impl ByteOperations for Avx512 {
    #[inline(always)]
    fn masks(self, bits: [u8; 4]) -> [u8; 32] {
        // SAFETY: the processor has the instructions, as `new` demands.
        unsafe { masks_avx512(bits) }
    }

    #[inline(always)]
    fn look_up(self, table: &[i8; 16], places: [u8; 16]) -> [i8; 16] {
        // SAFETY: the same.
        unsafe { look_up(table, places) }
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn masks_avx2(bits: [u8; 4]) -> [u8; 32] {
    // Each byte eight times, of which each keeps a bit of its own.
    let eight_times = _mm256_setr_epi64x(
        0,
        0x0101_0101_0101_0101,
        0x0202_0202_0202_0202,
        0x0303_0303_0303_0303,
    );
    let bits = _mm256_shuffle_epi8(_mm256_set1_epi32(i32::from_le_bytes(bits)), eight_times);
    let own = _mm256_set1_epi64x(0x8040_2010_0804_0201u64.cast_signed());
    let masks = _mm256_cmpeq_epi8(_mm256_and_si256(bits, own), own);
    // SAFETY: a vector of 32 bytes.
    unsafe { std::mem::transmute::<__m256i, [u8; 32]>(masks) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
#[inline]
fn masks_avx512(bits: [u8; 4]) -> [u8; 32] {
    let masks = _mm256_movm_epi8(u32::from_le_bytes(bits));
    // SAFETY: a vector of 32 bytes.
    unsafe { std::mem::transmute::<__m256i, [u8; 32]>(masks) }
}

#[target_feature(enable = "avx2")]
#[inline]
fn look_up(table: &[i8; 16], places: [u8; 16]) -> [i8; 16] {
    // SAFETY: vectors of 16 bytes.
    unsafe {
        let numbers = _mm_shuffle_epi8(
            std::mem::transmute::<[i8; 16], __m128i>(*table),
            std::mem::transmute::<[u8; 16], __m128i>(places),
        );
        std::mem::transmute::<__m128i, [i8; 16]>(numbers)
    }
}
