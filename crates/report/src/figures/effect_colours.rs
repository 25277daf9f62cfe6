//! The colours of the effects of a 2x2 design, the same in all its figures.

use pages::chart_style::{BLUE, Colour, GREEN, VERMILLION};

pub const SPEAKER: Colour = BLUE;
pub const TRANSCRIPT: Colour = VERMILLION;
pub const INTERACTION: Colour = GREEN;
