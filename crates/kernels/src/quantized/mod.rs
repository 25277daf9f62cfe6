//! Products with weights in the blocks of a GGUF file, used as they are stored.
//!
//! Exactly (`exact`): a few rows of weights at a time become the f32 that they stand for, in a
//! scratch buffer of the thread, and are multiplied as such.
//!
//! Fast ([`Activations`]): every block type stands for integers of 8 bits, with a scale and perhaps a
//! minimum for each group of 16 or 32 ([`gguf::unpack`]). Activations become integers of 16 bits with
//! a scale for every 32. The products within a group are summed as integers, exactly; groups follow
//! each other in f32. For each run of 32 inputs, in their order,
//!
//! ```text
//! t = sum over groups of scale[g] * (integer sum of g) - sum over groups of minimum[g] * (sum of x in g)
//! y = y + t * (scale of x)
//! ```
//!
//! with fused multiplications and additions, first all scales, then all minima. Nothing in it depends
//! on rows, threads or instructions, so that all sets of instructions give the same bits.
//!
//! With many rows, blocks are unpacked into a panel that all rows use. On x86 the common types come
//! into it straight from their bytes, and a few rows are multiplied without it (`direct`): unpacking
//! would take longer than the products.

mod activations;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod choice;
#[cfg(target_arch = "x86_64")]
mod direct;
pub(crate) mod exact;
mod machine;
#[cfg(target_arch = "x86_64")]
mod operations;
mod panel;
mod portable;
mod rows;
mod task;

pub(crate) use activations::Activations;
pub(crate) use rows::row_bytes;

/// Inputs that have one scale in the activations.
const RUN: usize = 32;

/// Outputs of one panel.
const WIDTH: usize = 32;
