//! `cargo bench -p kernels`: each kernel on the shapes of Gemma-2 2B, next to the most that the
//! machine can do.
#![allow(clippy::print_stdout, reason = "it prints its table")]

use std::hint::black_box;
use std::time::Instant;

use half::bf16;
use kernels::{
    AttentionShape, Context, GateFunction, Instructions, RmsNormShape, Rounding, Weight, attend, gate,
    multiply, multiply_add_rate, read_bandwidth, rms_norm, soft_cap,
};

fn main() {
    let (bandwidth, rate) = (read_bandwidth(), multiply_add_rate());
    println!(
        "{:?}, {} threads, reads {:.1} GB/s, multiplies and adds {:.0} Gflop/s (f32)",
        Instructions::best(),
        rayon::current_num_threads(),
        bandwidth / 1e9,
        rate / 1e9
    );
    println!(
        "{:<34} {:>9} {:>8} {:>8} {:>9}",
        "kernel", "ms", "GB/s", "Gflop/s", "of limit"
    );
    products(bandwidth, rate);
    others();
}

/// Rows of activations, inputs and outputs: the gate of a layer, the way back, and the head.
const PRODUCTS: &[[usize; 3]] = &[
    [1, 2304, 9216],
    [4, 2304, 9216],
    [12, 2304, 9216],
    [48, 2304, 9216],
    [256, 2304, 9216],
    [1, 9216, 2304],
    [12, 9216, 2304],
    [256, 9216, 2304],
    [1, 2304, 256_000],
    [12, 2304, 256_000],
];

fn products(bandwidth: f64, rate: f64) {
    for [rows, inputs, outputs] in PRODUCTS.iter().copied() {
        let x: Vec<f32> = (0..rows * inputs).map(number).collect();
        let narrow: Vec<bf16> = (0..outputs * inputs)
            .map(|index| bf16::from_f32(number(index)))
            .collect();
        let mut y = vec![0.0; rows * outputs];
        let mut line = |name: &str, weight: Weight<'_>, bytes: usize, rounding| {
            let seconds = median(|| multiply(black_box(&x), inputs, weight, rounding, black_box(&mut y)));
            let (bytes, operations) = (bytes as f64, (2 * rows * inputs * outputs) as f64);
            let limit = (bytes / bandwidth).max(operations / rate);
            println!(
                "{:<34} {:>9.2} {:>8.1} {:>8.1} {:>8.0}%",
                format!("product {name} {rows} x {inputs} x {outputs}"),
                seconds * 1e3,
                bytes / seconds / 1e9,
                operations / seconds / 1e9,
                100.0 * limit / seconds
            );
        };
        line(
            "bf16",
            Weight::Bf16(&narrow),
            2 * narrow.len(),
            Rounding::InputsToBf16,
        );
        if outputs < 100_000 {
            let wide: Vec<f32> = narrow.iter().map(|value| value.to_f32()).collect();
            line("f32", Weight::F32(&wide), 4 * wide.len(), Rounding::None);
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
