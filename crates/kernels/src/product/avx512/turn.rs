//! 16 x 16 numbers of 32 bits turned about in registers: what both weights and activations need, so
//! that a vector has one input of 16 outputs, or of 16 rows.

use std::arch::x86_64::*;

use super::LANES;

/// Vector j of the result has number j of each of the 16 vectors: 64 shuffles for 1 KB.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
pub fn turn(rows: [__m512i; LANES]) -> [__m512i; LANES] {
    let mut columns = [_mm512_setzero_si512(); LANES];
    for (columns, quads) in columns.as_chunks_mut::<4>().0.iter_mut().zip(quads(rows)) {
        *columns = of_quads(quads);
    }
    columns
}

/// The first half of turning about: four numbers of vector 4i + j are lane i of vector j of the
/// quarter that they belong to. 32 shuffles.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
pub fn quads(rows: [__m512i; LANES]) -> [[__m512i; 4]; 4] {
    let mut quads = [[_mm512_setzero_si512(); 4]; 4];
    for i in 0..4 {
        let even_ab = _mm512_shuffle_i32x4::<0x88>(rows[i], rows[4 + i]);
        let odd_ab = _mm512_shuffle_i32x4::<0xdd>(rows[i], rows[4 + i]);
        let even_cd = _mm512_shuffle_i32x4::<0x88>(rows[8 + i], rows[12 + i]);
        let odd_cd = _mm512_shuffle_i32x4::<0xdd>(rows[8 + i], rows[12 + i]);
        quads[0][i] = _mm512_shuffle_i32x4::<0x88>(even_ab, even_cd);
        quads[2][i] = _mm512_shuffle_i32x4::<0xdd>(even_ab, even_cd);
        quads[1][i] = _mm512_shuffle_i32x4::<0x88>(odd_ab, odd_cd);
        quads[3][i] = _mm512_shuffle_i32x4::<0xdd>(odd_ab, odd_cd);
    }
    quads
}

/// The second half: the four columns of a quarter. 8 shuffles.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
pub fn of_quads(quads: [__m512i; 4]) -> [__m512i; 4] {
    let a = _mm512_unpacklo_epi32(quads[0], quads[1]);
    let b = _mm512_unpackhi_epi32(quads[0], quads[1]);
    let c = _mm512_unpacklo_epi32(quads[2], quads[3]);
    let d = _mm512_unpackhi_epi32(quads[2], quads[3]);
    [
        _mm512_unpacklo_epi64(a, c),
        _mm512_unpackhi_epi64(a, c),
        _mm512_unpacklo_epi64(b, d),
        _mm512_unpackhi_epi64(b, d),
    ]
}
