//! Capture against the whole residual stream, rendering, and the stage on the nano model.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that can't go on must fail"
)]

mod answers;
mod capture;
mod gemma2;
mod prompts;
mod stage;
mod strangers;

use std::path::PathBuf;

use files::HashMemo;
use pipeline::{Condition, ModelTable, Pipeline};
use session::{OpenModel, open_model};

pub use testkit::root;

pub fn nano() -> ModelTable {
    ModelTable::local(root().join("crates/model/tests/fixtures/nano"), "nano")
}

pub fn open(table: &ModelTable) -> OpenModel {
    open_model(table, &HashMemo::default()).unwrap()
}

/// The tiny pipeline's conditions on the nano model, with the given prompts.
pub fn pipeline(prompts: PathBuf) -> Pipeline {
    let mut pipeline = Pipeline::read(&root().join("pipelines/tiny.toml"), &[]).unwrap();
    pipeline.model = nano();
    pipeline.prompts.file = prompts;
    pipeline
}

pub fn conditions() -> Vec<Condition> {
    pipeline(PathBuf::new()).conditions
}
