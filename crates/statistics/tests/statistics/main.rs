#![allow(clippy::unwrap_used, reason = "in a test, a panic is the message")]

mod bootstrap;
mod components;
mod degenerate;
mod directions;
mod effects;
mod gram;
mod label_swap;
mod numbers;
mod outliers;
mod project_out;
mod reference;
mod rows;
mod separability;
mod similarity;
mod split_half;
mod threads;
mod whitening;
