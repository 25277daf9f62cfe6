//! Prompts to residual streams: renders every prompt in every condition, runs each text through the
//! model once, and writes the residual stream after every layer, pooled to one vector, as one
//! Parquet file a layer and shard of the prompts.

mod capture;
mod findings;
mod pooling;
mod record;
mod shards;
mod writing;

use std::path::Path;

use anyhow::Result;
use pipeline::Pipeline;
use results::{Layout, Sharded};

pub use capture::{capture, capture_in_pieces};
pub use findings::{PreparedPrompts, prepare_prompts};
pub use pooling::{Newlines, Wanted, pooled_position};
pub use record::{Record, Recorded};
pub use shards::{Extraction, shard_prompts};

/// The stage as one shard: reads `[model]`, `[prompts]`, `[conditions]` and `[extract]`, writes into `out`.
///
/// # Errors
/// What keeps it from being run, and prompts of several shards, which [`results::run_sharded_stage`] runs.
pub fn run(pipeline: &Pipeline, layout: &Layout, out: &Path) -> Result<()> {
    let mut extraction = Extraction::new(pipeline.clone(), layout.clone());
    extraction.open()?;
    let plan = extraction.plan()?;
    anyhow::ensure!(plan.is_whole(), "these prompts are several shards");
    extraction.run(&plan, 0, out)
}
