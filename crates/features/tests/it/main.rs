#![allow(clippy::unwrap_used, reason = "in a test, a panic is the message")]

mod example;
mod figures;
mod problems;
