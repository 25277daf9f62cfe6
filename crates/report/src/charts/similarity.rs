use anyhow::Result;
use artifacts::{LayerStatistics, Pipeline, Summary};
use plotly::common::{Anchor, DashType, Font, MarkerSymbol, Mode, Title};
use plotly::layout::AxisRange;
use plotly::{Scatter, Trace};
use serde_json::{Value, json};

use super::by_layer::{ByLayer, layer_axis};
use super::style::{
    Colour, GREY, across_colour, axis, condition_colour, layout, legend_above, line, marker, to_json,
};
use crate::evidence::Evidence;
use crate::format::{p_value, plain, short_labels};
use crate::inputs::contrast_conditions;

/// What the legend and the static figure put before a condition's label.
pub(crate) const DASHED_LABEL: &str = "Within Group: ";

/// The method's chart: within each group dashed, across groups solid, by layer. Around the lines their
/// intervals, below them a mark a layer, filled where the difference is significant.
pub fn similarity_chart(pipeline: &Pipeline, rows: &[Summary], evidence: &Evidence) -> Result<Value> {
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
    let (low, high) = range_with_intervals(rows, &evidence.statistics);
    let below = (high - low) * 0.04;
    let mut traces = vec![
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
    traces.extend(bands(pipeline, &evidence.statistics));
    traces.extend(marks(evidence, low - below));
    let (title, subtitle) = titles(pipeline)?;
    let layout = layout()
        .title(
            Title::with_text(title)
                .x(0.5)
                .y(0.97)
                .y_anchor(Anchor::Top)
                .font(Font::new().size(16)),
        )
        .legend(legend_above())
        .x_axis(layer_axis(rows.len()))
        .y_axis(axis("Cosine Similarity").range(AxisRange::new(low - 2.0 * below, high)));
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
fn cosine_range(rows: &[Summary]) -> (f64, f64) {
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
    .legend_group(colour.css())
    .line(line)
    .marker(marker(colour, 4))
    .custom_data(differences)
    .hover_template(hover)
}

/// The intervals of the three lines, in their order and of their groups.
fn bands(pipeline: &Pipeline, rows: &[LayerStatistics]) -> [Box<dyn Trace>; 3] {
    let intervals = ByLayer {
        rows,
        quantity: "Interval",
    };
    let [positive, negative] = [&pipeline.contrast.positive, &pipeline.contrast.negative]
        .map(|condition| condition_colour(pipeline, condition));
    let across = across_colour();
    [
        intervals.band(
            &positive.css(),
            positive,
            |row| row.within_positive_low,
            |row| row.within_positive_high,
        ),
        intervals.band(
            &negative.css(),
            negative,
            |row| row.within_negative_low,
            |row| row.within_negative_high,
        ),
        intervals.band(&across.css(), across, |row| row.cross_low, |row| row.cross_high),
    ]
}

/// One mark a layer in a row at `height`: those of significant layers are filled, the others hollow.
fn marks(evidence: &Evidence, height: f64) -> Vec<Box<dyn Trace>> {
    let level = evidence.summary.level;
    let kinds = [
        (true, format!("p < {level}"), MarkerSymbol::Circle),
        (false, format!("p \u{2265} {level}"), MarkerSymbol::CircleOpen),
    ];
    let mark = |(is_significant, name, symbol): (bool, String, MarkerSymbol)| {
        let of_kind = |row: &&LayerStatistics| evidence.is_significant(row.layer) == is_significant;
        let rows: Vec<&LayerStatistics> = evidence.statistics.iter().filter(of_kind).collect();
        let hover = |row: &&LayerStatistics| {
            format!(
                "p: {}<br>Family-wise p: {}",
                plain(&p_value(row.permutation_p)),
                plain(&p_value(row.permutation_p_family))
            )
        };
        let marks = Scatter::new(
            rows.iter().map(|row| row.layer).collect(),
            vec![height; rows.len()],
        )
        .mode(Mode::Markers)
        .name(plain(&name))
        .marker(marker(GREY, 8).symbol(symbol))
        .hover_text_array(rows.iter().map(hover).collect())
        .hover_template("Layer: %{x}<br>%{hovertext}<extra></extra>");
        (!rows.is_empty()).then_some(marks as Box<dyn Trace>)
    };
    kinds.into_iter().filter_map(mark).collect()
}

/// The range of the lines, widened to hold their intervals.
pub(crate) fn range_with_intervals(rows: &[Summary], statistics: &[LayerStatistics]) -> (f64, f64) {
    let ends = statistics.iter().flat_map(|row| {
        [
            (row.within_positive_low, row.within_positive_high),
            (row.within_negative_low, row.within_negative_high),
            (row.cross_low, row.cross_high),
        ]
    });
    ends.fold(cosine_range(rows), |(low, high), (own_low, own_high)| {
        (low.min(own_low), high.max(own_high))
    })
}
