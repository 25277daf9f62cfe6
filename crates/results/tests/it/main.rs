//! Files as users write them, and files that must read back as they were written.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that can't go on must fail"
)]

mod certificate;
mod notebook;
mod rigour;
mod run;
mod stage;
mod tables;
