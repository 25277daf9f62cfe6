//! The most that this machine can do, as measured: the figures that speeds are compared with.

use std::hint::black_box;
use std::time::Instant;

use rayon::prelude::*;

use crate::Instructions;

/// Bytes that one reading of memory goes through: far more than any cache has.
const MEMORY: usize = 1 << 30;
const READINGS: usize = 5;

/// Bytes of memory that all threads together read in a second, the best of a few readings.
pub fn read_bandwidth() -> f64 {
    let numbers = vec![1u64; MEMORY / size_of::<u64>()];
    let reading = || {
        let start = Instant::now();
        let sum = numbers
            .par_chunks(1 << 16)
            .map(|part| part.iter().fold(0u64, |sum, number| sum ^ number))
            .reduce(|| 0, |a, b| a ^ b);
        black_box(sum);
        start.elapsed().as_secs_f64()
    };
    MEMORY as f64 / best(reading)
}

/// Multiplications and additions of f32 that all threads together do in a second on numbers in
/// registers, each of the two counted, with the instructions that products use.
pub fn multiply_add_rate() -> f64 {
    const STEPS: usize = 1 << 22;
    let threads = rayon::current_num_threads();
    let (lanes, run) = register_loop(Instructions::best());
    let running = || {
        let start = Instant::now();
        (0..threads).into_par_iter().for_each(|thread| {
            // SAFETY: the best instructions are there.
            black_box(unsafe { run(STEPS, 1.0 + thread as f32) });
        });
        start.elapsed().as_secs_f64()
    };
    (2 * STEPS * CHAINS * lanes * threads) as f64 / best(running)
}

fn best(run: impl Fn() -> f64) -> f64 {
    (0..READINGS).map(|_| run()).fold(f64::INFINITY, f64::min)
}

/// As many sums as keep the multipliers busy while each waits for itself.
const CHAINS: usize = 10;

/// The lanes of a register, and the loop that keeps them busy.
fn register_loop(instructions: Instructions) -> (usize, unsafe fn(usize, f32) -> f32) {
    match instructions {
        Instructions::Portable => (1, one_by_one),
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx2 => (8, with_avx2),
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx512 | Instructions::Avx512Bf16 | Instructions::Amx => (16, with_avx512),
        #[cfg(not(target_arch = "x86_64"))]
        _ => (1, one_by_one),
    }
}

fn one_by_one(steps: usize, start: f32) -> f32 {
    let (mut sums, factor) = ([start; CHAINS], black_box(0.999));
    for _ in 0..steps {
        sums = sums.map(|sum| sum * factor + factor);
    }
    sums.iter().sum()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn with_avx2(steps: usize, start: f32) -> f32 {
    use std::arch::x86_64::{_mm256_cvtss_f32, _mm256_fmadd_ps, _mm256_set1_ps};
    let (mut sums, factor) = ([_mm256_set1_ps(start); CHAINS], _mm256_set1_ps(black_box(0.999)));
    for _ in 0..steps {
        for sum in &mut sums {
            *sum = _mm256_fmadd_ps(*sum, factor, factor);
        }
    }
    sums.map(|sum| _mm256_cvtss_f32(sum)).iter().sum()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn with_avx512(steps: usize, start: f32) -> f32 {
    use std::arch::x86_64::{_mm512_cvtss_f32, _mm512_fmadd_ps, _mm512_set1_ps};
    let (mut sums, factor) = ([_mm512_set1_ps(start); CHAINS], _mm512_set1_ps(black_box(0.999)));
    for _ in 0..steps {
        for sum in &mut sums {
            *sum = _mm512_fmadd_ps(*sum, factor, factor);
        }
    }
    sums.map(|sum| _mm512_cvtss_f32(sum)).iter().sum()
}
