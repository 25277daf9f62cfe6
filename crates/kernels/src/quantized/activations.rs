use rayon::prelude::*;

use super::RUN;
use super::choice::machine_of;
use super::machine::Machine;
use super::panel::Integers;
use crate::Instructions;
use crate::instructions::also_with_avx2;

/// Activations as integers of 16 bits, with a scale for each run of 32 inputs of a row.
///
/// An integer is off by half a step at most, of which the largest number of the run has 32767. A run
/// with a number that is infinite or NaN has a scale of NaN, and so has every result of its row. A run
/// whose largest number is below [`TINY`] counts as zeros.
pub(crate) struct Activations {
    pub(super) machine: Machine,
    pub(crate) rows: usize,
    pub(super) inputs: usize,
    /// `[runs, rows]`
    pub(super) integers: Vec<Integers>,
    /// `[runs, rows]`
    pub(super) scales: Vec<f32>,
    /// `[runs, rows]`: the sums of the first and of the second 16 integers, which f32 holds exactly.
    pub(super) sums: Vec<[f32; 2]>,
}

/// The least number that is not a zero, in a run without larger ones.
const TINY: f32 = 1e-30;

const LARGEST: f32 = 32767.0;

/// Numbers below which one thread packs faster than two.
const SERIAL: usize = 1 << 16;

impl Activations {
    /// `x: [rows, inputs]`, a whole number of runs; the processor must have the instructions.
    pub fn new(instructions: Instructions, x: &[f32], inputs: usize) -> Self {
        let (rows, runs) = (x.len() / inputs, inputs / RUN);
        assert_eq!(runs * RUN, inputs, "blocks have 32 numbers, or 256");
        let mut packed = Activations {
            machine: machine_of(instructions),
            rows,
            inputs,
            integers: vec![Integers([0; RUN]); runs * rows],
            scales: vec![0.0; runs * rows],
            sums: vec![[0.0; 2]; runs * rows],
        };
        if rows == 0 {
            return packed;
        }
        let runs_at_once = if x.len() < SERIAL { runs } else { runs.div_ceil(16) };
        let piece = runs_at_once * rows;
        let pieces = packed
            .integers
            .par_chunks_mut(piece)
            .zip(packed.scales.par_chunks_mut(piece))
            .zip(packed.sums.par_chunks_mut(piece))
            .enumerate();
        pieces.for_each(|(index, ((integers, scales), sums))| {
            pack(
                &x[index * runs_at_once * RUN..],
                inputs,
                rows,
                integers,
                scales,
                sums,
            );
        });
        packed
    }
}

also_with_avx2! {
    /// Some runs of all rows, of which x begins with the first.
    fn pack(x: &[f32], inputs: usize, rows: usize, integers: &mut [Integers], scales: &mut [f32], sums: &mut [[f32; 2]]) {
        let places = integers.iter_mut().zip(scales).zip(sums).enumerate();
        for (index, ((integers, scale), sums)) in places {
            let (run, row) = (index / rows, index % rows);
            if let Some(x) = x[row * inputs + run * RUN..].first_chunk::<RUN>() {
                pack_run(x, integers, scale, sums);
            }
        }
    }
}

#[inline(always)]
fn pack_run(x: &[f32; RUN], integers: &mut Integers, scale: &mut f32, sums: &mut [f32; 2]) {
    // Bits without the sign are in the order of the absolute values, with infinity and NaN above all.
    let largest = x.iter().fold(0, |most, x| (x.to_bits() & 0x7fff_ffff).max(most));
    let largest = f32::from_bits(largest);
    if !largest.is_finite() || largest < TINY {
        *integers = Integers([0; RUN]);
        *scale = if largest < TINY { 0.0 } else { f32::NAN };
        *sums = [0.0; 2];
        return;
    }
    let factor = LARGEST / largest;
    *scale = largest / LARGEST;
    let mut rounded = [0; RUN];
    for (rounded, x) in rounded.iter_mut().zip(x) {
        *rounded = nearest(x * factor);
    }
    for (sum, half) in sums.iter_mut().zip(rounded.as_chunks::<16>().0) {
        *sum = half.iter().map(|integer| i32::from(*integer)).sum::<i32>() as f32;
    }
    let fours = rounded.as_chunks::<4>().0.iter();
    for (to, [a, b, c, d]) in integers.0.as_chunks_mut::<4>().0.iter_mut().zip(fours) {
        *to = [*a, *c, *b, *d];
    }
}

/// The nearest integer, the even one of two: adding 1.5 * 2^23 leaves no bits for a fraction, and the
/// integer in the lowest bits.
#[inline(always)]
fn nearest(x: f32) -> i16 {
    (x + 12_582_912.0).to_bits() as i16
}
