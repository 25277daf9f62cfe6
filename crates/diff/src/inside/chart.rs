use anyhow::Result;
use pages::Band;
use pages::chart_style::{BLUE, Colour, GREEN, ORANGE, PURPLE, SKY, VERMILLION, axis, chart, line, marker};
use pages::format::plain;
use plotly::common::{DashType, Mode};
use plotly::layout::AxisRange;
use plotly::{Scatter, Trace};
use serde_json::Value;

use super::change::{ConditionChange, LayerChange};
use super::compared::{Changes, Inside};

const COLOURS: [Colour; 6] = [BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY];
const DASHES: [DashType; 4] = [DashType::Solid, DashType::Dash, DashType::Dot, DashType::DashDot];

/// The mean cosine of A's activations with B's at every layer: a line a condition, with its
/// interval, under the pooling that is shown first. None where nothing changed or can be compared.
pub fn inside_chart(inside: &Inside) -> Result<Option<Value>> {
    match inside {
        Inside::Compared(changes) if !changes.is_none() => similarity_chart(changes).map(Some),
        _ => Ok(None),
    }
}

fn similarity_chart(changes: &Changes) -> Result<Value> {
    let rows: Vec<&LayerChange> = changes.shown().collect();
    let mut traces: Vec<Box<dyn Trace>> = Vec::new();
    for (place, condition) in changes.common.conditions.iter().enumerate() {
        let changes: Vec<&ConditionChange> = rows.iter().map(|row| &row.conditions[place]).collect();
        traces.push(condition_line(condition, place, &rows, &changes));
        let (lows, highs) = changes.iter().map(|change| change.ends()).unzip();
        let band = Band {
            places: rows.iter().map(|row| row.layer as f64).collect(),
            lows,
            highs,
        };
        traces.push(band.trace(condition, colour(place)));
    }
    chart(
        traces,
        axis("Layer").range(AxisRange::new(-0.5, rows.len() as f64 - 0.5)),
        axis("Mean cosine of A's activation with B's"),
    )
}

fn condition_line(
    condition: &str,
    place: usize,
    rows: &[&LayerChange],
    changes: &[&ConditionChange],
) -> Box<dyn Trace> {
    Scatter::new(
        rows.iter().map(|row| row.layer).collect(),
        changes.iter().map(|change| change.cosine).collect(),
    )
    .mode(Mode::LinesMarkers)
    .name(plain(condition))
    .legend_group(condition)
    .line(line(colour(place)).dash(DASHES[place % DASHES.len()].clone()))
    .marker(marker(colour(place), 6))
    .custom_data(changes.iter().map(|change| change.difference).collect())
    .hover_template(format!(
        "<b>{}</b><br>Layer: %{{x}}<br>Mean cosine: %{{y:.4f}}<br>Difference: %{{customdata:.3f}} of A's norm<extra></extra>",
        plain(condition)
    ))
}

fn colour(place: usize) -> Colour {
    COLOURS[place % COLOURS.len()]
}
