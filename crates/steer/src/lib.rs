//! Vectors to texts: generates every set of the pipeline, steered or not, as rows that each have
//! their own interventions, and writes the texts as a Parquet table and in the notebook's two JSON
//! files.
//!
//! [`Steer`] is a tap like any other, so a pass can be steered without the stage:
//!
//! ```
//! use interventions::addition;
//! use model::{Batch, DeviceKind, Network, ModelFiles, Precision, ResidualTap, open_device};
//! use steer::{Intervention, Steer};
//! use terms::{FinishReason, GenerationStyle, Positions};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let files = ModelFiles::at("../../data/tiny".as_ref())?;
//! let (config, device) = (files.config()?, open_device(DeviceKind::Cpu)?);
//! let network = Network::load(&config, &files.checkpoint()?, &device, Precision::F32, &mut |_| ())?;
//!
//! let push = addition(&vec![0.5; config.hidden_size], -0.4);
//! let push = Intervention::new(3, Positions::All, push);
//! // Two rows with the same tokens: the first is steered, the second is not.
//! let mut tap = Steer::new(&[vec![push], vec![]], config.layers.len(), config.hidden_size, &device)?;
//! let batch = Batch::with_forks(tap.forks()).with_rows(&[[2, 5, 7], [2, 5, 7]])?;
//! let residuals = network.forward(&batch, None, &mut tap)?;
//! assert_eq!(residuals.dims()[0], 6, "after layer 3 each row has tokens of its own");
//! assert_eq!(residuals.dims()[1], config.hidden_size);
//! # Ok(())
//! # }
//! ```

mod generation;
mod intervention;
mod lens;
mod on_cpu;
mod prompts;
mod sets;
mod shards;
mod steer;

use std::path::Path;

use anyhow::Result;
use pipeline::Pipeline;
use results::{Layout, Sharded};

pub use generation::{generate_rows, generate_tokens, residual_norms};
pub use intervention::{Intervention, broadcast, resolve_layer};
pub use lens::lens;
pub use sets::{Row, expand_set, interventions, raw_coefficient, row_seed};
pub use shards::Steering;
pub use steer::Steer;

/// The stage as one shard: reads `[model]` and `[steer]` and the rendered prompts and vectors of earlier stages,
/// writes into `out`.
///
/// # Errors
/// What keeps it from being run, and rows of several shards, which [`results::run_sharded_stage`] runs.
pub fn run(pipeline: &Pipeline, layout: &Layout, out: &Path) -> Result<()> {
    let mut steering = Steering::new(pipeline.clone(), layout.clone());
    steering.open()?;
    let plan = steering.plan()?;
    anyhow::ensure!(plan.is_whole(), "these rows are several shards");
    steering.run(&plan, 0, out)
}
