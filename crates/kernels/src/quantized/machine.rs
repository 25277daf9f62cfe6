use gguf::BlockKind;

use super::WIDTH;
use super::panel::{Integers, Panel, Shape, Unpacked};
use super::rows::{Next, Rows};
use crate::product::Results;

/// How one set of instructions computes.
#[derive(Clone, Copy)]
pub(super) struct Machine {
    /// The most rows of a tile.
    pub rows: usize,
    /// As [`Rows::unpack`], compiled for the instructions.
    ///
    /// # Safety
    /// The processor must have them, as for what follows.
    pub unpack: unsafe fn(&Rows<'_>, usize, &mut [Unpacked; WIDTH], &mut Next),
    /// Makes a panel of what was unpacked.
    pub lay: unsafe fn(&[Unpacked; WIDTH], Shape, &mut Panel, &mut Next),
    /// Adds a tile's products to its sums.
    ///
    /// # Safety
    /// What the tile points to must be there.
    pub add: unsafe fn(&Tile<'_>, &mut Next),
    /// What multiplies so many rows with blocks of a type without a panel, if there is something that does.
    pub direct: fn(BlockKind, usize) -> Option<Direct>,
    /// What unpacks and lays 32 rows of weights at once, if there is something that does.
    pub fill: fn(BlockKind) -> Option<Fill>,
}

/// Makes a panel of a unit of 32 rows of weights, of a shape.
///
/// # Safety
/// The processor must have the instructions.
pub(super) type Fill = unsafe fn(&Rows<'_>, usize, Shape, &mut Panel, &mut Next);

/// Multiplies a few rows with 32 outputs and writes the results.
///
/// # Safety
/// The processor must have the instructions; the weights must have as many inputs as the
/// activations, and the results these columns, which no one else may have.
pub(super) type Direct = unsafe fn(&Few<'_>, &Rows<'_>, Results<'_>, &mut Next);

/// All that [`Activations`](super::Activations) hold: `[runs, rows]` each.
#[derive(Clone, Copy)]
#[cfg_attr(
    not(target_arch = "x86_64"),
    expect(dead_code, reason = "what reads it is written for x86")
)]
pub(super) struct Few<'a> {
    /// Of 32 inputs.
    pub runs: usize,
    pub integers: &'a [Integers],
    pub scales: &'a [f32],
    pub sums: &'a [[f32; 2]],
}

/// Some rows of activations and a panel of weights.
pub(super) struct Tile<'a> {
    pub rows: usize,
    /// `[runs, all rows]`, from the tile's first row on.
    pub integers: *const Integers,
    pub scales: *const f32,
    pub sums: *const [f32; 2],
    /// Rows from run to run.
    pub stride: usize,
    pub shape: Shape,
    pub panel: &'a Panel,
    /// `[rows, outputs]`
    pub results: *mut [f32; WIDTH],
}

/// Calls the function that was compiled for the tile's rows, groups and minima; more rows than are
/// listed can't occur.
macro_rules! for_tile {
    ($tile:expr, $next:expr, $add:ident, $($rows:literal)*) => {
        match ($tile.rows, $tile.shape.groups, $tile.shape.minima) {
            $(
                ($rows, 1, false) => $add::<$rows, 1, false>($tile, $next),
                ($rows, 1, true) => $add::<$rows, 1, true>($tile, $next),
                ($rows, 2, false) => $add::<$rows, 2, false>($tile, $next),
                ($rows, 2, true) => $add::<$rows, 2, true>($tile, $next),
            )*
            (rows, groups, _) => unreachable!("a tile of {rows} rows, {groups} groups"),
        }
    };
}
pub(super) use for_tile;
