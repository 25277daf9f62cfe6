//! The numbers that blocks stand for, multiplied as f32.

use std::cell::RefCell;
use std::ops::Range;

#[cfg(target_arch = "x86_64")]
use gguf::dequantize_with;
use gguf::{BlockKind, dequantize};

#[cfg(target_arch = "x86_64")]
use super::operations::{Avx2, Avx512};
use super::row_bytes;
use crate::Instructions;
use crate::product::{Prepared, Results, Weight};

/// Outputs of one task.
pub(crate) const OUTPUTS_PER_TASK: usize = 64;

/// Numbers that are widened at once: they stay in the second-level cache until they are multiplied.
const AT_ONCE: usize = 1 << 16;

thread_local! {
    static WIDENED: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Multiplies with some outputs of a weight, `[outputs, inputs]`, on this thread. The bits are those of
/// a product with the whole weight in f32.
///
/// # Safety
/// The activations must be prepared for weights in f32 and have as many inputs; no one else may have
/// those columns of the result, which must be there.
pub(crate) unsafe fn multiply(
    x: &Prepared<'_>,
    inputs: usize,
    kind: BlockKind,
    weight: &[u8],
    outputs: Range<usize>,
    y: Results<'_>,
) {
    let row_bytes = row_bytes(kind, inputs);
    // Multiples of 16 suit every kernel.
    let step = (AT_ONCE / inputs).next_multiple_of(16);
    WIDENED.with_borrow_mut(|widened| {
        for first in outputs.clone().step_by(step) {
            let count = step.min(outputs.end - first);
            widened.resize(count * inputs, 0.0);
            widen(
                Instructions::best(),
                kind,
                &weight[first * row_bytes..(first + count) * row_bytes],
                widened,
            );
            // SAFETY: the caller's promise.
            unsafe { x.multiply(Weight::F32(widened), 0..count, y.columns_from(first)) };
        }
    });
}

/// [`dequantize`], compiled for the instructions, which the processor must have, and the type of the blocks.
fn widen(instructions: Instructions, kind: BlockKind, bytes: &[u8], numbers: &mut [f32]) {
    macro_rules! of_kind {
        ($widen:ident, $($kind:literal)*) => {
            match kind as usize {
                $($kind => $widen::<$kind>(bytes, numbers),)*
                _ => dequantize(kind, bytes, numbers),
            }
        };
    }
    #[cfg(target_arch = "x86_64")]
    match (instructions, kind.group()) {
        (Instructions::Portable, _) => {}
        // Where groups have 16 numbers, compilers make no vectors of 16 of them.
        // SAFETY: every other set includes AVX2 and FMA.
        (Instructions::Avx2, _) | (_, Some(16)) => {
            return unsafe { of_kind!(with_avx2, 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 22 23 24) };
        }
        // SAFETY: the processor has the instructions.
        _ => {
            return unsafe {
                of_kind!(with_avx512, 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 22 23 24)
            };
        }
    }
    let _ = instructions;
    of_kind!(plainly, 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 22 23 24);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn with_avx2<const KIND: usize>(bytes: &[u8], numbers: &mut [f32]) {
    // SAFETY: they are enabled here.
    let operations = unsafe { Avx2::new() };
    dequantize_with(operations, const { BlockKind::at(KIND) }, bytes, numbers);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn with_avx512<const KIND: usize>(bytes: &[u8], numbers: &mut [f32]) {
    // SAFETY: they are enabled here.
    let operations = unsafe { Avx512::new() };
    dequantize_with(operations, const { BlockKind::at(KIND) }, bytes, numbers);
}

fn plainly<const KIND: usize>(bytes: &[u8], numbers: &mut [f32]) {
    dequantize(const { BlockKind::at(KIND) }, bytes, numbers);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_instructions_give_the_bits_of_plain_code() {
        for kind in BlockKind::all() {
            let mut state = 1u64;
            let bytes: Vec<u8> = (0..96 * kind.block_bytes())
                .map(|_| {
                    state = state
                        .wrapping_mul(6364136223846793005)
                        .wrapping_add(1442695040888963407);
                    (state >> 56) as u8
                })
                .collect();
            let mut expected = vec![f32::NAN; 96 * kind.block_elements()];
            dequantize(kind, &bytes, &mut expected);
            for instructions in Instructions::available() {
                let mut numbers = vec![f32::NAN; expected.len()];
                widen(instructions, kind, &bytes, &mut numbers);
                let same = |(number, expected): (&f32, &f32)| {
                    number.to_bits() == expected.to_bits() || (number.is_nan() && expected.is_nan())
                };
                assert!(numbers.iter().zip(&expected).all(same), "{kind} {instructions:?}");
                assert!(
                    numbers.iter().any(|number| number.is_finite() && *number != 0.0),
                    "{kind}"
                );
            }
        }
    }
}
