use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use crate::GateFunction;
use crate::launch::{UNITS, empty_like, grid, storage};

/// A unit for each output.
#[cube(launch_unchecked, address_type = "dynamic")]
fn gate_kernel<E: Float>(
    gate_up: &[E],
    output: &mut [E],
    outputs: usize,
    width: usize,
    #[comptime] function: GateFunction,
    #[comptime] units: usize,
    #[define(E)] _dtype: ElemType,
) {
    let group = CUBE_POS_Y as usize * CUBE_COUNT_X as usize + CUBE_POS_X as usize;
    let index = group * units + UNIT_POS_X as usize;
    if index >= outputs {
        terminate!();
    }
    let row = index / width;
    let gate = f32::cast_from(gate_up[index + row * width]);
    let up = f32::cast_from(gate_up[index + row * width + width]);
    let mut power = gate;
    if comptime!(matches!(function, GateFunction::GeluTanh)) {
        // x/2 (1 + tanh(u)) = x sigmoid(2 u), u = sqrt(2/pi) (x + 0.044715 x^3)
        power = (gate * gate * 0.044715f32 + 1.0f32) * gate * 1.595_769_1f32;
    }
    // Beyond this the exponential is infinite, which not every interface knows.
    let power = clamp(power, -80.0f32, 80.0f32);
    output[index] = E::cast_from(gate / (1.0f32 + f32::exp(-power)) * up);
}

pub fn launch(gate_up: CubeTensor, function: GateFunction) -> CubeTensor {
    let gate_up = into_contiguous(gate_up);
    let (rows, width) = (gate_up.meta.shape()[0], gate_up.meta.shape()[1] / 2);
    let output = empty_like(&gate_up, [rows, width]);
    let outputs = rows * width;
    // SAFETY: a unit reads two numbers of a row below `rows` and writes one.
    unsafe {
        gate_kernel::launch_unchecked(
            &output.client,
            grid(outputs.div_ceil(UNITS)),
            CubeDim::new_1d(UNITS as u32),
            gate_up.required_address_type(),
            gate_up.clone().into_buffer_arg(),
            output.clone().into_buffer_arg(),
            outputs,
            width,
            function,
            UNITS,
            storage(&gate_up),
        );
    }
    output
}
