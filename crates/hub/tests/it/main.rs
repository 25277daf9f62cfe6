//! Fetches from a server on this machine that plays the hub.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that can't go on must fail"
)]

mod access;
mod command;
mod environment;
mod hub;
mod layout;
mod network;
mod place;
mod server;
mod transfer;
