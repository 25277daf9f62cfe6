use gguf::{BlockKind, UNIT, dequantize, unpack};
use half::f16;
use kernels::{Instructions, Rounding, Weight, multiply, multiply_with};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::support::{generator, norm, numbers};

/// Rows, units of 256 inputs or runs of 32 (where blocks are so small), and outputs.
const SHAPES: [[usize; 3]; 10] = [
    [1, 1, 1],
    [1, 5, 33],
    [2, 3, 31],
    [2, 7, 65],
    [3, 2, 96],
    [4, 3, 32],
    [5, 4, 64],
    [7, 9, 40],
    [15, 2, 97],
    [261, 3, 37],
];

struct Case {
    kind: BlockKind,
    rows: usize,
    inputs: usize,
    x: Vec<f32>,
    bytes: Vec<u8>,
    /// What the bytes stand for.
    wide: Vec<f32>,
}

impl Case {
    fn new(generator: &mut ChaCha8Rng, kind: BlockKind, [rows, blocks, outputs]: [usize; 3]) -> Self {
        let inputs = blocks * kind.block_elements().max(32);
        let bytes = blocks_of(generator, kind, outputs * inputs / kind.block_elements());
        let mut wide = vec![0.0; outputs * inputs];
        dequantize(kind, &bytes, &mut wide);
        let x = numbers(generator, rows * inputs, 1.0);
        Case {
            kind,
            rows,
            inputs,
            x,
            bytes,
            wide,
        }
    }

    fn weight(&self) -> Weight<'_> {
        Weight::Blocks {
            kind: self.kind,
            bytes: &self.bytes,
        }
    }

    fn product(&self, instructions: Instructions, weight: Weight<'_>, rounding: Rounding) -> Vec<f32> {
        let mut y = vec![f32::NAN; self.rows * self.wide.len() / self.inputs];
        multiply_with(instructions, &self.x, self.inputs, weight, rounding, &mut y);
        y
    }
}

/// Random blocks with scales that are small numbers.
fn blocks_of(generator: &mut ChaCha8Rng, kind: BlockKind, count: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..count * kind.block_bytes())
        .map(|_| generator.random::<u8>())
        .collect();
    for block in bytes.chunks_mut(kind.block_bytes()) {
        let mut scale = || f16::from_f32((generator.random::<f32>() + 0.1) * 1e-3).to_bits();
        match kind {
            BlockKind::F32 => block.copy_from_slice(&f16::from_bits(scale()).to_f32().to_le_bytes()),
            BlockKind::Bf16 => block[1] = block[1] & 0x80 | 0x3c,
            BlockKind::Mxfp4 => block[0] = 120,
            // Its scale lies in the upper quarters of four words.
            BlockKind::Iq1M => {
                let scale = scale();
                for quarter in 0..4 {
                    let byte = &mut block[49 + 2 * quarter];
                    *byte = *byte & 15 | ((scale >> (4 * quarter) & 15) as u8) << 4;
                }
            }
            _ => {
                for place in scale_places(kind) {
                    block[*place..place + 2].copy_from_slice(&scale().to_le_bytes());
                }
            }
        }
    }
    bytes
}

fn scale_places(kind: BlockKind) -> &'static [usize] {
    match kind {
        BlockKind::Q4_1 | BlockKind::Q5_1 | BlockKind::Q4K | BlockKind::Q5K => &[0, 2],
        BlockKind::Q6K => &[208],
        BlockKind::Q2K => &[80, 82],
        BlockKind::Q3K => &[108],
        BlockKind::Tq1_0 => &[52],
        BlockKind::Tq2_0 => &[64],
        _ => &[0],
    }
}

#[test]
fn the_exact_product_is_that_of_the_numbers_that_blocks_stand_for() {
    let mut generator = generator(10);
    for kind in BlockKind::all() {
        for shape in SHAPES {
            let case = Case::new(&mut generator, kind, shape);
            for instructions in Instructions::available() {
                assert_eq!(
                    bits(&case.product(instructions, case.weight(), Rounding::None)),
                    bits(&case.product(instructions, Weight::F32(&case.wide), Rounding::None)),
                    "{kind} {shape:?} {instructions:?}"
                );
            }
        }
    }
}

#[test]
fn the_fast_product_has_the_bits_of_a_plain_one_with_all_instructions() {
    let mut generator = generator(11);
    for kind in of_integers() {
        for shape in SHAPES {
            let case = Case::new(&mut generator, kind, shape);
            let row_bytes = case.inputs / kind.block_elements() * kind.block_bytes();
            let expected: Vec<f32> = case
                .x
                .chunks(case.inputs)
                .flat_map(|x| case.bytes.chunks(row_bytes).map(|weight| plain(x, kind, weight)))
                .collect();
            for instructions in Instructions::available() {
                assert_eq!(
                    bits(&case.product(instructions, case.weight(), Rounding::InputsToBf16)),
                    bits(&expected),
                    "{kind} {shape:?} {instructions:?}"
                );
            }
        }
    }
}

/// All types but those that are stored as they are.
fn of_integers() -> impl Iterator<Item = BlockKind> {
    BlockKind::all().filter(|kind| kind.group().is_some())
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|number| number.to_bits()).collect()
}

