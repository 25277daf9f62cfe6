//! The interactive charts, as the JSON that the plotting library draws. Colours of text and grid are left to
//! the page, which knows whether it is dark.

pub mod band;
mod by_layer;
mod components;
mod depth;
mod dose_heat_map;
mod dose_points;
mod dose_response;
mod effects;
mod errors;
mod heat_map;
mod norms;
mod other_directions;
mod other_similarities;
mod projections;
mod published;
mod similarity;
pub mod style;

pub use by_layer::with_layer_mark;
pub use components::components_chart;
pub use depth::depth_chart;
pub use dose_heat_map::{dose_damage_map, dose_effect_map};
pub use dose_response::{dose_damage_chart, dose_divergence_chart, dose_response_chart};
pub use effects::{effect_norms_chart, speaker_share_chart, variance_chart};
pub use errors::errors_chart;
pub use heat_map::heat_map;
pub use norms::norms_chart;
pub use other_directions::other_directions_chart;
pub use other_similarities::other_similarities_chart;
pub use projections::{projections_chart, strip_chart};
pub use published::published_chart;
pub use similarity::similarity_chart;
pub use style::{Colour, condition_colour};

pub(crate) use errors::is_drawn;
pub(crate) use similarity::{DASHED_LABEL, layer_tick_step, range_with_intervals, titles};
pub(crate) use style::across_colour;
