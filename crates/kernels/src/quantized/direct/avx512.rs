//! Words of 16 outputs, with AVX-512 and VNNI.

use std::arch::asm;
use std::arch::x86_64::*;

use gguf::BlockKind;

use super::avx2::eight;
use super::blocks::Blocks;
use super::product::{direct_of, multiply};
use super::words::{Numbers, Place, Words, four, operators};
use crate::product::Results;
use crate::quantized::machine::{Direct, Few, Fill};
use crate::quantized::panel::{Panel, Shape};
use crate::quantized::rows::{Next, Rows};

/// There is none unless the processor has the instructions.
#[derive(Clone, Copy)]
pub struct Words512(__m512i);

#[derive(Clone, Copy)]
pub struct Numbers512(__m512);

// SAFETY, for all that follows: words are made only where the processor has the instructions.

/// `vpdpwssd` as it is: compilers make a product and a sum of the function for it.
#[target_feature(enable = "avx512f")]
#[inline]
fn add_pairs(mut sum: __m512i, a: __m512i, b: __m512i) -> __m512i {
    // SAFETY: the instruction has no other effects.
    unsafe {
        asm!("vpdpwssd {}, {}, {}", inout(zmm_reg) sum, in(zmm_reg) a, in(zmm_reg) b,
            options(pure, nomem, nostack, preserves_flags));
    }
    sum
}

operators!(
    Words512,
    _mm512_set1_epi32,
    _mm512_and_si512,
    _mm512_xor_si512,
    _mm512_or_si512,
    _mm512_sllv_epi32,
    _mm512_srlv_epi32
);

impl Words for Words512 {
    type Numbers = Numbers512;

    const LANES: usize = 16;

    #[inline(always)]
    unsafe fn four(place: Place) -> [Self; 4] {
        // Quarter q of vector k has row 4 q + k.
        let [a, b, c, d] = four!(k, unsafe {
            let rows = _mm512_castsi128_si512(_mm_loadu_si128(place.row(k).cast()));
            let rows = _mm512_inserti32x4::<1>(rows, _mm_loadu_si128(place.row(4 + k).cast()));
            let rows = _mm512_inserti32x4::<2>(rows, _mm_loadu_si128(place.row(8 + k).cast()));
            _mm512_inserti32x4::<3>(rows, _mm_loadu_si128(place.row(12 + k).cast()))
        });
        unsafe {
            let low = [_mm512_unpacklo_epi32(a, b), _mm512_unpacklo_epi32(c, d)];
            let high = [_mm512_unpackhi_epi32(a, b), _mm512_unpackhi_epi32(c, d)];
            [
                Words512(_mm512_unpacklo_epi64(low[0], low[1])),
                Words512(_mm512_unpackhi_epi64(low[0], low[1])),
                Words512(_mm512_unpacklo_epi64(high[0], high[1])),
                Words512(_mm512_unpackhi_epi64(high[0], high[1])),
            ]
        }
    }

