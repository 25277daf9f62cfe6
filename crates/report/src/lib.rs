//! From tables to one page that can be read, checked and passed on.
//!
//! `report.html` holds everything that it shows: charts, texts, styles and the plotting library. It makes no
//! request, so it works from a disk without a network; its content security policy forbids requests too. The
//! same chart as in the method stands alone in `cosine_similarity.html`, and as a static figure in `figures/`.
//! The same tables give the same bytes.

pub mod assets;
mod certainty;
mod certificate;
pub mod charts;
mod csv;
pub mod difference;
mod dose;
mod dose_texts;
mod doses;
mod evidence;
mod figure;
mod findings;
pub mod format;
mod generations;
mod inputs;
mod lens;
mod numbering;
mod page;
pub mod pieces;
mod provenance;
mod published;
mod removal;
mod run;
mod shown;
mod speaker;
mod tokens;
mod warnings;

pub use charts::{errors_chart, similarity_chart};
pub use evidence::Evidence;
pub use findings::Findings;
pub use inputs::Inputs;
pub use published::{Measure, Published};
pub use run::run;
