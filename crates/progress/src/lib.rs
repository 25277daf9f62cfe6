//! What a stage says while it works: the log on standard error, and a bar for what takes long.
//!
//! A crate of its own because `cargo xtask` needs neither, and is built before everything else.

#![warn(missing_docs)]

mod bar;
mod log;

pub use bar::{progress_bar, progress_of_bytes};
pub use log::start_log;
