#![allow(clippy::unwrap_used, reason = "in a test, a panic is the message")]

mod folders;
mod parity;
