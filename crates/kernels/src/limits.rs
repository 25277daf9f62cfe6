//! The most that this machine can do, as measured: the figures that speeds are compared with.

use std::hint::black_box;
use std::time::Instant;

use rayon::prelude::*;

use crate::{Instructions, Rounding};

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
    rate(f32_loop(Instructions::best()))
}

/// The same of bf16: with the instructions for products of bf16 where the processor has them.
pub fn bf16_multiply_add_rate() -> f64 {
    rate(bf16_loop(Instructions::best()))
}

/// How weights are stored, as far as the speed of products depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stored {
    /// In f32, or widened to it.
    F32,
    /// In bf16.
    Bf16,
    /// As blocks of integers.
    Blocks,
}

/// Multiplications and additions that all threads together do in a second with the instructions that
/// products use, each of the two counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProductRates {
    /// Of f32 with f32.
    pub f32: f64,
    /// Of activations rounded to bf16 with weights in bf16.
    pub bf16: f64,
    /// Of activations in f32 with weights in bf16.
    pub exact_bf16: f64,
}

impl ProductRates {
    /// Takes some tenths of a second.
    pub fn measure() -> Self {
        let (f32, bf16) = (multiply_add_rate(), bf16_multiply_add_rate());
        ProductRates {
            f32,
            bf16,
            exact_bf16: match Instructions::best() {
                // An activation is the sum of three bf16, each of which is multiplied.
                Instructions::Amx => bf16 / 3.0,
                _ => f32,
            },
        }
    }

    /// None for activations rounded to integers: that rate is not measured.
    pub fn of(&self, weights: Stored, activations: Rounding) -> Option<f64> {
        match (weights, activations) {
            (Stored::F32, _) | (Stored::Blocks, Rounding::None) => Some(self.f32),
            (Stored::Bf16, Rounding::None) => Some(self.exact_bf16),
            (Stored::Bf16, Rounding::InputsToBf16) => Some(self.bf16),
            (Stored::Blocks, Rounding::InputsToBf16) => None,
        }
    }
}

fn rate(arithmetic: Arithmetic) -> f64 {
    let threads = rayon::current_num_threads();
    let steps = arithmetic.steps;
    let running = || {
        let start = Instant::now();
        (0..threads).into_par_iter().for_each(|thread| {
            // SAFETY: the best instructions are there.
            black_box(unsafe { (arithmetic.run)(steps, 1.0 + thread as f32) });
        });
        start.elapsed().as_secs_f64()
    };
    (2 * steps * arithmetic.per_step * threads) as f64 / best(running)
}

fn best(run: impl Fn() -> f64) -> f64 {
    (0..READINGS).map(|_| run()).fold(f64::INFINITY, f64::min)
}

/// As many sums as keep the multipliers busy while each waits for itself.
const CHAINS: usize = if cfg!(target_arch = "aarch64") { 20 } else { 10 };
/// Steps of a loop over registers: some ten milliseconds.
const STEPS: usize = 1 << 22;

/// A loop that keeps the multipliers busy.
struct Arithmetic {
    run: unsafe fn(usize, f32) -> f32,
    steps: usize,
    /// Multiplications of a step.
    per_step: usize,
}

impl Arithmetic {
    fn new(lanes: usize, run: unsafe fn(usize, f32) -> f32) -> Self {
        Arithmetic {
            run,
            steps: STEPS,
            per_step: CHAINS * lanes,
        }
    }
}

fn f32_loop(instructions: Instructions) -> Arithmetic {
    match instructions {
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx2 => Arithmetic::new(8, with_avx2),
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx512 | Instructions::Avx512Bf16 | Instructions::Amx => {
            Arithmetic::new(16, with_avx512)
        }
        #[cfg(target_arch = "aarch64")]
        Instructions::Neon | Instructions::NeonBf16 => Arithmetic::new(4, with_neon),
        _ => Arithmetic::new(1, one_by_one),
    }
}

fn bf16_loop(instructions: Instructions) -> Arithmetic {
    match instructions {
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx512Bf16 => Arithmetic::new(32, pairs_with_avx512),
        #[cfg(target_arch = "x86_64")]
        Instructions::Amx => Arithmetic {
            run: crate::product::amx_register_loop,
            // A step takes some 16 times as long as one of vectors.
            steps: STEPS / 16,
            per_step: crate::product::AMX_PRODUCTS,
        },
        _ => f32_loop(instructions),
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

#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
fn with_neon(steps: usize, start: f32) -> f32 {
    use std::arch::aarch64::{vaddvq_f32, vdupq_n_f32, vfmaq_f32};
    let (mut sums, factor) = ([vdupq_n_f32(start); CHAINS], vdupq_n_f32(black_box(0.999)));
    for _ in 0..steps {
        for sum in &mut sums {
            // FMLA overwrites what it adds to.
            *sum = vfmaq_f32(*sum, factor, factor);
        }
    }
    sums.map(|sum| vaddvq_f32(sum)).iter().sum()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bf16")]
fn pairs_with_avx512(steps: usize, start: f32) -> f32 {
    use std::arch::x86_64::{__m512bh, _mm512_cvtss_f32, _mm512_dpbf16_ps, _mm512_set1_ps};
    let mut sums = [_mm512_set1_ps(start); CHAINS];
    // SAFETY: both types are 512 bits of any content.
    let factor: __m512bh = unsafe { std::mem::transmute(_mm512_set1_ps(black_box(0.999))) };
    for _ in 0..steps {
        for sum in &mut sums {
            *sum = _mm512_dpbf16_ps(*sum, factor, factor);
        }
    }
    sums.map(|sum| _mm512_cvtss_f32(sum)).iter().sum()
}
