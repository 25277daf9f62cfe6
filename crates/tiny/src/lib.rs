//! The embedded model: a small Gemma-2 chat model that this project trains itself, and the positive
//! control that it makes possible.
//!
//! A conversation [`grammar`] in which two speakers have identities of their own gives the training
//! texts; a [`tokenizer`] and a network are trained on them and saved as a plain Hugging Face
//! folder. Since the grammar knows who says what, a [`judge`] can tell whose text a generation is,
//! and the [`control`] can count how often steering turns one speaker into the other: the truth
//! that the whole pipeline is held to.

pub mod autoencoder;
pub mod checkpoint;
pub mod control;
mod corpus;
pub mod grammar;
pub mod judge;
mod loss;
mod optimize;
pub mod random;
pub mod tokenizer;
pub mod train;
