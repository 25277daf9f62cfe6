//! The activations themselves, layer by layer, of two models that read the same texts.

mod change;
mod chart;
mod common;
mod compared;
mod pairs;
mod view;
mod words;

pub use change::{ConditionChange, LayerChange, PairSums, RoleChange, layer_change};
pub use chart::inside_chart;
pub use common::Common;
pub use compared::{Changes, Inside, inside};
pub use view::InsideView;
pub use words::sentences;
