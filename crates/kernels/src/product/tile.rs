use std::marker::PhantomData;

use half::bf16;

use crate::Instructions;

/// How one set of instructions computes: a tile of the result at a time, its partial sums in registers.
pub struct Tiles {
    pub lanes: usize,
    /// The largest tile.
    pub rows: usize,
    pub outputs: usize,
    /// The largest tile of a single row.
    pub outputs_of_one_row: usize,
    /// Adds to the partial sums, `[rows, outputs, lanes]` with `sums_stride` numbers from row to row.
    ///
    /// # Safety
    /// The processor must have the instructions; tile, operands and sums must lie within what they point to.
    pub run: unsafe fn(&Tile, TileOperands, *mut f32),
}

impl Tiles {
    pub fn of(instructions: Instructions) -> Self {
        match instructions {
            Instructions::Portable => super::portable::TILES,
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => super::avx2::TILES,
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 | Instructions::Avx512Bf16 => super::avx512::TILES,
            #[cfg(not(target_arch = "x86_64"))]
            _ => super::portable::TILES,
        }
    }
}

/// A part of the product: some rows and outputs over a piece of the inputs.
pub struct Tile {
    pub rows: usize,
    pub outputs: usize,
    pub inputs: usize,
    pub sums_stride: usize,
    /// The first piece of the inputs: the sums begin at zero.
    pub begins: bool,
}

/// What is multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    F32F32,
    F32Bf16,
    Bf16Bf16,
}

/// Activations `[rows, inputs]` and weights `[outputs, inputs]`.
pub struct Operands<'a> {
    pub inputs: usize,
    kind: Kind,
    x: *const u8,
    weight: *const u8,
    borrowed: PhantomData<&'a [f32]>,
}

// SAFETY: both are borrowed for as long as the operands live, and only read.
unsafe impl Sync for Operands<'_> {}

impl<'a> Operands<'a> {
    pub fn f32_f32(x: &'a [f32], weight: &'a [f32], inputs: usize) -> Self {
        Self::new(Kind::F32F32, x.as_ptr().cast(), weight.as_ptr().cast(), inputs)
    }

    pub fn f32_bf16(x: &'a [f32], weight: &'a [bf16], inputs: usize) -> Self {
        Self::new(Kind::F32Bf16, x.as_ptr().cast(), weight.as_ptr().cast(), inputs)
    }

    pub fn bf16_bf16(x: &'a [bf16], weight: &'a [bf16], inputs: usize) -> Self {
        Self::new(Kind::Bf16Bf16, x.as_ptr().cast(), weight.as_ptr().cast(), inputs)
    }

    fn new(kind: Kind, x: *const u8, weight: *const u8, inputs: usize) -> Self {
        Operands {
            inputs,
            kind,
            x,
            weight,
            borrowed: PhantomData,
        }
    }

    /// The operands of a tile that begins there.
    pub fn at(&self, row: usize, output: usize, input: usize) -> TileOperands {
        let (x_bytes, weight_bytes) = match self.kind {
            Kind::F32F32 => (4, 4),
            Kind::F32Bf16 => (4, 2),
            Kind::Bf16Bf16 => (2, 2),
        };
        TileOperands {
            kind: self.kind,
            stride: self.inputs,
            x: self.x.wrapping_add((row * self.inputs + input) * x_bytes),
            weight: self
                .weight
                .wrapping_add((output * self.inputs + input) * weight_bytes),
        }
    }
}

/// Pointers to a tile's first activation and weight; `stride` numbers on is the next row or output.
#[derive(Clone, Copy)]
pub struct TileOperands {
    pub kind: Kind,
    pub stride: usize,
    pub x: *const u8,
    pub weight: *const u8,
}

/// Calls the function that was compiled for the tile's shape; larger ones than listed can't come.
macro_rules! for_shape {
    ($tile:expr, $call:ident, [$($rows:literal x $outputs:literal),* $(,)?]) => {
        match ($tile.rows, $tile.outputs) {
            $(($rows, $outputs) => $call!($rows, $outputs),)*
            (rows, outputs) => unreachable!("a tile of {rows} x {outputs}"),
        }
    };
}
pub(super) use for_shape;
