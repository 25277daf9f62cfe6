use anyhow::Result;
use pages::chart_style::{Colour, GREY, axis, layout, legend_above, line, marker, to_json};
use pages::format::{p_value, plain, short_labels};
use pipeline::Pipeline;
use plotly::common::{Anchor, DashType, Font, MarkerSymbol, Mode, Title};
use plotly::layout::AxisRange;
use plotly::{Scatter, Trace};
use results::{LayerStatistics, Summary};
use serde_json::{Value, json};

use super::by_layer::{ByLayer, layer_axis, with_layer_mark};
use super::figure::{Figure, Size};
use crate::analysis_tables::Evidence;
use crate::conditions::{across_colour, condition_colour, contrast_conditions};
use crate::content::Content;

pub const FIGURE: Figure = Figure {
    id: "similarity",
    section: "answer",
    label: "Cosine similarity within and across the formats, by layer",
    size: Size::Full(520),
    draw,
    caption: "Mean cosine similarity by layer. Dashed: different prompts in one format. Solid: \
        every prompt in one format with every prompt in the other. Bands: 95 % intervals over \
        prompts. Dots below: filled where the formats differ more than swapped labels explain \
        (family-wise p below {{ level }}), hollow elsewhere. The gap between dashed and solid is \
        the effect of changing the format: the role that speaks, and everything else in which the \
        formats differ. Data: <a href=\"{{ links.summary|safe }}\">summary.parquet</a>, \
        <a href=\"{{ links.summary_csv|safe }}\">summary.csv</a>, \
        <a href=\"{{ links.statistics|safe }}\">statistics.parquet</a>; the chart alone: \
        <a href=\"cosine_similarity.html\">HTML</a>, \
        <a href=\"figures/cosine_similarity.svg\">SVG</a>, \
        <a href=\"figures/cosine_similarity.png\">PNG</a>.",
    left_out: None,
};

fn draw(content: &Content<'_>) -> Result<Option<Value>> {
    let inputs = content.inputs;
    let chart = similarity_chart(content.pipeline, &inputs.summaries, &inputs.evidence)?;
    Ok(Some(with_layer_mark(chart, content.layer())))
}

/// What the legend and the static figure put before a condition's label.
pub const DASHED_LABEL: &str = "Within Group: ";

/// The method's chart: within each group dashed, across groups solid, by layer. Around the lines
/// their intervals, below them a mark a layer, filled where the difference is significant.
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
pub fn titles(pipeline: &Pipeline) -> Result<(&'static str, String)> {
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

/// One mark a layer in a row at `height`: those of significant layers are filled, the others
/// hollow.
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
pub fn range_with_intervals(rows: &[Summary], statistics: &[LayerStatistics]) -> (f64, f64) {
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
