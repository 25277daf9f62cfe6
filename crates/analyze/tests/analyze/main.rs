#![allow(clippy::unwrap_used, reason = "in a test, a panic is the message")]

mod contrast;
mod cosine;
mod errors;
mod example;
mod imported;
mod numbers;
mod reference;
mod rigour;
mod scale;
mod stage;
mod summary_text;
mod sums;
mod undefined;