/// The product of two rows as it is defined, one number after the other.
fn plain(x: &[f32], kind: BlockKind, weight: &[u8]) -> f32 {
    let unit_bytes = UNIT / kind.block_elements() * kind.block_bytes();
    let group = kind.group().unwrap_or(32);
    let mut y = 0.0f32;
    for (x, weight) in x.chunks(UNIT).zip(weight.chunks(unit_bytes)) {
        let (mut integers, mut scales, mut minima) = ([0; UNIT], [0.0; 16], [0.0; 16]);
        unpack(kind, weight, &mut integers, &mut scales, &mut minima);
        for (run, x) in x.chunks(32).enumerate() {
            let largest = x.iter().fold(0.0f32, |most, x| most.max(x.abs()));
            let rounded: Vec<i32> = x
                .iter()
                .map(|x| (x * (32767.0 / largest)).round_ties_even() as i32)
                .collect();
            let groups: Vec<(usize, &[i32])> = rounded
                .chunks(group)
                .enumerate()
                .map(|(index, x)| (run * 32 / group + index, x))
                .collect();
            let mut t = 0.0f32;
            for (index, x) in &groups {
                let weights = &integers[index * group..];
                let sum: i32 = x.iter().zip(weights).map(|(x, w)| x * i32::from(*w)).sum();
                t = (sum as f32).mul_add(scales[*index], t);
            }
            for (index, x) in groups.iter().filter(|_| kind.has_minima()) {
                let sum: i32 = x.iter().sum();
                t = (-minima[*index]).mul_add(sum as f32, t);
            }
            y = t.mul_add(largest / 32767.0, y);
        }
    }
    y
}

#[test]
fn the_fast_product_is_within_its_bound() {
    let mut generator = generator(12);
    for kind in of_integers() {
        for even in [true, false] {
            let blocks = 2048 / kind.block_elements();
            let mut case = Case::new(&mut generator, kind, [6, blocks, 40]);
            if even {
                case.x.iter_mut().for_each(|x| *x = x.clamp(-1.0, 1.0));
            }
            let y = case.product(Instructions::best(), case.weight(), Rounding::InputsToBf16);
            let (mut total, mut count) = (0.0, 0.0);
            for (x, y) in case.x.chunks(case.inputs).zip(y.chunks(40)) {
                for (weight, y) in case.wide.chunks(case.inputs).zip(y) {
                    let products = x.iter().zip(weight).map(|(x, w)| f64::from(*x) * f64::from(*w));
                    let error = (f64::from(*y) - products.sum::<f64>()).abs() / (norm(x) * norm(weight));
                    let bound = 9e-5 + 4e-7 * (case.inputs as f64).sqrt();
                    assert!(error < bound, "{kind}: {error}");
                    total += error * error;
                    count += 1.0;
                }
            }
            // What is usual is far below what is possible.
            let usual = (total / count).sqrt();
            assert!(usual < 5e-6, "{kind}, without outliers: {even}: {usual}");
        }
    }
}

#[test]
fn a_row_alone_and_threads_change_nothing() {
    let mut generator = generator(13);
    for kind in of_integers() {
        for rounding in [Rounding::None, Rounding::InputsToBf16] {
            let case = Case::new(&mut generator, kind, [23, 1024 / kind.block_elements(), 210]);
            let product = |x: &[f32]| {
                let mut y = vec![0.0; x.len() / case.inputs * 210];
                multiply(x, case.inputs, case.weight(), rounding, &mut y);
                y
            };
            let together = product(&case.x);
            for threads in [1, 5] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                let same = pool.unwrap().install(|| product(&case.x));
                assert_eq!(bits(&same), bits(&together), "{kind} {rounding:?} {threads}");
            }
            for rows in [1, 2, 6, 8, 15] {
                let first = 23 - rows;
                let some = product(&case.x[first * case.inputs..]);
                assert_eq!(
                    bits(&some),
                    bits(&together[first * 210..]),
                    "{kind} {rounding:?} {rows}"
                );
            }
        }
    }
}

#[test]
fn what_is_no_number_stays_visible() {
    let mut generator = generator(14);
    for kind in of_integers() {
        for wrong in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut case = Case::new(&mut generator, kind, [3, 1, 35]);
            case.x[case.inputs + 17] = wrong;
            for instructions in Instructions::available() {
                let y = case.product(instructions, case.weight(), Rounding::InputsToBf16);
                assert!(
                    y[35..70].iter().all(|y| y.is_nan()),
                    "{kind} {instructions:?} {wrong}"
                );
                let others = y[..35].iter().chain(&y[70..]);
                assert!(
                    others.clone().all(|y| y.is_finite()),
                    "{kind} {instructions:?} {wrong}"
                );
            }
        }
    }
}

#[test]
fn small_and_large_activations_are_scaled() {
    let mut generator = generator(15);
    let case = Case::new(&mut generator, BlockKind::Q8_0, [1, 8, 9]);
    let plain = case.product(Instructions::best(), case.weight(), Rounding::InputsToBf16);
    for factor in [2.0f32.powi(-80), 2.0f32.powi(90)] {
        let scaled = Case {
            x: case.x.iter().map(|x| x * factor).collect(),
            bytes: case.bytes.clone(),
            wide: case.wide.clone(),
            ..case
        };
        let y = scaled.product(Instructions::best(), scaled.weight(), Rounding::InputsToBf16);
        let expected: Vec<f32> = plain.iter().map(|y| y * factor).collect();
        assert_eq!(bits(&y), bits(&expected), "{factor}");
    }
    let zeros = Case {
        x: vec![1e-31; case.inputs],
        bytes: case.bytes.clone(),
        wide: case.wide.clone(),
        ..case
    };
    let y = zeros.product(Instructions::best(), zeros.weight(), Rounding::InputsToBf16);
    assert_eq!(y, vec![0.0; 9]);
}
