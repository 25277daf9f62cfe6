//! The figures and the list of them. Figures that differ only in data share a file.
//!
//! The charts are the JSON that the plotting library draws. They leave the colours of text and grid
//! to the page, which knows whether it is dark.

mod by_layer;
mod components;
mod depth;
mod dose_curves;
mod dose_damage;
mod dose_divergence;
mod dose_fronts;
mod dose_grid;
mod dose_maps;
mod dose_points;
mod dose_response;
mod effects;
mod errors;
mod figure;
mod heat_map;
mod knock_outs;
mod locate;
mod norms;
mod other_measures;
mod projections;
mod published;
mod similarity;
mod strip;

pub use by_layer::layer_tick_step;
pub use errors::errors_chart;
pub use figure::{Figure, Size};
pub use locate::position_name;
pub use similarity::{Ends, SimilarityLine, similarity_chart, similarity_lines, similarity_range, titles};

/// All figures in the order of the page, which is that of their numbers.
pub const FIGURES: &[Figure] = &[
    similarity::FIGURE,
    heat_map::FIGURE,
    components::FIGURE,
    strip::FIGURE,
    projections::FIGURE,
    norms::FIGURE,
    other_measures::SIMILARITIES,
    other_measures::DIRECTIONS,
    depth::FIGURE,
    effects::SHARE,
    effects::NORMS,
    effects::VARIANCE,
    dose_response::FIGURE,
    dose_damage::FIGURE,
    dose_divergence::FIGURE,
    dose_fronts::BY_PERPLEXITY,
    dose_fronts::BY_DIVERGENCE,
    dose_maps::EFFECT,
    dose_maps::DAMAGE,
    locate::PUT_IN,
    locate::TAKEN_OUT,
    locate::PARTS,
    locate::HEADS,
    knock_outs::FIGURE,
    errors::FIGURE,
    published::FIGURE,
];
