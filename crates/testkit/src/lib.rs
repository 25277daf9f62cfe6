//! What the tests of several crates need; a dev-dependency, and nothing else may use it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that can't go on must fail"
)]

mod closeness;
mod family;
mod golden;
mod pipeline;

use std::path::PathBuf;

pub use closeness::assert_close;
pub use family::{Reference, family_folders};
pub use golden::{Golden, golden_folder, token_ids};
pub use pipeline::EXAMPLE_PIPELINE;

/// The root of the checkout.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}
