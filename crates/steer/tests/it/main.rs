//! Interventions against an independent implementation, and generation sets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that can't go on must fail"
)]

mod batch;
mod families;
mod golden;
mod identities;
mod sets;
mod sharing;
