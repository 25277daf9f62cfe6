//! What a pipeline will take, and whether this machine has it, before hours are spent; without
//! the weights of a model that is still to be downloaded, from its published shape.

mod check;
mod checks;
mod device;
mod diagnosis;
mod estimate;
mod known;
mod machine;
mod output;
mod units;
mod workload;

pub use check::{Check, Level};
pub use diagnosis::{Diagnosis, diagnose};
pub use estimate::{Needs, Range};
pub use known::{Known, Whereabouts};
pub use machine::{Machine, Speeds};
pub use output::{json, table};
pub use workload::Workload;
