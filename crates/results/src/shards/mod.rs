//! A stage's work in shards: fixed ranges, decided by the pipeline and never by how many processes
//! share the work. Whoever runs a shard, and however often, the same bytes come of it, and the first
//! to put it in place wins; so that processes need no lock, no message and no queue between them.
//!
//! ```text
//! results/NAME/extract.shards/KEY/plan-HASH.json      what there is to do
//! results/NAME/extract.shards/KEY/00017-1f3a9c02…/    a shard that is done: its files and manifest.json
//! results/NAME/extract.shards/KEY/.00017-…HOST.PID    an attempt at it
//! ```
//!
//! KEY stands for everything that the results depend on but the rows of the shards (`cargo xtask` makes
//! it of a stage's parameters, inputs and code), and a shard's name holds the hash of its own rows:
//! prompts that are added at the end leave all full shards as they are.

mod attempt;
mod manifest;
mod plan;
mod program;
#[cfg(test)]
mod tests;
mod todo;

pub use plan::{Plan, Shard, hash_of_rows};
pub use program::run_sharded_stage;

use std::fmt::Display;
use std::path::{Path, PathBuf};

/// A stage whose work can be cut.
pub trait Sharded {
    /// What its steps fail with.
    type Error: Display;

    /// Opens what running needs: called first by a process that is going to run shards.
    ///
    /// # Errors
    /// What keeps the stage from being run at all.
    fn open(&mut self) -> Result<(), Self::Error>;

    /// Cuts the work. The result depends only on the pipeline and the files that it names.
    ///
    /// # Errors
    /// What keeps the stage from being run at all.
    fn plan(&mut self) -> Result<Plan, Self::Error>;

    /// Makes the files of one shard below `out`, named as in the stage's folder. Files that shards have
    /// under the same name are put together by [`join`](Self::join); all others must have names of their own. The only shard of a
    /// plan makes the result itself, and is not joined.
    ///
    /// # Errors
    /// What the stage says.
    fn run(&mut self, plan: &Plan, number: usize, out: &Path) -> Result<(), Self::Error>;

    /// Makes the files below `out` that are made of all shards, whose folders are in order.
    ///
    /// # Errors
    /// What the stage says.
    fn join(&mut self, plan: &Plan, shards: &[PathBuf], out: &Path) -> Result<(), Self::Error>;

    /// What the last bits of results depend on besides the inputs: the processor's instructions, or the
    /// GPU and its driver. Asked after [`run`](Self::run). Shards of different arithmetic are not joined.
    fn arithmetic(&self) -> String;

    /// The files, by name, that every shard has and that [`join`](Self::join) makes anew.
    fn joined(&self) -> &[&str];
}
