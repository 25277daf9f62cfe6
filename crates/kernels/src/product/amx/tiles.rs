//! The instructions of AMX. Stable Rust has them only in assembly.
//!
//! The eight tiles are registers of the thread that compiled code never touches. Tiles 0 to 3 are
//! sums (2 of 16 outputs x 2 blocks of rows), 4 and 5 weights, 6 and 7 activations.

use std::arch::asm;

use super::weights::Tiles;
use super::{INPUTS, LINE, SIDE};

/// The tiles' shapes are set as long as it lives, for this thread.
pub struct Shapes(());

/// What `ldtilecfg` reads (Intel's manual): bytes of a line and lines of each tile.
#[repr(C, align(64))]
struct Configuration {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    line_bytes: [u16; 16],
    lines: [u8; 16],
}

impl Shapes {
    /// Tiles for blocks of `columns` rows.
    ///
    /// # Safety
    /// The processor must have AMX and the process be permitted to use it.
    pub unsafe fn set(columns: usize) -> Self {
        let mut configuration = Configuration {
            palette: 1,
            start_row: 0,
            reserved: [0; 14],
            line_bytes: [0; 16],
            lines: [0; 16],
        };
        configuration.lines[..8].fill(SIDE as u8);
        configuration.line_bytes[..8].fill(4 * columns as u16);
        configuration.line_bytes[4..6].fill(LINE as u16);
        // SAFETY: the caller's promise; the shapes are valid: 16 lines of 64 bytes at most.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const configuration, options(nostack, readonly)) };
        Shapes(())
    }
}

impl Drop for Shapes {
    fn drop(&mut self) {
        // SAFETY: AMX is there, or the shapes could not have been set.
        unsafe { asm!("tilerelease", options(nostack, nomem)) };
    }
}

macro_rules! zero {
    ($tile:literal) => {
        asm!(concat!("tilezero tmm", $tile), options(nostack, nomem))
    };
}
macro_rules! load {
    ($tile:literal, $from:expr, $stride:expr) => {
        asm!(
            concat!("tileloadd tmm", $tile, ", [{} + {}]"),
            in(reg) $from,
            in(reg) $stride,
            options(nostack, readonly)
        )
    };
}
macro_rules! store {
    ($tile:literal, $to:expr, $stride:expr) => {
        asm!(
            concat!("tilestored [{} + {}], tmm", $tile),
            in(reg) $to,
            in(reg) $stride,
            options(nostack)
        )
    };
}
macro_rules! multiply_add {
    ($sum:literal, $weights:literal, $x:literal) => {
        asm!(
            concat!("tdpbf16ps tmm", $sum, ", tmm", $weights, ", tmm", $x),
            options(nostack, nomem)
        )
    };
}

/// Numbers of a tile of sums in memory, with room for 16 rows: `[output][row]`.
pub const SUMS: usize = SIDE * SIDE;

/// The sums of 32 outputs and `BLOCKS` blocks of rows, 1 or 2, at `sums`:
/// `[block][16 outputs][output][row]`.
pub struct Sums<const BLOCKS: usize>(());

impl<const BLOCKS: usize> Sums<BLOCKS> {
    /// # Safety
    /// [`Shapes`] must be set, and there be room at `sums`.
    #[inline(always)]
    pub unsafe fn load(begins: bool, sums: *const f32) -> Self {
        // SAFETY: the caller's promise.
        unsafe {
            if begins {
                zero!(0);
                zero!(1);
                zero!(2);
                zero!(3);
            } else {
                load!(0, sums, LINE);
                load!(1, sums.add(SUMS), LINE);
                if BLOCKS == 2 {
                    load!(2, sums.add(2 * SUMS), LINE);
                    load!(3, sums.add(3 * SUMS), LINE);
                }
            }
        }
        Sums(())
    }

    /// # Safety
    /// As for `load`.
    #[inline(always)]
    pub unsafe fn store(self, sums: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe {
            store!(0, sums, LINE);
            store!(1, sums.add(SUMS), LINE);
            if BLOCKS == 2 {
                store!(2, sums.add(2 * SUMS), LINE);
                store!(3, sums.add(3 * SUMS), LINE);
            }
        }
    }

    /// Adds the products of 32 inputs: of 32 outputs, with `LAYERS` tiles of each block of rows, whose lines have `x_stride` bytes.
    ///
    /// # Safety
    /// [`Shapes`] must be set; weights and activations must have whole tiles there.
    #[inline(always)]
    pub unsafe fn add<const LAYERS: usize>(
        &mut self,
        weights: Tiles,
        x: [*const u32; BLOCKS],
        x_stride: usize,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            load!(4, weights.starts[0], weights.stride);
            load!(5, weights.starts[1], weights.stride);
            for layer in 0..LAYERS {
                let tile = layer * SIDE * x_stride;
                load!(6, x[0].byte_add(tile), x_stride);
                multiply_add!(0, 4, 6);
                multiply_add!(1, 5, 6);
                if BLOCKS == 2 {
                    load!(7, x[1].byte_add(tile), x_stride);
                    multiply_add!(2, 4, 7);
                    multiply_add!(3, 5, 7);
                }
            }
        }
    }
}

/// Multiplications of a step of [`register_loop`].
pub const PRODUCTS: usize = 4 * SIDE * SIDE * INPUTS;

/// What the multipliers do on tiles that are already there: four sums, `steps` times.
///
/// # Safety
/// The processor must have AMX and the process be permitted to use it.
pub unsafe fn register_loop(steps: usize, start: f32) -> f32 {
    let mut sums = [start; SUMS];
    // SAFETY: the caller's promise.
    unsafe {
        let _shapes = Shapes::set(SIDE);
        load!(0, sums.as_ptr(), LINE);
        zero!(1);
        zero!(2);
        zero!(3);
        load!(4, sums.as_ptr(), LINE);
        load!(5, sums.as_ptr(), LINE);
        load!(6, sums.as_ptr(), LINE);
        load!(7, sums.as_ptr(), LINE);
        for _ in 0..steps {
            multiply_add!(0, 4, 6);
            multiply_add!(1, 5, 6);
            multiply_add!(2, 4, 7);
            multiply_add!(3, 5, 7);
        }
        store!(0, sums.as_mut_ptr(), LINE);
    }
    sums[0]
}

/// Bytes of a row's 32 inputs are a tile's line.
const _: () = assert!(2 * INPUTS == LINE);
