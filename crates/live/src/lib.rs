//! A live model: conversations that it continues as either speaker, steered with the vectors of an
//! analysis while it speaks. Two programs feel a direction this way, `chat` in the terminal and
//! `serve` in a browser.
//!
//! Conversations are rendered by the code that renders conditions, and steering is looked up by the
//! code that expands sets, so that the same conversation has the same tokens and the same text here
//! as among the results of a run.

mod conversation;
mod live_model;
mod pieces;
mod steering;

pub use conversation::{Conversation, other};
pub use live_model::{Answer, LiveModel, Piece, Prepared, Settings};
pub use pieces::Pieces;
pub use steering::Steering;
