//! The model against an independent implementation, and against broken input.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that can't go on must fail"
)]

mod adapter;
mod bad_input;
mod chat;
mod configurations;
mod conversation_cache;
mod family;
mod family_configurations;
mod gguf;
mod golden;
mod hazards;
mod long_generation;
mod long_prompts;
mod patching;
mod published;
mod reference;
mod sampling;
mod sampling_choice;
mod support;
mod windows;