    #[inline(always)]
    unsafe fn one(place: Place) -> Self {
        unsafe {
            let (low, high) = (eight(place, 0), eight(place, 8));
            Words512(_mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high))
        }
    }

    #[inline(always)]
    unsafe fn zero() -> Self {
        unsafe { Words512(_mm512_setzero_si512()) }
    }

    #[inline(always)]
    fn half(self) -> Numbers512 {
        unsafe { Numbers512(_mm512_cvtph_ps(_mm512_cvtepi32_epi16(self.0))) }
    }

    #[inline(always)]
    fn number(self) -> Numbers512 {
        unsafe { Numbers512(_mm512_cvtepi32_ps(self.0)) }
    }

    #[inline(always)]
    fn signed_byte(self, byte: usize) -> Numbers512 {
        unsafe { Words512(_mm512_srai_epi32::<24>((self << (24 - 8 * byte)).0)).number() }
    }

    #[inline(always)]
    fn look_up(self, table: &[u8; 16]) -> Self {
        unsafe {
            let table = _mm512_broadcast_i32x4(_mm_loadu_si128(table.as_ptr().cast()));
            Words512(_mm512_shuffle_epi8(table, self.0))
        }
    }

    #[inline(always)]
    unsafe fn add_products(self, bytes: Self, pairs: *const i32) -> Self {
        unsafe {
            let (even, odd) = (_mm512_set1_epi32(*pairs), _mm512_set1_epi32(*pairs.add(1)));
            let sum = add_pairs(self.0, (bytes & 0x00ff_00ff).0, even);
            Words512(add_pairs(sum, _mm512_srli_epi16::<8>(bytes.0), odd))
        }
    }

    #[inline(always)]
    unsafe fn store_pairs(self, bias: u8, to: [*mut u8; 2]) {
        unsafe {
            let bias = _mm512_set1_epi16(i16::from(bias));
            let even = _mm512_sub_epi16((self & 0x00ff_00ff).0, bias);
            let odd = _mm512_sub_epi16(_mm512_srli_epi16::<8>(self.0), bias);
            _mm512_store_si512(to[0].cast(), even);
            _mm512_store_si512(to[1].cast(), odd);
        }
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        unsafe { Words512(_mm512_add_epi32(self.0, other.0)) }
    }

    #[inline(always)]
    fn minus(self, integer: i32) -> Self {
        unsafe { Words512(_mm512_sub_epi32(self.0, _mm512_set1_epi32(integer))) }
    }
}

impl Numbers for Numbers512 {
    #[inline(always)]
    unsafe fn all(number: f32) -> Self {
        unsafe { Numbers512(_mm512_set1_ps(number)) }
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        unsafe { Numbers512(_mm512_mul_ps(self.0, other.0)) }
    }

    #[inline(always)]
    fn times_plus(self, factor: Self, sum: Self) -> Self {
        unsafe { Numbers512(_mm512_fmadd_ps(self.0, factor.0, sum.0)) }
    }

    #[inline(always)]
    fn times_from(self, factor: Self, sum: Self) -> Self {
        unsafe { Numbers512(_mm512_fnmadd_ps(self.0, factor.0, sum.0)) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { _mm512_storeu_ps(to, self.0) }
    }
}

/// The function for a type of blocks and a number of rows, where there is one.
pub fn direct(kind: BlockKind, rows: usize) -> Option<Direct> {
    direct_of!(kind, of_rows, rows)
}

/// With more rows the sums don't fit into the registers, and a panel is as fast or faster.
fn of_rows<B: Blocks<RUNS>, const RUNS: usize>(rows: usize) -> Option<Direct> {
    match rows {
        1 => Some(compiled::<B, RUNS, 1>),
        2 => Some(compiled::<B, RUNS, 2>),
        3 if RUNS < 4 => Some(compiled::<B, RUNS, 3>),
        4 if RUNS < 4 => Some(compiled::<B, RUNS, 4>),
        _ => None,
    }
}

/// # Safety
/// As for [`Direct`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,fma,f16c")]
unsafe fn compiled<B: Blocks<RUNS>, const RUNS: usize, const ROWS: usize>(
    x: &Few<'_>,
    rows: &Rows<'_>,
    y: Results<'_>,
    next: &mut Next,
) {
    // SAFETY: the caller's promise.
    unsafe { multiply::<Words512, B, RUNS, ROWS>(x, rows, y, next) }
}

/// The function that makes panels of a type of blocks, where there is one.
pub fn fill(kind: BlockKind) -> Option<Fill> {
    direct_of!(kind, filling, ())
}

fn filling<B: Blocks<RUNS>, const RUNS: usize>((): ()) -> Option<Fill> {
    Some(compiled_fill::<B, RUNS>)
}

/// # Safety
/// As for [`Fill`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,fma,f16c")]
unsafe fn compiled_fill<B: Blocks<RUNS>, const RUNS: usize>(
    rows: &Rows<'_>,
    unit: usize,
    shape: Shape,
    to: &mut Panel,
    next: &mut Next,
) {
    // SAFETY: the caller's promise.
    unsafe { super::panel::fill::<Words512, B, RUNS>(rows, unit, shape, to, next) }
}
