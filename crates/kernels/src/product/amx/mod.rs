//! Products with AMX: weights in bf16, a tile being 16 outputs x 32 inputs as they lie in memory
//! (or, for many rows, in a copy in the cache).
//!
//! `tdpbf16ps` adds to each of 16 x 16 sums in f32 what 32 inputs give: the even ones one after
//! the other, the odd ones likewise, then both, whatever the number of rows or columns (Intel's
//! manual, "TDPBF16PS"). An output's sum goes through the inputs 32 at a time, in their order, and
//! may rest in memory in between, so that rows, pieces, tasks and threads change no bit.
//!
//! Activations are the other operand: rounded to bf16, or exact, as the sum of three bf16
//! ([`split`]), each of which is multiplied in turn into the same sums. Numbers, products and sums
//! below 1.2e-38 count as zero, in each of the three. A sum that is 2^24 times what 32 inputs add to
//! it doesn't change, which the last of the three meets in long sums of one sign; 16 bits of each
//! activation count there, still well within the bound of [`crate::multiply`].

mod activations;
mod permission;
mod split;
mod task;
mod tiles;
mod weights;

pub use activations::Activations;
pub use permission::is_permitted;
pub use tiles::{PRODUCTS, register_loop};

/// Outputs or rows of a tile.
const SIDE: usize = 16;
/// Inputs of a tile of weights.
const INPUTS: usize = 32;
/// Outputs that are multiplied at once: two tiles.
const PANEL: usize = 2 * SIDE;
/// Bytes of a tile's line.
const LINE: usize = 64;
