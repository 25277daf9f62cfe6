//! The embedded model: its grammar and tokenizer, its training, how it compares with Hugging Face
//! transformers, and the positive control on the weights that ship.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that can't go on must fail"
)]

mod autoencoder;
mod control;
mod conversations;
mod dose;
mod locate;
mod null;
mod pipeline;
mod planted;
mod reference;
mod tokenizer;
mod training;

pub use testkit::root;

/// The tiny pipeline, with paths that hold from this folder.
pub fn tiny_pipeline() -> ::pipeline::Pipeline {
    let mut pipeline = ::pipeline::Pipeline::read(&root().join("pipelines/tiny.toml"), &[]).unwrap();
    pipeline.model.source = root().join(&pipeline.model.source);
    pipeline.model.device = terms::Device::Cpu;
    pipeline.prompts.file = root().join(&pipeline.prompts.file);
    for table in &mut pipeline.saes {
        table.folder = root().join(&table.folder);
    }
    pipeline.dose.neutral = pipeline.dose.neutral.map(|file| root().join(file));
    pipeline
}
