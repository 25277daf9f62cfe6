//! Models in GGUF, the one-file format of llama.cpp.
//!
//! The crate `gguf` reads the container. Here its metadata becomes what a Hugging Face folder has
//! in separate files: [`config_json`], the tokenizer and the chat template ([`ChatParts`]).
//! [`hugging_face_name`] gives a tensor its name in a Hugging Face checkpoint. What
//! is particular to a family of models is in `families`.
//!
//! Errors are texts that name the key or tensor and say what to do; the caller adds the path of the
//! file.

mod architecture;
mod config;
mod ends;
mod keys;
mod known;
mod names;
mod open;
mod place;
mod tokenizer;

pub use architecture::Architecture;
pub use config::config_json;
pub use keys::TensorNumbers;
pub use names::{hugging_face_name, interleaved_heads, stores_one_plus_weight};
pub use tokenizer::{ChatParts, chat_parts, read_tokenizer};

pub(crate) use keys::{GgufKeys, part_of};
pub(crate) use open::{OpenGguf, open};
pub(crate) use place::{not_a_model_file, not_a_model_folder};
pub(crate) use tokenizer::{chat_template, without_template};

/// The value of a key that a file must have; the error names the key.
fn present<T>(key: &str, value: Option<T>) -> Result<T, String> {
    value.ok_or_else(|| {
        format!(
            "the metadata lacks `{key}`; is this the whole GGUF file of a language model? download the file again, or another \
             conversion of the model"
        )
    })
}
