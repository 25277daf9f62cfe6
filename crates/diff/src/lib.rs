//! Two runs side by side: the settings that differ, similarity curves on relative depth, cosines
//! between contrast vectors, activations of the same prompts, texts, doses. In the terminal and as a page.
//!
//! Nothing is computed that needs a model: both runs are read from their results folders, which may
//! be of different pipelines, models or machines.

mod charts;
mod comparison;
mod contrast;
mod curves;
mod inside;
mod page;
mod run;
mod settings;
mod terminal;
mod texts;

pub use comparison::Comparison;
pub use contrast::{ContrastCosine, Contrasts, attainable_cosine, contrasts};
pub use curves::{Curve, Curves, DepthRow, curves, interpolate};
pub use inside::{
    Changes, Common, ConditionChange, Inside, LayerChange, PairSums, RoleChange, inside, layer_change,
    sentences,
};
pub use page::page;
pub use run::Run;
pub use settings::{Setting, settings};
pub use terminal::summary;
pub use texts::{Pair, TextSet, texts};
