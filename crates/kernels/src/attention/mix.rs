//! Sums of values by their weights, in the order of positions.

use std::ops::Range;

use super::lanes::Lanes;
use super::number::CacheNumber;

/// The values of one group.
#[derive(Clone, Copy)]
pub struct Values<'a, N> {
    /// `[slots, groups, head_dim]`
    pub all: &'a [N],
    /// Numbers of a slot.
    pub stride: usize,
    /// Where the group begins in it.
    pub first: usize,
}

/// Adds to each row of `mixed` the values of the positions in their order, times its weights.
///
/// # Safety
/// `slots` are within the values; each of `weights` points to as many numbers as there are slots,
/// each of `mixed` to `head_dim` of its own. The processor must have the instructions.
#[inline(always)]
pub unsafe fn mix<L: Lanes, N: CacheNumber, const ROWS: usize>(
    weights: [*const f32; ROWS],
    slots: &[u32],
    values: Values<'_, N>,
    head_dim: usize,
    mixed: [*mut f32; ROWS],
) {
    let mut element = 0;
    // SAFETY: the caller's promises; elements are within the head.
    unsafe {
        while element + 2 * L::COUNT <= head_dim {
            mix_elements::<L, N, ROWS, 2>(weights, slots, values, element, mixed);
            element += 2 * L::COUNT;
        }
        if element + L::COUNT <= head_dim {
            mix_elements::<L, N, ROWS, 1>(weights, slots, values, element, mixed);
            element += L::COUNT;
        }
        for (place, slot) in slots.iter().enumerate() {
            let value = &values.all[*slot as usize * values.stride + values.first..][element..head_dim];
            for (weights, mixed) in weights.into_iter().zip(mixed) {
                let weight = *weights.add(place);
                for (index, value) in value.iter().enumerate() {
                    *mixed.add(element + index) += weight * value.widen();
                }
            }
        }
    }
}

/// The same for as many elements as `REGISTERS` hold.
///
/// # Safety
/// As for [`mix`].
#[inline(always)]
unsafe fn mix_elements<L: Lanes, N: CacheNumber, const ROWS: usize, const REGISTERS: usize>(
    weights: [*const f32; ROWS],
    slots: &[u32],
    values: Values<'_, N>,
    element: usize,
    mixed: [*mut f32; ROWS],
) {
    // SAFETY: the caller's promises.
    unsafe {
        let mut sums = [[L::splat(0.0); REGISTERS]; ROWS];
        for (sums, mixed) in sums.iter_mut().zip(mixed) {
            for (index, sum) in sums.iter_mut().enumerate() {
                *sum = L::load(mixed.add(element + index * L::COUNT));
            }
        }
        let start = values.all.as_ptr().add(values.first + element);
        for (place, slot) in slots.iter().enumerate() {
            let from = start.add(*slot as usize * values.stride);
            let mut value = [L::splat(0.0); REGISTERS];
            for (index, value) in value.iter_mut().enumerate() {
                *value = N::load(from.add(index * L::COUNT));
            }
            for (sums, weights) in sums.iter_mut().zip(weights) {
                let weight = L::splat(*weights.add(place));
                for (sum, value) in sums.iter_mut().zip(value) {
                    *sum = sum.add(weight.multiply(value));
                }
            }
        }
        for (sums, mixed) in sums.iter().zip(mixed) {
            for (index, sum) in sums.iter().enumerate() {
                sum.store(mixed.add(element + index * L::COUNT));
            }
        }
    }
}

/// What all of the ranges have; empty where there is nothing such.
pub fn common(ranges: &[Range<usize>]) -> Range<usize> {
    let start = ranges.iter().map(|range| range.start).max().unwrap_or(0);
    let end = ranges.iter().map(|range| range.end).min().unwrap_or(0);
    start..end.max(start)
}

/// The part of a range that is within another.
pub fn within(range: &Range<usize>, other: &Range<usize>) -> Range<usize> {
    let start = range.start.max(other.start);
    start..range.end.min(other.end).max(start)
}
