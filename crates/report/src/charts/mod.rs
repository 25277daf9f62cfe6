//! The interactive charts, as the JSON that the plotting library draws. Colours of text and grid are left to
//! the page, which knows whether it is dark.

mod errors;
mod heat_map;
mod norms;
mod projections;
mod published;
mod similarity;
mod style;

pub use errors::errors_chart;
pub use heat_map::heat_map;
pub use norms::norms_chart;
pub use projections::{projections_chart, strip_chart};
pub use published::published_chart;
pub use similarity::similarity_chart;
pub use style::{Colour, condition_colour};

pub(crate) use errors::is_drawn;
pub(crate) use similarity::{DASHED_LABEL, cosine_range, layer_tick_step, titles};
pub(crate) use style::{across_colour, library_script};
