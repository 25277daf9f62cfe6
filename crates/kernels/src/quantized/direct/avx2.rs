//! Words of 8 outputs, with AVX2 and F16C.

use std::arch::x86_64::*;

use gguf::BlockKind;

use super::blocks::Blocks;
use super::product::{direct_of, multiply};
use super::words::{Numbers, Place, Words, four, operators};
use crate::product::Results;
use crate::quantized::machine::{Direct, Few, Fill};
use crate::quantized::panel::{Panel, Shape};
use crate::quantized::rows::{Next, Rows};

/// There is none unless the processor has the instructions.
#[derive(Clone, Copy)]
pub struct Words256(__m256i);

#[derive(Clone, Copy)]
pub struct Numbers256(__m256);

// SAFETY, for all that follows: words are made only where the processor has the instructions.

/// The 4 bytes at a place in 8 rows. A load that fills a vector and a blend keep the shuffles out of it.
///
/// # Safety
/// As for [`Words::four`].
#[inline(always)]
pub unsafe fn eight(place: Place, first: usize) -> __m256i {
    unsafe {
        let a = _mm256_blend_epi32::<0b0000_0010>(everywhere(place, first), everywhere(place, first + 1));
        let b = _mm256_blend_epi32::<0b0000_1000>(everywhere(place, first + 2), everywhere(place, first + 3));
        let c = _mm256_blend_epi32::<0b0010_0000>(everywhere(place, first + 4), everywhere(place, first + 5));
        let d = _mm256_blend_epi32::<0b1000_0000>(everywhere(place, first + 6), everywhere(place, first + 7));
        let (ab, cd) = (
            _mm256_blend_epi32::<0b0000_1100>(a, b),
            _mm256_blend_epi32::<0b1100_0000>(c, d),
        );
        _mm256_blend_epi32::<0b1111_0000>(ab, cd)
    }
}

/// # Safety
/// As for [`Words::four`].
#[inline(always)]
unsafe fn everywhere(place: Place, row: usize) -> __m256i {
    unsafe { _mm256_set1_epi32(place.row(row).cast::<i32>().read_unaligned()) }
}

operators!(
    Words256,
    _mm256_set1_epi32,
    _mm256_and_si256,
    _mm256_xor_si256,
    _mm256_or_si256,
    _mm256_sllv_epi32,
    _mm256_srlv_epi32
);

impl Words for Words256 {
    type Numbers = Numbers256;

    const LANES: usize = 8;

    #[inline(always)]
    unsafe fn four(place: Place) -> [Self; 4] {
        // Half h of vector k has row 4 h + k.
        let [a, b, c, d] = four!(k, unsafe {
            let rows = _mm256_castsi128_si256(_mm_loadu_si128(place.row(k).cast()));
            _mm256_inserti128_si256::<1>(rows, _mm_loadu_si128(place.row(4 + k).cast()))
        });
        unsafe {
            let low = [_mm256_unpacklo_epi32(a, b), _mm256_unpacklo_epi32(c, d)];
            let high = [_mm256_unpackhi_epi32(a, b), _mm256_unpackhi_epi32(c, d)];
            [
                Words256(_mm256_unpacklo_epi64(low[0], low[1])),
                Words256(_mm256_unpackhi_epi64(low[0], low[1])),
                Words256(_mm256_unpacklo_epi64(high[0], high[1])),
                Words256(_mm256_unpackhi_epi64(high[0], high[1])),
            ]
        }
    }

    #[inline(always)]
    unsafe fn one(place: Place) -> Self {
        unsafe { Words256(eight(place, 0)) }
    }

    #[inline(always)]
    unsafe fn zero() -> Self {
        unsafe { Words256(_mm256_setzero_si256()) }
    }

    #[inline(always)]
    fn half(self) -> Numbers256 {
        unsafe {
            // Below 65536, so that nothing is cut off.
            let words = (self & 0xffff).0;
            let halves = _mm256_permute4x64_epi64::<0b1000>(_mm256_packus_epi32(words, words));
            Numbers256(_mm256_cvtph_ps(_mm256_castsi256_si128(halves)))
        }
    }

    #[inline(always)]
    fn number(self) -> Numbers256 {
        unsafe { Numbers256(_mm256_cvtepi32_ps(self.0)) }
    }

    #[inline(always)]
    fn signed_byte(self, byte: usize) -> Numbers256 {
        unsafe { Words256(_mm256_srai_epi32::<24>((self << (24 - 8 * byte)).0)).number() }
    }

