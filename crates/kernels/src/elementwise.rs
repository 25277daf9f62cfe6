//! Functions of single numbers, written so that a loop over them becomes vector code.

use half::bf16;

use crate::instructions::also_with_avx2;
use crate::threads::for_each_row;

/// Numbers that one call handles: a piece stays in the nearest cache.
const PIECE: usize = 4096;

/// `e^x` for x between -87.3 and 88.3; beyond them it stays at what it is there, 1.2e-38 and
/// 2.2e38. NaN stays NaN.
///
/// Relative error below 2e-7. Source: the range reduction and the polynomial of Cephes' `expf`.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // Adding and subtracting 1.5 * 2^23 rounds to the nearest whole number.
    const ROUNDING: f32 = 12_582_912.0;
    let clamped = x.clamp(-87.3, 88.3);
    let shifted = clamped * LOG2_E + ROUNDING;
    let whole = shifted - ROUNDING;
    let r = clamped - whole * LN_2_HIGH - whole * LN_2_LOW;
    let mut p = 1.987_569_1e-4;
    for coefficient in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5] {
        p = p * r + coefficient;
    }
    let fraction = p * r * r + r + 1.0;
    // The whole number is in the lowest bits of `shifted`; moved up, it becomes the exponent of
    // 2^whole.
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
    let result = fraction * power;
    if x.is_nan() { x } else { result }
}

/// `tanh(x)`, relative error below 3e-7. Source: Cephes' `tanhf`; a polynomial for small x,
/// `1 - 2 / (e^2x + 1)` elsewhere.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let z = x * x;
    let mut p = -5.704_988_7e-3;
    for coefficient in [2.063_909e-2, -5.373_971_4e-2, 0.133_314_42, -0.333_332_83] {
        p = p * z + coefficient;
    }
    let small = p * z * x + x;
    let large = (1.0 - 2.0 / (exp(2.0 * x.abs()) + 1.0)).copysign(x);
    let result = if x.abs() < 0.625 { small } else { large };
    if x.is_nan() { x } else { result }
}

/// The tanh approximation of GELU: `x/2 (1 + tanh(u)) = x / (1 + e^-2u)`,
/// `u = sqrt(2/pi) (x + 0.044715 x^3)`.
///
/// Error below 2e-6 relative where x > -4, and below 1e-8 absolute elsewhere.
#[inline(always)]
pub fn gelu_tanh(x: f32) -> f32 {
    const TWICE_SQRT_2_OVER_PI: f32 = 1.595_769;
    let twice_u = (x * x * 0.044715 + 1.0) * x * TWICE_SQRT_2_OVER_PI;
    x / (1.0 + exp(-twice_u))
}

/// `x / (1 + e^-x)`, also called swish. Error below 1e-6 relative where x > -20, and below 1e-8
/// absolute elsewhere.
#[inline(always)]
pub fn silu(x: f32) -> f32 {
    x / (1.0 + exp(-x))
}

/// The function of a feed-forward's gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateFunction {
    /// [`gelu_tanh`]
    GeluTanh,
    /// [`silu`]
    Silu,
}

/// `y = function(gate) * up`, all of one length: the gate of the feed-forward.
pub fn gate(function: GateFunction, gate: &[f32], up: &[f32], y: &mut [f32]) {
    assert!(gate.len() == y.len() && up.len() == y.len());
    for_each_row(y, PIECE, 8, |piece, y| {
        let range = piece * PIECE..piece * PIECE + y.len();
        let (gate, up) = (&gate[range.clone()], &up[range]);
        match function {
            GateFunction::GeluTanh => gelu_gate_piece(gate, up, y),
            GateFunction::Silu => silu_gate_piece(gate, up, y),
        }
    });
}

/// `y += bias` for each row of `y: [rows, width]`; `bias: [width]`.
pub fn add_bias(y: &mut [f32], bias: &[f32]) {
    assert!(y.len().is_multiple_of(bias.len()));
    for_each_row(y, bias.len(), 1, |_, y| {
        for (y, bias) in y.iter_mut().zip(bias) {
            *y += bias;
        }
    });
}

/// `y += x`, of one length.
pub fn add(y: &mut [f32], x: &[f32]) {
    assert_eq!(x.len(), y.len());
    for_each_row(y, PIECE, 1, |piece, y| {
        for (y, x) in y.iter_mut().zip(&x[piece * PIECE..]) {
            *y += x;
        }
    });
}

/// Rounds to the nearest bf16, in a tie to the even one; NaN stays NaN.
pub fn round_to_bf16(x: &[f32], y: &mut [bf16]) {
    assert_eq!(x.len(), y.len());
    round_piece(x, y);
}

/// `x = cap * tanh(x / cap)` in place: the soft limit on scores and logits.
pub fn soft_cap(x: &mut [f32], cap: f32) {
    for_each_row(x, PIECE, 8, |_, x| soft_cap_piece(x, cap));
}

also_with_avx2! {
    fn gelu_gate_piece(gate: &[f32], up: &[f32], y: &mut [f32]) {
        for ((y, gate), up) in y.iter_mut().zip(gate).zip(up) {
            *y = gelu_tanh(*gate) * up;
        }
    }
}

also_with_avx2! {
    fn silu_gate_piece(gate: &[f32], up: &[f32], y: &mut [f32]) {
        for ((y, gate), up) in y.iter_mut().zip(gate).zip(up) {
            *y = silu(*gate) * up;
        }
    }
}

also_with_avx2! {
    fn round_piece(x: &[f32], y: &mut [bf16]) {
        for (y, x) in y.iter_mut().zip(x) {
            let bits = x.to_bits();
            // Half of what is cut off, and a bit more where the last bit that stays is 1.
            let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1));
            // A NaN keeps its upper bits, and one that makes sure that it stays a NaN.
            let kept = if x.is_nan() { bits | 0x0040_0000 } else { rounded };
            *y = bf16::from_bits((kept >> 16) as u16);
        }
    }
}

also_with_avx2! {
    fn soft_cap_piece(x: &mut [f32], cap: f32) {
        for x in x {
            *x = cap * tanh(*x / cap);
        }
    }
}
