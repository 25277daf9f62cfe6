//! GGUF, the one-file format of llama.cpp: what a file says about itself, where its tensors are,
//! and their numbers.
//!
//! A file is parsed into its metadata and the places of its tensors ([`GgufFile`]); the bytes stay
//! where they are until [`dequantize`] turns their blocks into f32, or [`unpack`] into integers of 8
//! bits with scales. A model in several files ([`PartName`]) is one [`GgufFile`] once they are
//! joined. [`header`] begins a new file, and [`write_f32`] makes a whole one of plain tensors. What
//! the keys and tensors mean is for others to know: `model` reads models, `exchange` control vectors.
//!
//! Errors are texts that name the key or tensor and say what to do; the caller adds the path of the
//! file.

#![warn(missing_docs)]

mod blocks;
mod cursor;
mod file;
mod foreign;
mod kind;
mod metadata;
mod parts;
mod write;

pub use blocks::{ByteOperations, Plain, UNEVEN, UNIT, dequantize, dequantize_with, unpack, unpack_with};
pub use file::{GgufFile, TensorInfo};
pub use foreign::not_gguf;
pub use kind::BlockKind;
pub use metadata::{Metadata, Value};
pub use parts::{PartName, Split};
pub use write::{ALIGNMENT, Entry, NewTensor, header, write_f32};
