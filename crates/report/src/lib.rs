//! From tables to one page that can be read, checked and passed on.
//!
//! `report.html` holds everything that it shows: charts, texts, styles and the plotting library. It
//! makes no request, so it works from a disk without a network; its content security policy forbids
//! requests too. The same chart as in the method is also in `cosine_similarity.html`, alone, and in
//! `figures/`, as a static figure. The same tables give the same bytes.

mod analysis_tables;
mod certificate_errors;
mod chat_markup;
mod conditions;
mod content;
mod csv;
mod feature_tables;
mod figures;
mod findings;
mod inputs;
mod links;
mod page;
mod prompt_subset;
mod published;
mod run;
mod sections;
mod static_figure;
mod sweep_tables;
mod token_facts;

pub use analysis_tables::Evidence;
pub use figures::{errors_chart, similarity_chart};
pub use findings::Findings;
pub use inputs::Inputs;
pub use published::{Measure, Published};
pub use run::run;
