//! `cargo bench -p kernels`: products with every set of instructions that the processor has, in turn,
//! on weights that no cache holds, next to the most that the machine can do; and the other kernels
//! on the shapes of Gemma-2 2B.
#![allow(clippy::print_stdout, reason = "it prints its table")]

use std::hint::black_box;
use std::time::Instant;

use gguf::BlockKind;
use half::bf16;
use kernels::{
    AttentionShape, Context, GateFunction, Instructions, RmsNormShape, Rounding, Weight, attend,
    bf16_multiply_add_rate, gate, multiply_add_rate, multiply_with, read_bandwidth, rms_norm, soft_cap,
};

fn main() {
    let limits = Limits {
        bandwidth: read_bandwidth(),
        f32: multiply_add_rate(),
        bf16: bf16_multiply_add_rate(),
    };
    println!(
        "{:?}, {} threads: reads {:.1} GB/s, multiplies and adds {:.0} Gflop/s in f32, {:.0} in bf16",
        Instructions::best(),
        rayon::current_num_threads(),
        limits.bandwidth / 1e9,
        limits.f32 / 1e9,
        limits.bf16 / 1e9
    );
    products(&limits);
    blocks();
    others();
}

/// What the machine can do in a second.
struct Limits {
    bandwidth: f64,
    f32: f64,
    bf16: f64,
}

/// Inputs and outputs: the gate of a layer of Gemma-2 2B and the way back, and matrices of small
/// models.
const SHAPES: [[usize; 2]; 4] = [[2304, 9216], [9216, 2304], [640, 2048], [576, 1536]];
const ROWS: [usize; 5] = [1, 4, 12, 48, 256];
/// Bytes of weights, of which each call takes others, so that they come from memory.
const MEMORY: usize = 1 << 30;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Activations and weights in bf16.
    Bf16,
    /// Exact activations, weights in bf16.
    Wide,
    F32,
}

impl Kind {
    fn rounding(self) -> Rounding {
        if self == Kind::Bf16 {
            Rounding::InputsToBf16
        } else {
            Rounding::None
        }
    }

    /// The most multiplications and additions in a second: AMX multiplies each of the three parts
    /// of an exact activation.
    fn rate(self, limits: &Limits) -> f64 {
        match self {
            Kind::Bf16 => limits.bf16,
            Kind::Wide if Instructions::best() == Instructions::Amx => limits.bf16 / 3.0,
            Kind::Wide | Kind::F32 => limits.f32,
        }
    }
}

fn products(limits: &Limits) {
    let mut sets = Instructions::available();
    if sets.len() > 1 {
        sets.retain(|set| *set != Instructions::Portable);
    }
    println!("milliseconds, the least of each; GB/s, Gflop/s and part of the limit are those of the last");
    print!("{:<26} {:>8}", "product", "limit");
    sets.iter().for_each(|set| print!(" {:>10}", format!("{set:?}")));
    println!(" {:>8} {:>8} {:>9}", "GB/s", "Gflop/s", "of limit");
    let narrow: Vec<bf16> = (0..MEMORY / 2)
        .map(|index| bf16::from_f32(number(index)))
        .collect();
    for kind in [Kind::Bf16, Kind::Wide] {
        products_with(kind, &narrow, Weight::Bf16, &sets, limits);
    }
    drop(narrow);
    let wide: Vec<f32> = (0..MEMORY / 4).map(number).collect();
    products_with(Kind::F32, &wide, Weight::F32, &sets, limits);
}

fn products_with<'a, T>(
    kind: Kind,
    weights: &'a [T],
    weight: impl Fn(&'a [T]) -> Weight<'a>,
    sets: &[Instructions],
    limits: &Limits,
) {
    for ([inputs, outputs], rows) in SHAPES
        .into_iter()
        .flat_map(|shape| ROWS.map(|rows| (shape, rows)))
    {
        let x: Vec<f32> = (0..rows * inputs).map(number).collect();
        let mut y = vec![0.0; rows * outputs];
        let mut matrices = weights.chunks_exact(inputs * outputs).cycle().map(&weight);
        let seconds = least(sets.len(), |set| {
            if let Some(matrix) = matrices.next() {
                multiply_with(
                    sets[set],
                    black_box(&x),
                    inputs,
                    matrix,
                    kind.rounding(),
                    black_box(&mut y),
                );
            }
        });
        let (bytes, operations) = (
            (size_of::<T>() * inputs * outputs) as f64,
            (2 * rows * inputs * outputs) as f64,
        );
        let limit = (bytes / limits.bandwidth).max(operations / kind.rate(limits));
        let best = seconds.last().copied().unwrap_or(f64::NAN);
        print!(
            "{:<26} {:>8.3}",
            format!("{kind:?} {rows} x {inputs} x {outputs}"),
            limit * 1e3
        );
        seconds
            .iter()
            .for_each(|seconds| print!(" {:>10.3}", seconds * 1e3));
        println!(
            " {:>8.1} {:>8.0} {:>8.0}%",
            bytes / best / 1e9,
            operations / best / 1e9,
            100.0 * limit / best
        );
    }
}

