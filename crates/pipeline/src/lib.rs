//! What a user writes: the pipeline file with its tables, the overrides that are put over it, and
//! the file of prompts.
//!
//! Everything is checked here as far as it can be without the model, and whatever can't be used is
//! refused with its key. `cargo xtask` and the stages read a pipeline with this one reader, so that
//! the key of a result holds the values that made it.

#![warn(missing_docs)]

mod answer_table;
mod assignment;
mod bounds;
mod check;
mod design;
mod dose_table;
mod error;
mod locate_table;
mod model_table;
mod names;
mod pipeline;
mod prompts;
mod sae_table;
mod source_file;
mod steer_table;
mod tables;
mod toml_words;
mod vector_kind;
mod vector_table;

pub use answer_table::AnswerTable;
pub use assignment::assign;
pub use design::Design;
pub use dose_table::DoseTable;
pub use error::{Error, Result};
pub use locate_table::LocateTable;
pub use model_table::ModelTable;
pub use names::is_plain_name;
pub use pipeline::{
    Condition, Contrast, ExtractTable, Pipeline, PromptsTable, ReportTable, Turn, VerifyTable,
};
pub use prompts::{Prompt, parse_prompts, read_prompts};
pub use sae_table::SaeTable;
pub use source_file::PipelineFile;
pub use steer_table::{Decoding, GenerationSet, SteerTable};
pub use tables::TABLES;
pub use vector_kind::VectorKind;
pub use vector_table::VectorTable;
