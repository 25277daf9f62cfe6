use gguf::{BlockKind, UNIT};

use super::{RUN, WIDTH};

/// At most 256 inputs of 32 outputs, laid out so that a vector has several outputs.
#[repr(C, align(64))]
pub(super) struct Panel {
    /// `[pairs of inputs, outputs]`: of every four inputs, 0 and 2, then 1 and 3.
    pub weights: [[[i16; 2]; WIDTH]; UNIT / 2],
    /// `[groups, outputs]`
    pub scales: [[f32; WIDTH]; UNIT / 16],
    /// `[groups, outputs]`
    pub minima: [[f32; WIDTH]; UNIT / 16],
}

impl Panel {
    pub fn zero() -> Self {
        Panel {
            weights: [[[0; 2]; WIDTH]; UNIT / 2],
            scales: [[0.0; WIDTH]; UNIT / 16],
            minima: [[0.0; WIDTH]; UNIT / 16],
        }
    }
}

/// 32 activations of a row, in the order of a panel's weights: of every four, 0, 2, 1, 3.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Integers(pub [i16; RUN]);

/// At most 256 numbers of one output, as [`gguf::unpack`] gives them.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Unpacked {
    pub integers: [i8; UNIT],
    pub scales: [f32; UNIT / 16],
    pub minima: [f32; UNIT / 16],
}

impl Unpacked {
    pub fn zero() -> Self {
        Unpacked {
            integers: [0; UNIT],
            scales: [0.0; UNIT / 16],
            minima: [0.0; UNIT / 16],
        }
    }
}

/// What a panel holds.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// Of 32 inputs.
    pub runs: usize,
    /// Groups of a run: 1 or 2.
    pub groups: usize,
    pub minima: bool,
}

impl Shape {
    pub fn new(kind: BlockKind, inputs: usize) -> Self {
        Shape {
            runs: inputs / RUN,
            groups: if kind.group() == Some(16) { 2 } else { 1 },
            minima: kind.has_minima(),
        }
    }
}
