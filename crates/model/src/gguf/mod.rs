//! Reading GGUF, the one-file format of llama.cpp, for the Gemma architectures `gemma`, `gemma2` and `gemma3`.
//!
//! A file is parsed into its metadata and the places of its tensors ([`GgufFile`]); the weights stay where they are
//! until [`dequantize`] turns their blocks into f32. From the metadata come what a Hugging Face folder has in files
//! of their own: [`config_json`], the tokenizer and the chat template ([`ChatParts`]). [`hugging_face_name`] gives
//! a tensor the name that a Hugging Face checkpoint has it under.
//!
//! Errors are texts that name the key or tensor and say what to do; the caller adds the path of the file.

mod blocks;
mod config;
mod cursor;
mod file;
mod merges;
mod metadata;
mod names;
mod tokenizer;
mod vocabulary;

pub use blocks::{BlockKind, dequantize};
pub use config::{Architecture, config_json};
pub use file::{GgufFile, TensorInfo};
pub use metadata::{Metadata, Value};
pub use names::{hugging_face_name, stores_one_plus_weight};
pub use tokenizer::{ChatParts, chat_parts};
