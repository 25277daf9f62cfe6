//! GGUF, the one-file format of llama.cpp: what a file says about itself, where its tensors lie, and their numbers.
//!
//! A file is parsed into its metadata and the places of its tensors ([`GgufFile`]); the bytes stay where they are until
//! [`dequantize`] turns their blocks into f32. [`write_f32`] makes a file of plain tensors. What the keys and tensors mean
//! is for others to know: `model` reads models, `exchange` control vectors.
//!
//! Errors are texts that name the key or tensor and say what to do; the caller adds the path of the file.

mod blocks;
mod cursor;
mod file;
mod metadata;
mod write;

pub use blocks::{BlockKind, dequantize};
pub use file::{GgufFile, TensorInfo};
pub use metadata::{Metadata, Value};
pub use write::{Entry, write_f32};
