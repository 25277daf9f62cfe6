use burn::backend::Shape;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use crate::launch::grid_of;
use crate::rms_norm::sum_of_units;

/// Numbers of a block, and units of a group.
pub const BLOCK: usize = 256;

/// Exponents below this count as this: their exponentials are 0 beside the others.
const DEPTH: f32 = -80.0;

/// A group of units for each block of each row, and a unit for each number.
#[cube(launch_unchecked)]
fn tails_kernel(
    x: &[f32],
    found: &[f32],
    inverses: &[f32],
    masses: &mut [f32],
    rows: usize,
    width: usize,
    stride: usize,
    blocks: usize,
    #[comptime] units: usize,
) {
    let row = CUBE_POS_Z as usize * CUBE_COUNT_Y as usize + CUBE_POS_Y as usize;
    if row >= rows {
        terminate!();
    }
    let block = CUBE_POS_X as usize;
    let unit = UNIT_POS_X as usize;
    let index = block * units + unit;
    let mut mass = 0.0f32;
    if index < width {
        let below = x[row * width + index] - found[row * stride + 1];
        if below <= 0.0f32 {
            mass = f32::exp(max(below * inverses[row], f32::new(DEPTH)));
        }
    }
    let sum = sum_of_units(mass, units);
    if unit == 0usize {
        masses[row * blocks + block] = sum;
    }
}

pub fn launch(x: CubeTensor, found: CubeTensor, inverses: CubeTensor) -> CubeTensor {
    let [x, found, inverses] = [x, found, inverses].map(into_contiguous);
    let (rows, width, stride) = (x.meta.shape()[0], x.meta.shape()[1], found.meta.shape()[1]);
    let blocks = width.div_ceil(BLOCK);
    let shape = Shape::new([rows, blocks]);
    let masses = empty_device_contiguous_dtype(x.client.clone(), x.device.clone(), shape, x.dtype);
    // SAFETY: units read numbers of rows below `rows` and below `width` in them, and write one of a block.
    unsafe {
        tails_kernel::launch_unchecked(
            &masses.client,
            grid_of(blocks, rows),
            CubeDim::new_1d(BLOCK as u32),
            x.into_buffer_arg(),
            found.into_buffer_arg(),
            inverses.into_buffer_arg(),
            masses.clone().into_buffer_arg(),
            rows,
            width,
            stride,
            blocks,
            BLOCK,
        );
    }
    masses
}
