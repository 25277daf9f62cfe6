//! What is particular to a set of instructions.

use half::bf16;
use kernels::{Instructions, Rounding, Weight, multiply_with};

use crate::support::{generator, norm, numbers, to_bf16};

#[test]
fn where_inputs_may_be_rounded_they_are_rounded_or_nothing_changes() {
    let mut generator = generator(9);
    for [rows, inputs, outputs] in [[1, 1, 1], [1, 2303, 9], [3, 7, 5], [7, 769, 50], [13, 1544, 11]] {
        let x = numbers(&mut generator, rows * inputs, 1.0);
        let weight = to_bf16(&numbers(&mut generator, outputs * inputs, 0.1));
        for instructions in Instructions::available() {
            let product = |rounding| {
                let (mut y, weight) = (vec![0.0; rows * outputs], Weight::Bf16(&weight));
                multiply_with(instructions, &x, inputs, weight, rounding, &mut y);
                y
            };
            let y = product(Rounding::InputsToBf16);
            if y == product(Rounding::None) {
                continue;
            }
            let rounded: Vec<f32> = x.iter().map(|x| bf16::from_f32(*x).to_f32()).collect();
            for (index, y) in y.iter().enumerate() {
                let x = &rounded[index / outputs * inputs..][..inputs];
                let weight: Vec<f32> = weight[index % outputs * inputs..][..inputs]
                    .iter()
                    .map(|weight| weight.to_f32())
                    .collect();
                let pairs = x.iter().zip(&weight);
                let expected: f64 = pairs.map(|(x, w)| f64::from(*x) * f64::from(*w)).sum();
                let error = (f64::from(*y) - expected).abs();
                let allowed = 4e-7 * (inputs as f64).sqrt() * norm(x) * norm(&weight) + 1e-7 * expected.abs();
                assert!(
                    error <= allowed,
                    "{instructions:?} {rows} {inputs} {outputs}, {index}: {error} above {allowed}"
                );
            }
        }
    }
}

#[test]
#[should_panic(expected = "the processor has no")]
fn instructions_of_another_processor_are_refused() {
    let others = if cfg!(target_arch = "aarch64") {
        Instructions::Avx2
    } else {
        Instructions::Neon
    };
    multiply_with(others, &[1.0], 1, Weight::F32(&[1.0]), Rounding::None, &mut [0.0]);
}

/// The bits of BFDOT: products of pairs in lanes, rounded to odd, and the order in which lanes are
/// added.
#[test]
#[cfg(target_arch = "aarch64")]
fn bfdot_rounds_to_odd() {
    if !Instructions::available().contains(&Instructions::NeonBf16) {
        println!("skipped: this processor has no BFDOT");
        return;
    }
    let mut generator = generator(10);
    let (inputs, outputs) = (1003, 6);
    let x = to_bf16(&numbers(&mut generator, inputs, 1.0));
    let weights = to_bf16(&numbers(&mut generator, outputs * inputs, 0.1));
    let wide: Vec<f32> = x.iter().map(|x| x.to_f32()).collect();
    let (mut y, weight) = (vec![0.0; outputs], Weight::Bf16(&weights));
    multiply_with(
        Instructions::NeonBf16,
        &wide,
        inputs,
        weight,
        Rounding::InputsToBf16,
        &mut y,
    );
    for (y, weights) in y.iter().zip(weights.chunks(inputs)) {
        let products: Vec<f32> = wide.iter().zip(weights).map(|(x, w)| x * w.to_f32()).collect();
        let mut lanes = [0.0f32; 4];
        for eight in products.chunks(8) {
            for (lane, pair) in lanes.iter_mut().zip(eight.chunks(2)) {
                let pair = add_to_odd(pair[0], pair.get(1).copied().unwrap_or(0.0));
                *lane = add_to_odd(*lane, pair);
            }
        }
        assert_eq!(*y, (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]));
    }
}

/// The sum, if an f32 holds it, else that of its neighbours whose last bit is 1.
#[cfg(target_arch = "aarch64")]
fn add_to_odd(a: f32, b: f32) -> f32 {
    let (a, b) = (f64::from(a), f64::from(b));
    let sum = a + b;
    // What rounding to f64 lost (Knuth's two-sum).
    let of_b = sum - a;
    let lost = (a - (sum - of_b)) + (b - of_b);
    let nearest = sum as f32;
    let above = f64::from(nearest) - sum;
    if above == 0.0 && lost == 0.0 {
        return nearest;
    }
    // Towards zero, then the last bit is set.
    let is_beyond = if above == 0.0 { -lost } else { above } * sum.signum() > 0.0;
    f32::from_bits((nearest.to_bits() - u32::from(is_beyond)) | 1)
}
