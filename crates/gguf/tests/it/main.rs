//! The GGUF reader against the Python package `gguf` (see `../fixtures`), and against broken files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that can't go on must fail"
)]

mod blocks;
#[allow(dead_code, reason = "two test programs share it, and neither uses all of it")]
mod build;
mod file;
mod parts;
