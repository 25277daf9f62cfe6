//! The figures, each a file of its own, and the list of them.
//!
//! The charts are the JSON that the plotting library draws. They leave the colours of text and grid
//! to the page, which knows whether it is dark.

mod by_layer;
mod components;
mod depth;
mod dose_curves;
mod dose_damage;
mod dose_damage_map;
mod dose_divergence;
mod dose_effect_map;
mod dose_grid;
mod dose_points;
mod dose_response;
mod effect_colours;
mod effect_norms;
mod errors;
mod figure;
mod heat_map;
mod norms;
mod other_directions;
mod other_similarities;
mod projections;
mod published;
mod similarity;
mod speaker_share;
mod strip;
mod variance;

pub use by_layer::layer_tick_step;
pub use errors::errors_chart;
pub use figure::{Figure, Size};
pub use similarity::{DASHED_LABEL, range_with_intervals, similarity_chart, titles};

/// All figures in the order of the page, which is that of their numbers.
pub const FIGURES: &[Figure] = &[
    similarity::FIGURE,
    heat_map::FIGURE,
    components::FIGURE,
    strip::FIGURE,
    projections::FIGURE,
    norms::FIGURE,
    other_similarities::FIGURE,
    other_directions::FIGURE,
    depth::FIGURE,
    speaker_share::FIGURE,
    effect_norms::FIGURE,
    variance::FIGURE,
    dose_response::FIGURE,
    dose_damage::FIGURE,
    dose_divergence::FIGURE,
    dose_effect_map::FIGURE,
    dose_damage_map::FIGURE,
    errors::FIGURE,
    published::FIGURE,
];
