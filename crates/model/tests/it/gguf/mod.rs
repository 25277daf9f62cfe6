//! The GGUF reader against the Python package `gguf` and the tokenizers of Hugging Face (see `fixtures/gguf`).

mod blocks;
mod build;
mod config;
mod file;
mod names;
mod parts;
mod place;
mod tokenizer;
