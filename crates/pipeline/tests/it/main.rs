//! Pipeline files as users write them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that can't go on must fail"
)]

mod assignment;
mod pipeline;
mod prompts;
mod set;
mod template;
