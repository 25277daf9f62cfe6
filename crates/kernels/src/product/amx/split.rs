use std::arch::x86_64::*;

/// The highest bits of a number that make a bf16.
const UPPER: i32 = -0x10000;
const QUIET: i32 = 0x0040_0000;

/// Three numbers that are bf16 in their upper halves, and whose sum is exactly `x`: the 24 bits of
/// an f32, 8 at a time. What isn't finite is in the first one alone, so that it stays what it is.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
pub fn split(x: __m512) -> [__m512i; 3] {
    const NAN: i32 = 0x81;
    const NOT_FINITE: i32 = NAN | 0x18;
    let finite = !_mm512_fpclass_ps_mask::<NOT_FINITE>(x);
    let high = upper(x);
    let rest = _mm512_maskz_sub_ps(finite, x, _mm512_castsi512_ps(high));
    let middle = upper(rest);
    let low = upper(_mm512_sub_ps(rest, _mm512_castsi512_ps(middle)));
    // A NaN whose upper half alone would be an infinity.
    let nan = _mm512_fpclass_ps_mask::<NAN>(x);
    let high = _mm512_mask_or_epi32(high, nan, high, _mm512_set1_epi32(QUIET));
    [high, middle, low]
}

#[target_feature(enable = "avx512f")]
#[inline]
fn upper(x: __m512) -> __m512i {
    _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(UPPER))
}

/// The upper halves of 32 numbers, in their order.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
pub fn upper_halves(first: __m512i, second: __m512i) -> __m512i {
    const ODD: [i16; 32] = {
        let mut odd = [0; 32];
        let mut index = 0;
        while index < 32 {
            odd[index] = 2 * index as i16 + 1;
            index += 1;
        }
        odd
    };
    // SAFETY: 32 numbers are 64 bytes.
    let odd = unsafe { _mm512_loadu_si512(ODD.as_ptr().cast()) };
    _mm512_permutex2var_epi16(first, odd, second)
}
