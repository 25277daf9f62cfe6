//! Two runs side by side: what is compared, and what the comparison says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that can't go on must fail"
)]

mod attainable;
mod command;
mod curves;
mod example;
mod inside;
mod runs;
