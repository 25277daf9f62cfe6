//! The normaliser of a distribution given as logits, and the divergence of two, from pieces that
//! come one after the other.

use crate::elementwise::exp;
use crate::instructions::also_with_avx2;

/// `log sum_i exp(x_i)` of numbers that are given in pieces.
///
/// Absolute error below 5e-7: exponentials are in f32, relative to the largest number so far; they
/// are summed in f64, 1024 numbers at a time in 16 partial sums. The same numbers in pieces of
/// multiples of 1024 give the same bits. A number that is NaN makes the result NaN. Source of the
/// rescaling: Milakov and Gimelshein (2018), "Online normalizer calculation for softmax".
#[derive(Clone, Copy, Debug)]
pub struct LogSum {
    largest: f32,
    /// Of `exp(x_i - largest)`.
    sum: f64,
}

/// `sum_i p_i (log p_i - log q_i)` of two distributions given as logits, in pieces, in nats. The
/// error is below `5e-7 (1 + max_i |p_i - q_i|)`, of logits; equal logits give exactly 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct Divergence {
    p: LogSum,
    q: LogSum,
    /// Of `exp(p_i - largest) (p_i - q_i)`.
    weighted: f64,
}

/// Numbers that are summed relative to one largest one.
const PIECE: usize = 1024;
/// Partial sums.
const LANES: usize = 16;

impl Default for LogSum {
    /// Of no numbers.
    fn default() -> Self {
        LogSum {
            largest: f32::NEG_INFINITY,
            sum: 0.0,
        }
    }
}

impl LogSum {
    /// Takes the next numbers.
    pub fn add(&mut self, numbers: &[f32]) {
        for piece in numbers.chunks(PIECE) {
            self.raise_to(largest(piece));
            let mut sum = 0.0;
            sum_exponentials(piece, self.largest, &mut sum);
            self.sum += sum;
        }
    }

    /// The result so far.
    pub fn value(&self) -> f64 {
        f64::from(self.largest) + self.sum.ln()
    }

    /// Returns what sums relative to the largest number so far are to be multiplied with.
    fn raise_to(&mut self, largest: f32) -> f64 {
        if largest <= self.largest {
            return 1.0;
        }
        let factor = (f64::from(self.largest) - f64::from(largest)).exp();
        self.largest = largest;
        self.sum *= factor;
        factor
    }
}

impl Divergence {
    /// Takes the next logits of both, as many of one as of the other.
    pub fn add(&mut self, p: &[f32], q: &[f32]) {
        assert_eq!(p.len(), q.len());
        for (p, q) in p.chunks(PIECE).zip(q.chunks(PIECE)) {
            self.weighted *= self.p.raise_to(largest(p));
            let mut sums = [0.0; 2];
            sum_weighted(p, q, self.p.largest, &mut sums);
            self.p.sum += sums[0];
            self.weighted += sums[1];
            self.q.add(q);
        }
    }

    /// The result so far; rounding can't bring it below 0.
    pub fn value(&self) -> f64 {
        let mean = self.weighted / self.p.sum;
        let divergence = mean - (self.p.value() - self.q.value());
        // `max` would take 0 instead of a NaN.
        if divergence < 0.0 { 0.0 } else { divergence }
    }
}

fn largest(numbers: &[f32]) -> f32 {
    let mut largest = f32::NEG_INFINITY;
    largest_of(numbers, &mut largest);
    largest
}

also_with_avx2! {
    fn largest_of(numbers: &[f32], largest: &mut f32) {
        let mut lanes = [f32::NEG_INFINITY; LANES];
        for numbers in numbers.chunks(LANES) {
            for (lane, number) in lanes.iter_mut().zip(numbers) {
                *lane = lane.max(*number);
            }
        }
        *largest = lanes.into_iter().fold(f32::NEG_INFINITY, f32::max);
    }
}

also_with_avx2! {
    fn sum_exponentials(numbers: &[f32], largest: f32, sum: &mut f64) {
        let mut lanes = [0.0f64; LANES];
        let (whole, rest) = numbers.as_chunks::<LANES>();
        for numbers in whole {
            for (lane, number) in lanes.iter_mut().zip(numbers) {
                *lane += f64::from(exp(number - largest));
            }
        }
        for (lane, number) in lanes.iter_mut().zip(rest) {
            *lane += f64::from(exp(number - largest));
        }
        *sum = lanes.into_iter().sum();
    }
}

also_with_avx2! {
    fn sum_weighted(p: &[f32], q: &[f32], largest: f32, sums: &mut [f64; 2]) {
        let (mut lanes, mut weighted) = ([0.0f64; LANES], [0.0f64; LANES]);
        let ((whole_p, rest_p), (whole_q, rest_q)) = (p.as_chunks::<LANES>(), q.as_chunks::<LANES>());
        for (p, q) in whole_p.iter().zip(whole_q) {
            for lane in 0..LANES {
                let weight = exp(p[lane] - largest);
                lanes[lane] += f64::from(weight);
                weighted[lane] += f64::from(weight * (p[lane] - q[lane]));
            }
        }
        for (lane, (p, q)) in rest_p.iter().zip(rest_q).enumerate() {
            let weight = exp(p - largest);
            lanes[lane] += f64::from(weight);
            weighted[lane] += f64::from(weight * (p - q));
        }
        *sums = [lanes, weighted].map(|lanes| lanes.into_iter().sum());
    }
}
