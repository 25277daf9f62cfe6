//! What a figure of the report is.

use anyhow::Result;
use serde_json::Value;

use crate::content::Content;

/// A figure: where it is shown, how it is drawn, and what its caption says.
pub struct Figure {
    /// The id of its element, and of its chart in the page's data.
    pub id: &'static str,
    /// The id of the section that shows it.
    pub section: &'static str,
    /// What it shows, in a few words for readers who do not see it.
    pub label: &'static str,
    pub size: Size,
    /// The chart as the JSON that the plotting library draws; none where the run has no data for
    /// it.
    pub draw: fn(&Content<'_>) -> Result<Option<Value>>,
    /// A template, filled with what its section is filled with.
    pub caption: &'static str,
    /// Says why the figure is missing, as the rest of a sentence that begins "Figure 2 is left
    /// out". Without it, a figure that is not drawn is not mentioned and has no number.
    pub left_out: Option<&'static str>,
}

/// The room that a figure has; heights are in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Across the page.
    Full(usize),
    /// Across the page, with a row for each condition.
    Rows { margin: usize, row: usize },
    /// Next to another one, where the screen is wide enough.
    Half(usize),
    /// As tall as it is wide, next to another one.
    SquareHalf,
    /// As tall as it is wide, alone.
    Square,
}
