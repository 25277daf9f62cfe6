//! What all charts look like.

use anyhow::{Context, Result};
use plotly::common::{Anchor, Font, Line, Marker, Orientation};
use plotly::layout::{Axis, HoverMode, Legend, Margin};
use plotly::{Layout, Plot, Trace};
use serde_json::Value;

/// A colour by its three parts, since both plotting libraries need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub u8, pub u8, pub u8);

impl Colour {
    /// As `#rrggbb`.
    pub fn css(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }

    /// For areas that overlap each other and the grid.
    pub fn translucent(self) -> String {
        format!("rgba({}, {}, {}, 0.18)", self.0, self.1, self.2)
    }
}

/// Okabe and Ito's palette, which people with any kind of colour vision can tell apart.
pub const BLUE: Colour = Colour(0x00, 0x72, 0xb2);
pub const VERMILLION: Colour = Colour(0xd5, 0x5e, 0x00);
pub const GREEN: Colour = Colour(0x00, 0x9e, 0x73);
pub const PURPLE: Colour = Colour(0xcc, 0x79, 0xa7);
pub const ORANGE: Colour = Colour(0xe6, 0x9f, 0x00);
pub const SKY: Colour = Colour(0x56, 0xb4, 0xe9);
/// For what is drawn only as a comparison.
pub const GREY: Colour = Colour(0x99, 0x99, 0x99);
/// A line two pixels wide.
pub fn line(colour: Colour) -> Line {
    Line::new().color(colour.css()).width(2.0)
}

/// A mark of `size` pixels.
pub fn marker(colour: Colour, size: usize) -> Marker {
    Marker::new().color(colour.css()).size(size)
}

/// No background, and room for the labels only: the page adds the rest.
pub fn layout() -> Layout {
    Layout::new()
        .font(
            Font::new()
                .family("system-ui, -apple-system, 'Segoe UI', sans-serif")
                .size(13),
        )
        .paper_background_color("rgba(0,0,0,0)")
        .plot_background_color("rgba(0,0,0,0)")
        .hover_mode(HoverMode::Closest)
        .margin(Margin::new().left(64).right(16).top(24).bottom(52))
        .auto_size(true)
}

/// An axis with a grid, titled `title`.
pub fn axis(title: &str) -> Axis {
    Axis::new()
        .title(title)
        .show_grid(true)
        .show_line(true)
        .zero_line(false)
        .auto_margin(true)
}

/// A legend above the chart, where it never covers a line.
pub fn legend_above() -> Legend {
    Legend::new()
        .orientation(Orientation::Horizontal)
        .x(0.0)
        .y(1.02)
        .x_anchor(Anchor::Left)
        .y_anchor(Anchor::Bottom)
}

/// The JSON that the library's `newPlot` takes: data and layout. The page adds the configuration.
///
/// # Errors
/// A trace or layout that is not JSON.
pub fn to_json(traces: Vec<Box<dyn Trace>>, layout: Layout) -> Result<Value> {
    let mut plot = Plot::new();
    plot.add_traces(traces);
    let data = serde_json::to_value(plot.data()).context("the chart's data are not JSON")?;
    let layout = serde_json::to_value(layout).context("the chart's layout is not JSON")?;
    Ok(serde_json::json!({ "data": data, "layout": layout }))
}

/// A chart with its legend above it, as JSON.
///
/// # Errors
/// Those of [`to_json`].
pub fn chart(traces: Vec<Box<dyn Trace>>, x_axis: Axis, y_axis: Axis) -> Result<Value> {
    to_json(
        traces,
        layout().legend(legend_above()).x_axis(x_axis).y_axis(y_axis),
    )
}
