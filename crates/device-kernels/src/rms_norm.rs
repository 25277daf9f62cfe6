use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use crate::launch::{UNITS, empty_like, grid, storage};

/// A group of units for each row.
#[cube(launch_unchecked, address_type = "dynamic")]
fn rms_norm_kernel<E: Float>(
    x: &[E],
    weight: &[f32],
    added: &[E],
    output: &mut [E],
    rows: usize,
    width: usize,
    epsilon: f32,
    #[comptime] adds: bool,
    #[comptime] units: usize,
    #[define(E)] _dtype: ElemType,
) {
    let row = CUBE_POS_Y as usize * CUBE_COUNT_X as usize + CUBE_POS_X as usize;
    if row >= rows {
        terminate!();
    }
    let unit = UNIT_POS_X as usize;
    let start = row * width;
    let mut sum = 0.0f32;
    let mut index = unit;
    while index < width {
        let value = f32::cast_from(x[start + index]);
        sum += value * value;
        index += units;
    }
    let sum = sum_of_units(sum, units);
    let root = f32::sqrt(sum / f32::cast_from(width as u32) + epsilon);
    let mut index = unit;
    while index < width {
        let normed = f32::cast_from(x[start + index]) / root * weight[index];
        if adds {
            let rounded = f32::cast_from(E::cast_from(normed));
            output[start + index] = E::cast_from(f32::cast_from(added[start + index]) + rounded);
        } else {
            output[start + index] = E::cast_from(normed);
        }
        index += units;
    }
}

/// The sum over the units of a group, in an order of its own: halves are added until one number is left. `units` is a power
/// of two.
#[cube]
pub(crate) fn sum_of_units(own: f32, #[comptime] units: usize) -> f32 {
    let unit = UNIT_POS_X as usize;
    let mut sums = Shared::<[f32]>::new_slice(units);
    sums[unit] = own;
    sync_cube();
    #[unroll]
    for halving in 0..comptime!(units.trailing_zeros()) {
        let half = comptime!(units >> (halving + 1));
        if unit < half {
            let other = sums[unit + half];
            sums[unit] += other;
        }
        sync_cube();
    }
    sums[0]
}

pub fn launch(x: CubeTensor, weight: CubeTensor, added: Option<CubeTensor>, epsilon: f32) -> CubeTensor {
    let x = into_contiguous(x);
    let (rows, width) = (x.meta.shape()[0], x.meta.shape()[1]);
    let output = empty_like(&x, [rows, width]);
    let adds = added.is_some();
    let added = added.map_or_else(|| x.clone(), into_contiguous);
    // SAFETY: a unit reads and writes numbers of rows below `rows` and below `width` in them.
    unsafe {
        rms_norm_kernel::launch_unchecked(
            &output.client,
            grid(rows),
            CubeDim::new_1d(UNITS as u32),
            x.required_address_type(),
            x.clone().into_buffer_arg(),
            into_contiguous(weight).into_buffer_arg(),
            added.into_buffer_arg(),
            output.clone().into_buffer_arg(),
            rows,
            width,
            epsilon,
            adds,
            UNITS,
            storage(&x),
        );
    }
    output
}
