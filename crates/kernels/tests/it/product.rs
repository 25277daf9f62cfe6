use half::bf16;
use kernels::{Instructions, Rounding, Weight, multiply_each_with, multiply_with};

use crate::support::{generator, norm, numbers, to_bf16};

/// Rows, inputs and outputs: single ones, odd ones, around the sizes of tiles and pieces.
const SHAPES: [[usize; 3]; 20] = [
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
    [9, 1, 2],
    [13, 40, 100],
    [15, 513, 31],
    [17, 100, 33],
    [33, 1090, 70],
    [40, 1025, 16],
    [64, 96, 50],
    [131, 1600, 53],
    [290, 67, 200],
];

/// Weights and rounding of each kind of product.
fn kinds<'a>(wide: &'a [f32], narrow: &'a [bf16]) -> [(Weight<'a>, Rounding); 3] {
    [
        (Weight::F32(wide), Rounding::None),
        (Weight::Bf16(narrow), Rounding::None),
        (Weight::Bf16(narrow), Rounding::InputsToBf16),
    ]
}

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

/// The bits, so that zeros of both signs and numbers that aren't differ too.
fn bits(y: &[f32]) -> Vec<u32> {
    y.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn a_row_alone_is_the_row_among_others_to_the_last_bit() {
    let mut generator = generator(3);
    let counts = (1..=50).chain([64, 65, 96, 97, 150, 255, 256, 257, 300]);
    let counts: Vec<usize> = counts.collect();
    for (inputs, outputs) in [(37, 45), (1000, 33), (2304, 70)] {
        let narrow = to_bf16(&numbers(&mut generator, outputs * inputs, 0.1));
        let wide: Vec<f32> = narrow.iter().map(|value| value.to_f32()).collect();
        let x = numbers(&mut generator, 300 * inputs, 1.0);
        for instructions in Instructions::available() {
            for (weight, rounding) in kinds(&wide, &narrow) {
                let product = |x: &[f32]| {
                    let mut y = vec![f32::NAN; x.len() / inputs * outputs];
                    multiply_with(instructions, x, inputs, weight, rounding, &mut y);
                    bits(&y)
                };
                let alone: Vec<Vec<u32>> = x.chunks(inputs).map(product).collect();
                for rows in &counts {
                    let first = 3.min(300 - rows);
                    let together = product(&x[first * inputs..(first + rows) * inputs]);
                    assert!(
                        together == alone[first..first + rows].concat(),
                        "{instructions:?} {rounding:?} {rows} {inputs} {outputs}"
                    );
                }
            }
        }
    }
}

#[test]
fn several_products_are_each_by_itself_to_the_last_bit() {
    let mut generator = generator(9);
    let inputs = 130;
    let narrow = to_bf16(&numbers(&mut generator, 100 * inputs, 0.1));
    let wide = numbers(&mut generator, 41 * inputs, 0.1);
    let weights = [
        Weight::Bf16(&narrow),
        Weight::F32(&wide),
        Weight::Bf16(&narrow[..3 * inputs]),
        Weight::Bf16(&[]),
    ];
    for instructions in Instructions::available() {
        for (rows, rounding) in [1, 5, 12, 48, 100]
            .into_iter()
            .flat_map(|rows| [(rows, Rounding::None), (rows, Rounding::InputsToBf16)])
        {
            let x = numbers(&mut generator, rows * inputs, 1.0);
            let empty = || [100, 41, 3, 0].map(|outputs| vec![f32::NAN; rows * outputs]);
            let mut alone = empty();
            for (weight, y) in weights.into_iter().zip(&mut alone) {
                multiply_with(instructions, &x, inputs, weight, rounding, y);
            }
            let mut together = empty();
            let mut products: Vec<(Weight<'_>, &mut [f32])> = weights
                .into_iter()
                .zip(together.iter_mut().map(Vec::as_mut_slice))
                .collect();
            multiply_each_with(instructions, &x, inputs, rounding, &mut products);
            assert_eq!(
                alone.each_ref().map(|y| bits(y)),
                together.each_ref().map(|y| bits(y)),
                "{instructions:?} {rounding:?} {rows}"
            );
        }
    }
}

#[test]
fn nothing_of_an_exact_activation_is_lost() {
    let mut generator = generator(10);
    let (inputs, outputs) = (50, 50);
    // Each output is one input, times a power of two.
    let mut narrow = vec![bf16::ZERO; inputs * outputs];
    for output in 0..outputs {
        narrow[output * inputs + output] = bf16::from_f32(0.25);
    }
    for rows in [1, 3, 20, 40] {
        let mut x = numbers(&mut generator, rows * inputs, 1.0);
        x[..5].copy_from_slice(&[f32::MAX, f32::MIN, 1e-30, -1.0 - f32::EPSILON, 0.0]);
        let expected: Vec<f32> = x.iter().map(|x| 0.25 * x).collect();
        for instructions in Instructions::available() {
            let mut y = vec![f32::NAN; rows * outputs];
            let weight = Weight::Bf16(&narrow);
            multiply_with(instructions, &x, inputs, weight, Rounding::None, &mut y);
            assert_eq!(y, expected, "{instructions:?} {rows}");
        }
    }
}

/// The bound that is documented allows for numbers below 1.2e-38 being taken for zero, no more.
#[test]
fn the_smallest_numbers_count_as_zero_at_worst() {
    let inputs = 40;
    let tiny = [1e-39, -3e-40, 1.2e-38, 2e-38, 1e-37, -7e-36, 1e-33, 1.4e-45];
    let x: Vec<f32> = tiny.into_iter().cycle().take(20 * inputs).collect();
    let narrow: Vec<bf16> = [1.0, -0.5, 3.0]
        .into_iter()
        .cycle()
        .take(33 * inputs)
        .map(bf16::from_f32)
        .collect();
    let wide: Vec<f32> = narrow.iter().map(|value| value.to_f32()).collect();
    for instructions in Instructions::available() {
        for (weight, rounding) in kinds(&wide, &narrow) {
            let relative = if rounding == Rounding::None {
                exact_bound(inputs)
            } else {
                6e-3
            };
            let mut y = vec![f32::NAN; 20 * 33];
            multiply_with(instructions, &x, inputs, weight, rounding, &mut y);
            for (row, x) in x.chunks(inputs).enumerate() {
                for (output, weight) in wide.chunks(inputs).enumerate() {
                    let expected: f64 = x
                        .iter()
                        .zip(weight)
                        .map(|(x, w)| f64::from(*x) * f64::from(*w))
                        .sum();
                    let flushed: f64 = weight
                        .iter()
                        .map(|w| 3.0 * 1.2e-38 * (1.0 + f64::from(w.abs())))
                        .sum();
                    let error = (f64::from(y[row * 33 + output]) - expected).abs();
                    let allowed = relative * norm(x) * norm(weight) + flushed;
                    assert!(
                        error <= allowed,
                        "{instructions:?} {rounding:?}: {error} above {allowed}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let mut generator = generator(4);
    let (inputs, outputs) = (640, 1000);
    let narrow = to_bf16(&numbers(&mut generator, outputs * inputs, 0.1));
    let wide: Vec<f32> = narrow.iter().map(|value| value.to_f32()).collect();
    for rows in [1, 9, 60] {
        let x = numbers(&mut generator, rows * inputs, 1.0);
        for instructions in Instructions::available() {
            for (weight, rounding) in kinds(&wide, &narrow) {
                let with = |threads| {
                    let pool = rayon::ThreadPoolBuilder::new()
                        .num_threads(threads)
                        .build()
                        .unwrap();
                    pool.install(|| {
                        let mut y = vec![f32::NAN; rows * outputs];
                        multiply_with(instructions, &x, inputs, weight, rounding, &mut y);
                        bits(&y)
                    })
                };
                let one = with(1);
                assert!(one == with(2), "{instructions:?} {rounding:?} {rows}");
                assert!(one == with(5), "{instructions:?} {rounding:?} {rows}");
            }
        }
    }
}

#[test]
fn what_is_no_number_stays_visible() {
    let (inputs, outputs) = (70, 40);
    // A NaN that would be an infinity if its lower half were cut off.
    let nan = f32::from_bits(0x7f80_0001);
    for rows in [1, 4, 10, 20, 40] {
        for (place, number) in [
            (0, f32::NAN),
            (69, nan),
            (5, f32::INFINITY),
            (68, f32::NEG_INFINITY),
        ] {
            let mut x = vec![1.0; rows * inputs];
            x[place] = number;
            let mut narrow = vec![bf16::ONE; inputs * outputs];
            // The last output's weights, with an infinity.
            narrow[outputs * inputs - 3] = bf16::INFINITY;
            let wide: Vec<f32> = narrow.iter().map(|value| value.to_f32()).collect();
            for instructions in Instructions::available() {
                for (weight, rounding) in kinds(&wide, &narrow) {
                    let mut y = vec![0.0; rows * outputs];
                    multiply_with(instructions, &x, inputs, weight, rounding, &mut y);
                    for (index, y) in y.iter().enumerate() {
                        let (row, output) = (index / outputs, index % outputs);
                        let is_right = match (row, output) {
                            (0, _) if number.is_nan() => y.is_nan(),
                            (0, 39) => !y.is_finite(),
                            (0, _) => *y == number,
                            (_, 39) => !y.is_finite(),
                            _ => *y == inputs as f32,
                        };
                        let place = format!("{instructions:?} {rounding:?} {number} {row} {output}");
                        assert!(is_right, "{place}: {y}");
                    }
                }
            }
        }
    }
}
