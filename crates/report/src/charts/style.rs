//! What all charts look like, those of other pages too.

use anyhow::{Context, Result};
use artifacts::Pipeline;
use plotly::common::{Anchor, DashType, Font, Line, Marker, MarkerSymbol, Orientation};
use plotly::layout::{Axis, HoverMode, Legend, Margin};
use plotly::{Layout, Plot, Trace};
use serde_json::Value;

/// A colour by its three parts, since both plotting libraries need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub u8, pub u8, pub u8);

impl Colour {
    pub fn css(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }

    /// For areas that lie over each other and over the grid.
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
/// For what is only there to compare with.
pub const GREY: Colour = Colour(0x99, 0x99, 0x99);
const OTHERS: [Colour; 4] = [PURPLE, ORANGE, SKY, GREY];

/// Blue for the positive condition, vermillion for the negative one, and a colour of its own for every other.
pub fn condition_colour(pipeline: &Pipeline, name: &str) -> Colour {
    let contrast = &pipeline.contrast;
    if name == contrast.positive {
        return BLUE;
    }
    if name == contrast.negative {
        return VERMILLION;
    }
    let others = pipeline
        .conditions
        .iter()
        .filter(|other| other.name != contrast.positive && other.name != contrast.negative);
    let index = others
        .into_iter()
        .position(|other| other.name == name)
        .unwrap_or(0);
    OTHERS[index % OTHERS.len()]
}

/// By the condition's place, so that nothing hangs on colours alone.
pub(super) fn condition_symbol(place: usize) -> MarkerSymbol {
    let symbols = [
        MarkerSymbol::Circle,
        MarkerSymbol::Square,
        MarkerSymbol::Diamond,
        MarkerSymbol::TriangleUp,
        MarkerSymbol::Cross,
    ];
    symbols[place % symbols.len()].clone()
}

pub(super) fn condition_dash(place: usize) -> DashType {
    let dashes = [
        DashType::Solid,
        DashType::Dash,
        DashType::Dot,
        DashType::DashDot,
        DashType::LongDash,
    ];
    dashes[place % dashes.len()].clone()
}

/// Green: neither condition.
pub(crate) fn across_colour() -> Colour {
    GREEN
}

pub fn line(colour: Colour) -> Line {
    Line::new().color(colour.css()).width(2.0)
}

pub fn marker(colour: Colour, size: usize) -> Marker {
    Marker::new().color(colour.css()).size(size)
}

/// No background and room for the labels only: the page gives the rest.
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
pub fn to_json(traces: Vec<Box<dyn Trace>>, layout: Layout) -> Result<Value> {
    let mut plot = Plot::new();
    plot.add_traces(traces);
    let data = serde_json::to_value(plot.data()).context("the chart's data are no JSON")?;
    let layout = serde_json::to_value(layout).context("the chart's layout is no JSON")?;
    Ok(serde_json::json!({ "data": data, "layout": layout }))
}

/// The plotting library's own script, without tags. What else the crate bundles (formula typesetting) is
/// left out: no chart here holds a formula.
pub(crate) fn library_script() -> Result<String> {
    let sources = Plot::offline_js_sources();
    let (_, rest) = sources
        .split_once('>')
        .context("the bundled script has no opening tag")?;
    let (script, _) = rest
        .split_once("</script>")
        .context("the bundled script has no closing tag")?;
    Ok(script.trim().to_owned())
}
