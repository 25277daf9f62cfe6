//! Plain loops over the outputs of a panel.

use gguf::Plain;

use super::machine::{Machine, Tile, for_tile};
use super::panel::{Panel, Shape, Unpacked};
use super::rows::{Next, Rows, for_kind};
use super::{RUN, WIDTH};

pub const MACHINE: Machine = Machine {
    rows: 1,
    unpack,
    lay,
    add,
    direct: |_, _| None,
    fill: |_| None,
};

fn unpack(rows: &Rows<'_>, unit: usize, to: &mut [Unpacked; WIDTH], next: &mut Next) {
    for_kind!(rows, unpack_kind(rows, unit, to, next));
}

fn unpack_kind<const KIND: usize>(rows: &Rows<'_>, unit: usize, to: &mut [Unpacked; WIDTH], next: &mut Next) {
    rows.unpack::<KIND>(Plain, unit, to, next);
}

fn lay(from: &[Unpacked; WIDTH], shape: Shape, to: &mut Panel, next: &mut Next) {
    for (output, from) in from.iter().enumerate() {
        if output < shape.runs {
            next.ask();
        }
        let fours = from.integers.as_chunks::<4>().0[..shape.runs * RUN / 4].iter();
        for (pairs, four) in to.weights.as_chunks_mut::<2>().0.iter_mut().zip(fours) {
            let [a, b, c, d] = four.map(i16::from);
            pairs[0][output] = [a, c];
            pairs[1][output] = [b, d];
        }
        for group in 0..shape.runs * shape.groups {
            to.scales[group][output] = from.scales[group];
            to.minima[group][output] = from.minima[group];
        }
    }
}

/// # Safety
/// As for [`Machine::add`].
unsafe fn add(tile: &Tile<'_>, next: &mut Next) {
    // SAFETY: the caller's promise.
    unsafe { for_tile!(tile, next, sum, 1) }
}

/// # Safety
/// As for [`Machine::add`].
unsafe fn sum<const ROWS: usize, const GROUPS: usize, const MINIMA: bool>(tile: &Tile<'_>, next: &mut Next) {
    let panel = tile.panel;
    // SAFETY: the caller's promise.
    let results = unsafe { &mut *tile.results };
    for run in 0..tile.shape.runs {
        next.ask();
        // SAFETY: the caller's promise.
        let (integers, scale, sums) = unsafe {
            let place = run * tile.stride;
            (
                &*tile.integers.add(place),
                *tile.scales.add(place),
                *tile.sums.add(place),
            )
        };
        let mut t = [0.0f32; WIDTH];
        let steps = RUN / 2 / GROUPS;
        for group in 0..GROUPS {
            let x = &integers.0.as_chunks::<2>().0[group * steps..][..steps];
            let weights = &panel.weights[run * RUN / 2 + group * steps..][..steps];
            let scales = &panel.scales[run * GROUPS + group];
            for (t, (whole, scale)) in t.iter_mut().zip(whole_sums(x, weights).iter().zip(scales)) {
                *t = (*whole as f32).mul_add(*scale, *t);
            }
        }
        if MINIMA {
            for group in 0..GROUPS {
                let sum = if GROUPS == 1 {
                    sums[0] + sums[1]
                } else {
                    sums[group]
                };
                for (t, minimum) in t.iter_mut().zip(&panel.minima[run * GROUPS + group]) {
                    *t = (-minimum).mul_add(sum, *t);
                }
            }
        }
        for (result, t) in results.iter_mut().zip(t) {
            *result = t.mul_add(scale, *result);
        }
    }
}

/// Of a group, for each output.
fn whole_sums(x: &[[i16; 2]], weights: &[[[i16; 2]; WIDTH]]) -> [i32; WIDTH] {
    let mut whole = [0i32; WIDTH];
    for ([a, b], weights) in x.iter().zip(weights) {
        let (a, b) = (i32::from(*a), i32::from(*b));
        for (whole, [first, second]) in whole.iter_mut().zip(weights) {
            *whole += a * i32::from(*first) + b * i32::from(*second);
        }
    }
    whole
}
