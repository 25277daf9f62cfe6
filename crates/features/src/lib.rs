//! Which features of sparse autoencoders carry the contrast, and whether the autoencoders are valid here.
//!
//! For each `[[saes]]` the stage reads the recorded activations of the place where the autoencoder was
//! trained, under the contrast's pooling, encodes them ([`sae`]), and writes four tables: how well each
//! condition is decoded, how active each feature is, what each feature says about the two conditions of
//! the contrast, and what all of them together make of it. The formulas are in `docs/statistics.md`.

#![warn(missing_docs)]

mod activity;
mod contrast;
mod directions;
mod fit;
mod recorded;
mod stage;
mod tested;

pub use directions::insert_directions;
pub use stage::run;
