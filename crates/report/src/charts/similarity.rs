use anyhow::Result;
use artifacts::{Pipeline, Summary};
use plotly::common::{Anchor, DashType, Font, Mode, Title};
use plotly::layout::AxisRange;
use plotly::{Scatter, Trace};
use serde_json::{Value, json};

use super::style::{
    Colour, across_colour, axis, condition_colour, layout, legend_above, line, marker, to_json,
};
use crate::format::{plain, short_labels};
use crate::inputs::contrast_conditions;

/// What the legend and the static figure put before a condition's label.
pub(crate) const DASHED_LABEL: &str = "Within Group: ";

/// The method's chart: within each group dashed, across groups solid, by layer.
pub fn similarity_chart(pipeline: &Pipeline, rows: &[Summary]) -> Result<Value> {
    let [positive, negative] = contrast_conditions(pipeline)?;
    let (first, second) = short_labels(&positive.label, &negative.label);
    let within = |label: &str| {
        (
            format!("{DASHED_LABEL}{label}"),
            format!("{label} Similarity"),
            "Similarity",
        )
    };
    let across = (
        format!("Across Groups: {first}-{second}"),
        format!("Across Groups ({first}-{second})"),
        "Average Similarity",
    );
    let traces = vec![
        trace(
            rows,
            within(&positive.label),
            condition_colour(pipeline, &positive.name),
            Some(DashType::Dash),
            |row| row.avg_within_positive,
        ),
        trace(
            rows,
            within(&negative.label),
            condition_colour(pipeline, &negative.name),
            Some(DashType::Dash),
            |row| row.avg_within_negative,
        ),
        trace(rows, across, across_colour(), None, |row| row.avg_cross_category),
    ];
    let (title, subtitle) = titles(pipeline)?;
    let (low, high) = cosine_range(rows);
    let layout = layout()
        .title(
            Title::with_text(title)
                .x(0.5)
                .y(0.97)
                .y_anchor(Anchor::Top)
                .font(Font::new().size(16)),
        )
        .legend(legend_above())
        .x_axis(
            axis("Layer")
                .dtick(layer_tick_step(rows.len()) as f64)
                .tick0(0.0)
                .range(AxisRange::new(-0.5, rows.len() as f64 - 0.5)),
        )
        .y_axis(axis("Cosine Similarity").range(AxisRange::new(low, high)));
    let mut chart = to_json(traces, layout)?;
    // The crate's title has no field for the subtitle, which the library knows.
    chart["layout"]["title"]["subtitle"] = json!({ "text": plain(&subtitle), "font": { "size": 13 } });
    chart["layout"]["margin"]["t"] = json!(110);
    Ok(chart)
}

/// Title and subtitle.
pub(crate) fn titles(pipeline: &Pipeline) -> Result<(&'static str, String)> {
    let [positive, negative] = contrast_conditions(pipeline)?;
    let subtitle = format!(
        "{} on {} vs {} Questions",
        pipeline.model.name, positive.label, negative.label
    );
    Ok(("Cosine Similarity of Activations Across Model Layers", subtitle))
}

/// From the lowest to the highest value of the three lines, with a margin of a twentieth.
pub(crate) fn cosine_range(rows: &[Summary]) -> (f64, f64) {
    let values = || {
        rows.iter().flat_map(|row| {
            [
                row.avg_within_positive,
                row.avg_within_negative,
                row.avg_cross_category,
            ]
        })
    };
    let low = values().fold(f64::INFINITY, f64::min);
    let high = values().fold(f64::NEG_INFINITY, f64::max);
    // Lines that are all but equal get a range too.
    let margin = ((high - low) * 0.05).max(0.005);
    (low - margin, high + margin)
}

/// A tick at every layer of a shallow model, at every fifth of a deep one.
pub(crate) fn layer_tick_step(layers: usize) -> usize {
    if layers > 20 { 5 } else { 1 }
}

fn trace(
    rows: &[Summary],
    (name, heading, quantity): (String, String, &str),
    colour: Colour,
    dash: Option<DashType>,
    value: fn(&Summary) -> f64,
) -> Box<dyn Trace> {
    let differences: Vec<f64> = rows.iter().map(|row| row.similarity_difference).collect();
    let line = match dash {
        Some(dash) => line(colour).dash(dash),
        None => line(colour),
    };
    let hover = format!(
        "<b>{}</b><br>Layer: %{{x}}<br>{quantity}: %{{y:.4f}}<br>Difference (Within-Cross): %{{customdata:.4f}}<extra></extra>",
        plain(&heading)
    );
    Scatter::new(
        rows.iter().map(|row| row.layer).collect(),
        rows.iter().map(value).collect(),
    )
    .mode(Mode::LinesMarkers)
    .name(plain(&name))
    .line(line)
    .marker(marker(colour, 4))
    .custom_data(differences)
    .hover_template(hover)
}
