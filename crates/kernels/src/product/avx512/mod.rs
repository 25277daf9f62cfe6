//! Products with AVX-512, a vector's lanes being 16 outputs.
//!
//! An output's sum is one number that goes through the inputs in their order (pairs of bf16: two at a
//! time), whatever the number of rows. A few rows are multiplied with weights that are turned about
//! in registers ([`few`]). For more rows, a panel of 32 outputs and a piece of the inputs is packed
//! into the cache ([`panel`]), and tiles of rows run over it ([`tile`]); between pieces the sums rest
//! in memory, as the f32 that they are, so that pieces, tiles, tasks and threads change no bit.

pub mod activations;
pub mod ahead;
mod few;
pub mod line;
mod multiply_add;
mod panel;
pub mod requests;
mod rows;
pub mod spare;
mod task;
mod tile;
pub mod turn;

pub use activations::Activations;

/// Numbers of a vector.
pub const LANES: usize = 16;
/// Vectors of a panel.
const VECTORS: usize = 2;
/// Outputs of a panel.
const PANEL: usize = VECTORS * LANES;
/// The highest tile: 28 sums, two weights and an activation are 31 of the 32 registers.
const TILE_ROWS: usize = 14;
/// As many rows as are multiplied without packing weights.
const FEW_ROWS: usize = 8;
