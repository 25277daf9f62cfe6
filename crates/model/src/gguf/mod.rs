//! Gemma models in GGUF, the one-file format of llama.cpp: the architectures `gemma`, `gemma2` and `gemma3`.
//!
//! The crate `gguf` reads the container. Here its metadata becomes what a Hugging Face folder has in files of their own:
//! [`config_json`], the tokenizer and the chat template ([`ChatParts`]). [`hugging_face_name`] gives a tensor the name
//! that a Hugging Face checkpoint has it under.
//!
//! Errors are texts that name the key or tensor and say what to do; the caller adds the path of the file.

mod config;
mod merges;
mod names;
mod tokenizer;
mod vocabulary;

pub use config::{Architecture, config_json};
pub use names::{hugging_face_name, stores_one_plus_weight};
pub use tokenizer::{ChatParts, chat_parts};

/// The value of a key that a file must have; the error names the key.
fn present<T>(key: &str, value: Option<T>) -> Result<T, String> {
    value.ok_or_else(|| {
        format!(
            "the metadata lacks `{key}`; is this the whole GGUF file of a Gemma model? download the file again, or another \
             conversion of the model"
        )
    })
}