/// Block types of which published files are made, and shapes of two sizes of models.
const BLOCKS: [BlockKind; 5] = [
    BlockKind::Q4K,
    BlockKind::Q8_0,
    BlockKind::Q6K,
    BlockKind::Q5_0,
    BlockKind::Q4_1,
];
const SHAPES_OF_BLOCKS: [[usize; 2]; 2] = [[2304, 9216], [640, 2048]];

/// Weights in blocks next to as many in bf16, in turn: with activations rounded (to bf16, to integers
/// of 16 bits), and exact.
fn blocks() {
    println!("milliseconds, the least of each; how many times as fast as bf16");
    println!(
        "{:<26} {:>8} {:>8} {:>8} {:>8}",
        "product", "bf16", "blocks", "faster", "exact"
    );
    let narrow: Vec<bf16> = (0..MEMORY / 8)
        .map(|index| bf16::from_f32(number(index)))
        .collect();
    // Without the upper bits a scale is small, wherever in a block it lies.
    let bytes: Vec<u8> = (0..MEMORY / 8)
        .map(|index| ((index * 40_503) >> 3) as u8 & 0x2f)
        .collect();
    for ([inputs, outputs], rows) in SHAPES_OF_BLOCKS
        .into_iter()
        .flat_map(|shape| [1, 12, 48].map(|rows| (shape, rows)))
    {
        let fits = |kind: &BlockKind| inputs.is_multiple_of(kind.block_elements());
        for kind in BLOCKS.into_iter().filter(fits) {
            let x: Vec<f32> = (0..rows * inputs).map(number).collect();
            let mut y = vec![0.0; rows * outputs];
            let size = inputs * outputs / kind.block_elements() * kind.block_bytes();
            let mut narrow = narrow.chunks_exact(inputs * outputs).cycle();
            let mut bytes = bytes.chunks_exact(size).cycle();
            let seconds = least(3, |way| {
                let rounding = if way == 2 {
                    Rounding::None
                } else {
                    Rounding::InputsToBf16
                };
                let weight = match way {
                    0 => narrow.next().map(Weight::Bf16),
                    _ => bytes.next().map(|bytes| Weight::Blocks { kind, bytes }),
                };
                if let Some(weight) = weight {
                    let best = Instructions::best();
                    multiply_with(best, black_box(&x), inputs, weight, rounding, black_box(&mut y));
                }
            });
            println!(
                "{:<26} {:>8.3} {:>8.3} {:>8.2} {:>8.3}",
                format!("{kind} {rows} x {inputs} x {outputs}"),
                seconds[0] * 1e3,
                seconds[1] * 1e3,
                seconds[0] / seconds[1],
                seconds[2] * 1e3
            );
        }
    }
}

fn others() {
    let line = |name: &str, seconds: f64| println!("{name:<34} {:>9.3}", seconds * 1e3);
    let x: Vec<f32> = (0..256 * 9216).map(number).collect();
    let mut y = vec![0.0; x.len()];
    line(
        "gate 256 x 9216",
        median(|| gate(GateFunction::GeluTanh, black_box(&x), &x, black_box(&mut y))),
    );
    let shape = RmsNormShape {
        width: 2304,
        epsilon: 1e-6,
        offset: 1.0,
    };
    let (rows, weight) = (&x[..256 * 2304], &x[..2304]);
    line(
        "norm 256 x 2304",
        median(|| rms_norm(black_box(rows), weight, shape, &mut y[..256 * 2304])),
    );
    let mut logits: Vec<f32> = (0..256_000).map(number).collect();
    line(
        "soft-cap 256000",
        median(|| soft_cap(black_box(&mut logits), 30.0)),
    );
    let shape = AttentionShape {
        heads: 8,
        groups: 4,
        head_dim: 256,
        scale: 0.0625,
        soft_cap: Some(50.0),
    };
    let cache: Vec<bf16> = (0..512 * 1024)
        .map(|index| bf16::from_f32(number(index)))
        .collect();
    let context: Vec<u32> = (0..300).collect();
    let context = Context {
        path: &context,
        first: 0,
        end: 300,
    };
    let contexts = vec![context; 48];
    let queries = &x[..48 * 2048];
    line(
        "attention 48 rows, 300 tokens",
        median(|| {
            attend(
                black_box(queries),
                &cache,
                &cache,
                &contexts,
                &shape,
                &mut y[..48 * 2048],
            )
        }),
    );
}

fn number(index: usize) -> f32 {
    ((index * 40_503) % 997) as f32 / 997.0 - 0.5
}

/// Seconds of one call: the median over half a second of calls, three at least.
fn median(mut call: impl FnMut()) -> f64 {
    let (mut seconds, begin) = (Vec::new(), Instant::now());
    while seconds.len() < 3 || begin.elapsed().as_secs_f64() < 0.5 {
        let start = Instant::now();
        call();
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

/// Seconds of one call with each of `count` ways, in turn: the least of a tenth of a second for
/// each, three calls at least.
fn least(count: usize, mut call: impl FnMut(usize)) -> Vec<f64> {
    let (mut seconds, begin) = (vec![f64::INFINITY; count], Instant::now());
    let mut rounds = 0;
    while rounds < 3 || begin.elapsed().as_secs_f64() < 0.1 * count as f64 {
        for (way, least) in seconds.iter_mut().enumerate() {
            let start = Instant::now();
            call(way);
            *least = least.min(start.elapsed().as_secs_f64());
        }
        rounds += 1;
    }
    seconds
}
