//! The model against an independent implementation, and against broken input.

mod bad_input;
mod chat;
mod golden;
mod hazards;
mod sampling;
mod support;
