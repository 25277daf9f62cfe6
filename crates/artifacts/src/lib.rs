//! What Roleswap reads and writes: pipeline files, prompts, Parquet tables, vectors, generations, and where
//! each of them lies under `results/`.
//!
//! This is the only crate that knows our file formats and the layout of the results; `exchange` knows those of other tools. It computes nothing and
//! knows no model: stages hand it plain rows and get plain rows back. Every write goes through
//! [`StageDirectory`], so that a result is whole or absent.
//!
//! Another program reads the results of a run with it:
//!
//! ```no_run
//! use artifacts::{Layout, read_contrast_vectors, read_summaries};
//!
//! # fn main() -> artifacts::Result<()> {
//! let layout = Layout::new("results/tiny");
//! let (summaries, footer) = read_summaries(&layout.summary())?;
//! let vectors = read_contrast_vectors(&layout.contrast_vectors())?;
//! for row in summaries.iter().filter(|row| row.pooling == "newline") {
//!     let contrast: Option<&[f32]> = vectors.get("contrast", row.layer);
//!     let numbers = contrast.map_or(0, <[f32]>::len);
//!     assert_eq!(Some(numbers.to_string().as_str()), footer.get("hidden_size"));
//! }
//! # Ok(())
//! # }
//! ```

mod activations;
mod bounds;
mod certificate;
mod comparisons;
mod components;
mod contract;
mod depth;
mod design;
mod dose_table;
mod dose_texts;
mod doses;
mod effects;
mod error;
mod generations;
mod hashes;
mod hub_cache;
mod json;
mod layer_table;
mod layout;
mod lens;
mod model_folder;
mod model_reference;
mod model_source;
mod model_table;
mod nearest;
mod notebook;
mod outliers;
mod pipeline;
mod progress;
mod projections;
mod prompts;
mod rendered;
mod similarities;
mod site;
mod stage;
mod statistics;
mod steer_table;
mod summaries;
mod table;
mod terminal;
mod text;
mod vector_table;
mod vectors;

pub use activations::{
    Activation, ActivationWriter, ReadPosition, activation_file, activation_layers, read_activation_batches,
    read_activations, read_positions, write_activations,
};
pub use certificate::{
    CERTIFICATE_FORMAT, Certificate, Comparison, GreedyAgreement, ReferenceOrigin, RelativeError,
    TextAgreement, Verdict, read_certificate, write_certificate,
};
pub use comparisons::{VectorComparison, read_comparisons, write_comparisons};
pub use components::{ComponentPlace, read_principal_components, write_principal_components};
pub use contract::{Column, ColumnKind, Quantity, TableSchema, Values, contract};
pub use depth::{DepthCosine, read_depth, write_depth};
pub use design::Design;
pub use dose_table::DoseTable;
pub use dose_texts::{DoseText, read_dose_texts, write_dose_texts};
pub use doses::{Dose, DoseEffect, DoseFigures, read_doses, write_doses};
pub use effects::{LayerEffects, read_effects, write_effects};
pub use error::{Error, Result};
pub use generations::{Generation, read_generations, write_generations};
pub use hashes::RememberedHashes;
pub use hub_cache::{HubVariables, offline_problem, snapshot as hub_snapshot};
pub use json::{
    DoseCandidate, DoseSummary, StatisticsSummary, read_dose_summary, read_statistics_summary,
    write_dose_summary, write_statistics_summary,
};
pub use layout::{Layout, Stage};
pub use lens::{LensToken, read_lens, write_lens};
pub use model_folder::{GgufPart, deciding_files, missing as missing_files};
pub use model_reference::{ModelReference, ReferenceText, read_model_reference};
pub use model_source::{HubModel, ModelSource};
pub use model_table::{Device, Dtype, ModelTable, Residency};
pub use notebook::{NotebookDescription, python_float, write_steering_json, write_swapped_role_json};
pub use outliers::{Outlier, read_outliers, write_outliers};
pub use pipeline::{
    Condition, Contrast, ExtractTable, Pipeline, Pooling, PromptsTable, ReportTable, Speaker, Turn,
    VerifyTable,
};
pub use progress::{progress_bar, progress_of_bytes};
pub use projections::{
    Projection, ProjectionWriter, read_projection_batches, read_projections, write_projections,
};
pub use prompts::{Prompt, parse_prompts, read_prompts};
pub use rendered::{RenderedPrompt, read_rendered_prompts, write_rendered_prompts};
pub use similarities::{
    Similarity, SimilarityWriter, read_similarities, read_similarities_where, read_similarity_batches,
    write_similarities,
};
pub use site::Site;
pub use stage::{StageArguments, StageDirectory, run_stage, start_log};
pub use statistics::{LayerStatistics, read_statistics, write_statistics};
pub use steer_table::{Decoding, GenerationSet, SteerTable};
pub use summaries::{Summary, read_summaries, write_summaries, write_summary_csv};
pub use table::{Metadata, TableFile};
pub use terminal::{Loudness, Output, colours, failure, finish, may_colour, print_failure, remark};
pub use terms::{DoseDirection, FinishReason};
pub use text::{decode as decode_text, read_text};
pub use vector_table::VectorTable;
pub use vectors::{
    ContrastVectors, VectorKind, VectorRow, read_contrast_vectors, read_vectors, write_contrast_vectors,
    write_vectors,
};
