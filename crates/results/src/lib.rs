//! What a run leaves under `results/`: Parquet tables with their contract, vectors, generations,
//! summaries, and where each of them is.
//!
//! This is the only crate that knows the format and the layout of results; `exchange` knows those
//! of other tools. It computes nothing and knows no model: stages hand it plain rows and get plain
//! rows back. Every write goes through [`StageDirectory`], so that a result is whole or absent.
//!
//! Another program reads the results of a run with it:
//!
//! ```no_run
//! use results::{Layout, Summary, Table, read_contrast_vectors};
//! use terms::Pooling;
//!
//! # fn main() -> results::Result<()> {
//! let layout = Layout::new("results/tiny");
//! let (summaries, footer) = Summary::read(&layout.table::<Summary>())?;
//! let vectors = read_contrast_vectors(&layout.contrast_vectors())?;
//! for row in summaries.iter().filter(|row| row.pooling == Pooling::Newline) {
//!     let contrast: Option<&[f32]> = vectors.get("contrast", row.layer);
//!     let numbers = contrast.map_or(0, <[f32]>::len);
//!     assert_eq!(Some(numbers.to_string().as_str()), footer.get("hidden_size"));
//! }
//! # Ok(())
//! # }
//! ```

#![warn(missing_docs)]

mod cell;
mod certificate;
mod column_kind;
mod contract;
mod contrast_vectors;
mod dose_direction;
mod error;
mod footer;
mod json;
mod layout;
mod model_reference;
mod notebook;
mod row;
mod run;
mod shape;
mod shards;
mod stage;
mod table;
mod tables;

pub use certificate::{
    CERTIFICATE_FORMAT, Certificate, Comparison, GreedyAgreement, ReferenceOrigin, RelativeError,
    TextAgreement, Verdict, read_certificate, write_certificate,
};
pub use column_kind::ColumnKind;
pub use contract::{Column, Counts, Quantity, RowCount, TableSchema, Values};
pub use contrast_vectors::{ContrastVectors, read_contrast_vectors, write_contrast_vectors};
pub use dose_direction::DoseDirection;
pub use error::{Error, Result};
pub use footer::{Disagreement, Metadata};
pub use json::{
    DirectionSummary, DoseCandidate, DoseSummary, Estimate, HeldOut, StatisticsSummary, read_dose_summary,
    read_statistics_summary, write_dose_summary, write_statistics_summary,
};
pub use layout::Layout;
pub use model_reference::{ModelReference, ReferenceText, read_model_reference};
pub use notebook::{NotebookDescription, python_float, write_steering_json, write_swapped_role_json};
pub use row::{Batch, Row};
pub use run::{Run, distinct, missing};
pub use shape::Shape;
pub use shards::{Plan, Shard, Sharded, hash_of_rows, run_sharded_stage};
pub use stage::{StageArguments, StageDirectory, run_stage};
pub use table::{LayerRow, Table, TableFile, TableWriter};
pub use tables::*;
