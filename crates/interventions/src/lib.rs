//! The kinds of intervention in the residual stream, one file each: what a kind is called, which
//! keys of the pipeline file it takes, what it computes, how tables, the report and `chat` speak of
//! it, and what the dose sweep makes of it.
//!
//! Every kind has the same [`Form`], plain numbers, so that what applies interventions knows no
//! kind. To add one, write its file with a `KIND`, declare it below, and add it to the list in
//! `kind.rs`.

#![warn(missing_docs)]

mod ablation;
mod addition;
mod capping;
mod definition;
mod feature_ablation;
mod feature_clamping;
mod feature_reader;
mod form;
mod kind;
mod mean_ablation;
mod own;
mod table;

pub use ablation::ablation;
pub use addition::addition;
pub use capping::capping;
pub use definition::{Definition, Given, Live, Named, Sweep};
pub use feature_ablation::feature_ablation;
pub use feature_clamping::feature_clamping;
pub use feature_reader::FeatureReader;
pub use form::{Form, norm};
pub use kind::Kind;
pub use mean_ablation::mean_ablation;
pub use own::{Own, OwnKey, OwnValue};
pub use table::InterventionTable;
