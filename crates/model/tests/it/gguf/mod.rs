//! Models in GGUF against the tokenizers of Hugging Face and the names of llama.cpp's converter
//! (see `crates/gguf/tests/fixtures`).

mod blocks;
#[allow(dead_code, reason = "two test programs share it, and neither uses all of it")]
#[path = "../../../../gguf/tests/it/build.rs"]
mod build;
mod config;
mod encoded;
mod families;
mod names;
mod parts;
mod place;
mod published;
mod tokenizer;
mod vocabularies;
