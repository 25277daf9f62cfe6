//! What launches share.

use burn::backend::Shape;
use burn_cubecl::cubecl::ir::ElemType;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::CubeCount;

/// Units of a group, a power of two.
pub const UNITS: usize = 64;

/// The most groups that any interface takes in one direction is 65,535.
const GROUPS: usize = 1 << 15;

/// As many groups as there are rows, and perhaps some more.
pub fn grid(rows: usize) -> CubeCount {
    let x = rows.clamp(1, GROUPS);
    CubeCount::Static(x as u32, rows.div_ceil(x) as u32, 1)
}

/// So many groups in x for each row; rows in y and z, and perhaps some more.
pub fn grid_of(x: usize, rows: usize) -> CubeCount {
    let y = rows.clamp(1, GROUPS);
    CubeCount::Static(x as u32, y as u32, rows.div_ceil(y) as u32)
}

pub fn empty_like(x: &CubeTensor, shape: [usize; 2]) -> CubeTensor {
    let shape = Shape::new(shape);
    empty_device_contiguous_dtype(x.client.clone(), x.device.clone(), shape, x.dtype)
}

pub fn storage(x: &CubeTensor) -> ElemType {
    burn::backend::cubecl::dtype_to_storage_type(x.dtype)
}
