//! The hot operations of a transformer on the CPU, on plain slices: products with weights in bf16,
//! f32 or the blocks of GGUF files, norms, the gate of the feed-forward, rotary embeddings, attention over a cache, and the
//! soft-cap.
//!
//! Activations are f32 throughout. Each operation has a plain reference in `tests/`, against which
//! it is tested on odd shapes, products with every set of [`Instructions`] that the machine has;
//! its documentation states the error.
//!
//! A row's result depends on the row alone: not on what is computed with it, nor on the
//! number of threads. That is what makes a text the same alone and in a batch, to the last bit.
//!
//! Lengths that don't match are mistakes of the caller and panic; nothing here reads files
//! or input of users.

#![warn(missing_docs)]

mod attention;
mod clock;
mod elementwise;
mod instructions;
mod limits;
mod log_sum;
mod memory;
mod norm;
mod product;
mod quantized;
mod rotary;
mod threads;

pub use attention::{AttentionShape, CacheNumber, Context, attend, attend_with};
pub use clock::time_in_products;
pub use elementwise::{
    GateFunction, add, add_bias, exp, gate, gelu_tanh, round_to_bf16, silu, soft_cap, tanh,
};
pub use instructions::Instructions;
pub use limits::{ProductRates, Stored, bf16_multiply_add_rate, multiply_add_rate, read_bandwidth};
pub use log_sum::{Divergence, LogSum};
pub use memory::keep_freed_memory;
pub use norm::{RmsNormShape, add_rms_norm, rms_norm};
pub use product::{Rounding, Weight, multiply, multiply_each, multiply_each_with, multiply_with};
pub use rotary::rotate;
