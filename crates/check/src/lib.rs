//! Whether the files of a run are what the contract of the tables says (`docs/schemas.md`), one by
//! one and together.
//!
//! It needs the folder of a run only, not a pipeline file or a model. Files of stages that have not
//! been run are not reported as missing.

mod activations;
mod analysis;
mod answers;
mod locating;
mod markdown;
mod numbers;
mod order;
mod problem;
mod run;
mod steering;
mod table;

pub use markdown::schemas_markdown;
pub use problem::Problem;
pub use run::{Report, TableReport, check_results};