    #[inline(always)]
    fn look_up(self, table: &[u8; 16]) -> Self {
        unsafe {
            let table = _mm256_broadcastsi128_si256(_mm_loadu_si128(table.as_ptr().cast()));
            Words256(_mm256_shuffle_epi8(table, self.0))
        }
    }

    #[inline(always)]
    unsafe fn add_products(self, bytes: Self, pairs: *const i32) -> Self {
        unsafe {
            let (even, odd) = (_mm256_set1_epi32(*pairs), _mm256_set1_epi32(*pairs.add(1)));
            let even = _mm256_madd_epi16((bytes & 0x00ff_00ff).0, even);
            let odd = _mm256_madd_epi16(_mm256_srli_epi16::<8>(bytes.0), odd);
            Words256(_mm256_add_epi32(_mm256_add_epi32(self.0, even), odd))
        }
    }

    #[inline(always)]
    unsafe fn store_pairs(self, bias: u8, to: [*mut u8; 2]) {
        unsafe {
            let bias = _mm256_set1_epi16(i16::from(bias));
            let even = _mm256_sub_epi16((self & 0x00ff_00ff).0, bias);
            let odd = _mm256_sub_epi16(_mm256_srli_epi16::<8>(self.0), bias);
            _mm256_store_si256(to[0].cast(), even);
            _mm256_store_si256(to[1].cast(), odd);
        }
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        unsafe { Words256(_mm256_add_epi32(self.0, other.0)) }
    }

    #[inline(always)]
    fn minus(self, integer: i32) -> Self {
        unsafe { Words256(_mm256_sub_epi32(self.0, _mm256_set1_epi32(integer))) }
    }
}

impl Numbers for Numbers256 {
    #[inline(always)]
    unsafe fn all(number: f32) -> Self {
        unsafe { Numbers256(_mm256_set1_ps(number)) }
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        unsafe { Numbers256(_mm256_mul_ps(self.0, other.0)) }
    }

    #[inline(always)]
    fn times_plus(self, factor: Self, sum: Self) -> Self {
        unsafe { Numbers256(_mm256_fmadd_ps(self.0, factor.0, sum.0)) }
    }

    #[inline(always)]
    fn times_from(self, factor: Self, sum: Self) -> Self {
        unsafe { Numbers256(_mm256_fnmadd_ps(self.0, factor.0, sum.0)) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { _mm256_storeu_ps(to, self.0) }
    }
}

/// The function for a type of blocks and a number of rows, where there is one.
pub fn direct(kind: BlockKind, rows: usize) -> Option<Direct> {
    // Every processor with AVX2 is known to have it.
    if !is_x86_feature_detected!("f16c") {
        return None;
    }
    direct_of!(kind, of_rows, rows)
}

/// With more rows the sums don't fit into the registers, and a panel is as fast.
fn of_rows<B: Blocks<RUNS>, const RUNS: usize>(rows: usize) -> Option<Direct> {
    match rows {
        1 => Some(compiled::<B, RUNS, 1>),
        2 => Some(compiled::<B, RUNS, 2>),
        _ => None,
    }
}

/// # Safety
/// As for [`Direct`].
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn compiled<B: Blocks<RUNS>, const RUNS: usize, const ROWS: usize>(
    x: &Few<'_>,
    rows: &Rows<'_>,
    y: Results<'_>,
    next: &mut Next,
) {
    // SAFETY: the caller's promise.
    unsafe { multiply::<Words256, B, RUNS, ROWS>(x, rows, y, next) }
}

/// The function that makes panels of a type of blocks, where there is one.
pub fn fill(kind: BlockKind) -> Option<Fill> {
    if !is_x86_feature_detected!("f16c") {
        return None;
    }
    direct_of!(kind, filling, ())
}

fn filling<B: Blocks<RUNS>, const RUNS: usize>((): ()) -> Option<Fill> {
    Some(compiled_fill::<B, RUNS>)
}

/// # Safety
/// As for [`Fill`].
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn compiled_fill<B: Blocks<RUNS>, const RUNS: usize>(
    rows: &Rows<'_>,
    unit: usize,
    shape: Shape,
    to: &mut Panel,
    next: &mut Next,
) {
    // SAFETY: the caller's promise.
    unsafe { super::panel::fill::<Words256, B, RUNS>(rows, unit, shape, to, next) }
}
