use std::arch::x86_64::*;

/// Adds the products of one activation in f32 with 16 weights.
#[target_feature(enable = "avx512f")]
#[inline]
pub fn multiply_add(sum: __m512, x: u32, weights: __m512i) -> __m512 {
    _mm512_fmadd_ps(
        _mm512_set1_ps(f32::from_bits(x)),
        _mm512_castsi512_ps(weights),
        sum,
    )
}

/// Adds the products of a pair of activations in bf16 with the pairs of 16 outputs.
#[target_feature(enable = "avx512f,avx512bf16")]
#[inline]
pub fn multiply_add_pairs(sum: __m512, x: u32, weights: __m512i) -> __m512 {
    // SAFETY: both types are 512 bits of any content.
    unsafe {
        let x = std::mem::transmute::<__m512i, __m512bh>(_mm512_set1_epi32(x.cast_signed()));
        _mm512_dpbf16_ps(sum, x, std::mem::transmute::<__m512i, __m512bh>(weights))
    }
}
