//! The conditions of a pipeline: those of the contrast, and how figures tell them apart.

use anyhow::{Context as _, Result};
use pages::chart_style::{BLUE, Colour, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION};
use pipeline::{Condition, Pipeline};
use plotly::common::{DashType, MarkerSymbol};

/// The two conditions of the contrast, positive first.
///
/// # Errors
/// A pipeline without one of them.
pub fn contrast_conditions(pipeline: &Pipeline) -> Result<[&Condition; 2]> {
    let find = |name: &str| {
        let message = || format!("{}: there is no condition \"{name}\"", pipeline.path.display());
        pipeline.condition(name).with_context(message)
    };
    Ok([
        find(&pipeline.contrast.positive)?,
        find(&pipeline.contrast.negative)?,
    ])
}

/// A condition's label, or its name where the pipeline does not have it.
pub fn label(pipeline: &Pipeline, name: &str) -> String {
    let condition = pipeline.condition(name);
    condition.map_or(name.to_owned(), |condition| condition.label.clone())
}

const OTHERS: [Colour; 4] = [PURPLE, ORANGE, SKY, GREY];

/// Blue for the positive condition, vermillion for the negative one, and other colours for the
/// rest.
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

/// Green: neither condition.
pub fn across_colour() -> Colour {
    GREEN
}

/// The mark of the condition at this place, so that nothing depends on colours alone.
pub fn condition_symbol(place: usize) -> MarkerSymbol {
    let symbols = [
        MarkerSymbol::Circle,
        MarkerSymbol::Square,
        MarkerSymbol::Diamond,
        MarkerSymbol::TriangleUp,
        MarkerSymbol::Cross,
    ];
    symbols[place % symbols.len()].clone()
}

/// The dash of the condition at this place.
pub fn condition_dash(place: usize) -> DashType {
    let dashes = [
        DashType::Solid,
        DashType::Dash,
        DashType::Dot,
        DashType::DashDot,
        DashType::LongDash,
    ];
    dashes[place % dashes.len()].clone()
}
