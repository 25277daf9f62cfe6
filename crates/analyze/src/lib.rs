//! From recorded activations to what they say: cosine similarities within and across conditions,
//! contrast vectors, and how far each activation reaches along them.
//!
//! Every number is computed in f64 from the f32 activations, which are streamed: no layer is ever
//! in memory as a whole. Layers go in parallel; the order of each sum is fixed, so that the same
//! activations give the same bytes. Nothing here knows a model or a token.

mod components;
mod contrast;
mod cosine;
mod depth;
mod findings;
mod groups;
mod imported;
mod layer;
mod measures;
mod paired;
mod prompt_ids;
mod recorded;
mod rigour;
mod rows;
mod run;
mod second_pass;
mod summary_text;
mod sums;

pub use contrast::{difference, norm, projection};
pub use cosine::{cosine_matrix, mean_of_all, mean_of_pairs, unit_rows};
pub use groups::{PooledSums, sum_by_pooling};
pub use imported::read as read_imported;
pub use layer::{LayerAnalysis, analyze_layer};
pub use run::run;
pub use summary_text::summary_text;
pub use sums::ConditionSums;
