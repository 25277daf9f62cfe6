use half::bf16;
use kernels::{Instructions, Rounding, Weight, multiply, multiply_with};

use crate::support::{generator, norm, numbers, to_bf16};

/// Rows, inputs and outputs: single ones, odd ones, around the sizes of tiles and pieces.
const SHAPES: [[usize; 3]; 14] = [
    [1, 1, 1],
    [1, 7, 3],
    [1, 8, 8],
    [1, 33, 50],
    [1, 769, 49],
    [2, 31, 5],
    [3, 16, 7],
    [4, 64, 48],
    [5, 768, 97],
    [6, 770, 11],
    [7, 1537, 13],
    [13, 40, 100],
    [64, 96, 50],
    [131, 1600, 53],
];

#[test]
fn products_are_within_their_bound() {
    let mut generator = generator(1);
    for [rows, inputs, outputs] in SHAPES {
        let x = numbers(&mut generator, rows * inputs, 1.0);
        let narrow = to_bf16(&numbers(&mut generator, outputs * inputs, 0.1));
        let wide: Vec<f32> = narrow.iter().map(|value| value.to_f32()).collect();
        for instructions in Instructions::available() {
            for (weight, rounding, bound) in [
                (Weight::F32(&wide), Rounding::None, exact_bound(inputs)),
                (Weight::Bf16(&narrow), Rounding::None, exact_bound(inputs)),
                (Weight::Bf16(&narrow), Rounding::InputsToBf16, 6e-3),
            ] {
                let mut y = vec![f32::NAN; rows * outputs];
                multiply_with(instructions, &x, inputs, weight, rounding, &mut y);
                check(
                    &x,
                    inputs,
                    &wide,
                    &y,
                    bound,
                    &format!("{instructions:?} {rounding:?} {rows} {inputs} {outputs}"),
                );
            }
        }
    }
}

fn exact_bound(inputs: usize) -> f64 {
    4e-7 * (inputs as f64).sqrt()
}

fn check(x: &[f32], inputs: usize, weight: &[f32], y: &[f32], bound: f64, place: &str) {
    let outputs = weight.len() / inputs;
    for (row, x) in x.chunks(inputs).enumerate() {
        for (output, weight) in weight.chunks(inputs).enumerate() {
            let expected: f64 = x
                .iter()
                .zip(weight)
                .map(|(x, w)| f64::from(*x) * f64::from(*w))
                .sum();
            let error = (f64::from(y[row * outputs + output]) - expected).abs();
            // A result is rounded to f32 in any case.
            let allowed = bound * norm(x) * norm(weight) + 1e-7 * expected.abs();
            assert!(
                error <= allowed,
                "{place}, row {row}, output {output}: {error} above {allowed}"
            );
        }
    }
}

#[test]
fn bf16_weights_give_what_their_widened_copies_give_to_the_last_bit() {
    let mut generator = generator(2);
    for [rows, inputs, outputs] in SHAPES {
        let x = numbers(&mut generator, rows * inputs, 1.0);
        let narrow = to_bf16(&numbers(&mut generator, outputs * inputs, 0.1));
        let wide: Vec<f32> = narrow.iter().map(|value| value.to_f32()).collect();
        // AMX multiplies weights in bf16 alone.
        let sets = Instructions::available()
            .into_iter()
            .filter(|set| *set != Instructions::Amx);
        for instructions in sets {
            let product = |weight| {
                let mut y = vec![0.0; rows * outputs];
                multiply_with(instructions, &x, inputs, weight, Rounding::None, &mut y);
                y
            };
            assert_eq!(
                product(Weight::F32(&wide)),
                product(Weight::Bf16(&narrow)),
                "{instructions:?} {rows} {inputs} {outputs}"
            );
        }
    }
}

#[test]
fn a_row_alone_is_the_row_among_others_to_the_last_bit() {
    let mut generator = generator(3);
    let (inputs, outputs) = (2304, 101);
    let narrow = to_bf16(&numbers(&mut generator, outputs * inputs, 0.1));
    let x = numbers(&mut generator, 150 * inputs, 1.0);
    for instructions in Instructions::available() {
        for rounding in [Rounding::None, Rounding::InputsToBf16] {
            let product = |x: &[f32]| {
                let mut y = vec![0.0; x.len() / inputs * outputs];
                multiply_with(instructions, x, inputs, Weight::Bf16(&narrow), rounding, &mut y);
                y
            };
            let together = product(&x);
            for rows in [1, 2, 3, 4, 5, 7, 48, 64, 65] {
                let first = 3.min(150 - rows);
                let some = product(&x[first * inputs..(first + rows) * inputs]);
                assert_eq!(
                    some,
                    together[first * outputs..(first + rows) * outputs],
                    "{instructions:?} {rounding:?} {rows} rows"
                );
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let mut generator = generator(4);
    let (inputs, outputs) = (640, 1000);
    let weight = numbers(&mut generator, outputs * inputs, 0.1);
    let x = numbers(&mut generator, 9 * inputs, 1.0);
    let product = || {
        let mut y = vec![0.0; 9 * outputs];
        multiply(&x, inputs, Weight::F32(&weight), Rounding::None, &mut y);
        y
    };
    let one = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap()
        .install(product);
    let five = rayon::ThreadPoolBuilder::new()
        .num_threads(5)
        .build()
        .unwrap()
        .install(product);
    assert_eq!(one, five);
}

#[test]
fn what_is_no_number_stays_visible() {
    let weight = [bf16::from_f32(1.0); 20];
    for instructions in Instructions::available() {
        let mut y = vec![0.0; 2];
        let mut x = vec![1.0; 10];
        x[9] = f32::NAN;
        multiply_with(
            instructions,
            &x,
            10,
            Weight::Bf16(&weight),
            Rounding::None,
            &mut y,
        );
        assert!(y.iter().all(|value| value.is_nan()), "{instructions:?}");
    }
}
