use burn::backend::Shape;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use crate::launch::grid;
use crate::rms_norm::sum_of_units;

/// Units of a group: a row is long.
const UNITS: usize = 256;

/// Halvings of the range in which the limit is looked for: two numbers of f32 have fewer between them where they matter.
const HALVINGS: usize = 48;

/// A group of units for each row. It looks for a limit that `wanted` to `room` numbers are above, by halving, and writes
/// these down with their places, in the order of the units and of the places of each.
#[cube(launch_unchecked)]
fn largest_kernel(
    x: &[f32],
    found: &mut [f32],
    rows: usize,
    width: usize,
    wanted: u32,
    room: u32,
    #[comptime] halvings: usize,
    #[comptime] units: usize,
) {
    let row = CUBE_POS_Y as usize * CUBE_COUNT_X as usize + CUBE_POS_X as usize;
    if row >= rows {
        terminate!();
    }
    let unit = UNIT_POS_X as usize;
    let start = row * width;
    let mut sum = 0.0f32;
    let mut low = x[start];
    let mut high = x[start];
    let mut index = unit;
    while index < width {
        let number = x[start + index];
        sum += number;
        low = min(low, number);
        high = max(high, number);
        index += units;
    }
    let sum = sum_of_units(sum, units);
    let mut lows = Shared::<[f32]>::new_slice(units);
    let mut highs = Shared::<[f32]>::new_slice(units);
    lows[unit] = low;
    highs[unit] = high;
    sync_cube();
    #[unroll]
    for halving in 0..comptime!(units.trailing_zeros()) {
        let half = comptime!(units >> (halving + 1));
        if unit < half {
            let other = lows[unit + half];
            lows[unit] = min(lows[unit], other);
            let other = highs[unit + half];
            highs[unit] = max(highs[unit], other);
        }
        sync_cube();
    }
    let mut low = lows[0];
    let mut high = highs[0];
    // What is above `low` are too many, above `high` too few.
    let mut limit = low;
    let mut above = 0u32;
    let mut own = 0u32;
    let mut done = false;
    for _ in 0..halvings {
        if !done {
            limit = low + (high - low) * 0.5f32;
            own = 0u32;
            let mut index = unit;
            while index < width {
                if x[start + index] > limit {
                    own += 1u32;
                }
                index += units;
            }
        }
        // Counts below 2^24 are exact in f32.
        above = u32::cast_from(sum_of_units(f32::cast_from(own), units));
        sync_cube();
        if above > room {
            low = limit;
        } else {
            if above < wanted {
                high = limit;
            } else {
                done = true;
            }
        }
    }
    let mut counts = Shared::<[u32]>::new_slice(units);
    counts[unit] = own;
    sync_cube();
    let mut place = 0u32;
    for other in 0..unit {
        place += counts[other];
    }
    // Count, limit, sum; numbers; places.
    let stride = 3usize + 2usize * room as usize;
    let first = row * stride;
    if unit == 0usize {
        let mut count = 0.0f32;
        if done {
            count = f32::cast_from(above);
        }
        found[first] = count;
        found[first + 1] = limit;
        found[first + 2] = sum;
    }
    if done {
        let mut index = unit;
        while index < width {
            let number = x[start + index];
            if number > limit {
                found[first + 3 + place as usize] = number;
                found[first + 3 + room as usize + place as usize] = f32::cast_from(index as u32);
                place += 1u32;
            }
            index += units;
        }
    }
}

pub fn launch(x: CubeTensor, wanted: usize, room: usize) -> CubeTensor {
    let x = into_contiguous(x);
    let (rows, width) = (x.meta.shape()[0], x.meta.shape()[1]);
    let shape = Shape::new([rows, 3 + 2 * room]);
    let found = empty_device_contiguous_dtype(x.client.clone(), x.device.clone(), shape, x.dtype);
    // SAFETY: units read numbers of rows below `rows`, and write at most `room` for each.
    unsafe {
        largest_kernel::launch_unchecked(
            &found.client,
            grid(rows),
            CubeDim::new_1d(UNITS as u32),
            x.into_buffer_arg(),
            found.clone().into_buffer_arg(),
            rows,
            width,
            wanted as u32,
            room as u32,
            HALVINGS,
            UNITS,
        );
    }
    found
}
