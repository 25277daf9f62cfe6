use anyhow::Result;
use pages::chart_style::{Colour, GREY, axis, layout, legend_above, line, marker, to_json};
use pages::format::{p_value, plain, short_labels};
use pipeline::{Condition, Pipeline};
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

/// The ends of a line's interval at a layer.
pub type Ends = fn(&LayerStatistics) -> (f64, f64);

/// A line of the method's chart and of its static figure.
pub struct SimilarityLine {
    pub label: String,
    /// What the hover calls the line and its figures.
    heading: String,
    quantity: &'static str,
    pub colour: Colour,
    pub is_dashed: bool,
    pub value: fn(&Summary) -> f64,
    pub ends: Ends,
}

/// Within each group, and across both.
pub fn similarity_lines(pipeline: &Pipeline) -> Result<[SimilarityLine; 3]> {
    let [positive, negative] = contrast_conditions(pipeline)?;
    let (first, second) = short_labels(&positive.label, &negative.label);
    let within = |condition: &Condition, value: fn(&Summary) -> f64, ends: Ends| SimilarityLine {
        label: format!("Within Group: {}", condition.label),
        heading: format!("{} Similarity", condition.label),
        quantity: "Similarity",
        colour: condition_colour(pipeline, &condition.name),
        is_dashed: true,
        value,
        ends,
    };
    let positive_ends: Ends = |row| (row.within_positive_low, row.within_positive_high);
    let negative_ends: Ends = |row| (row.within_negative_low, row.within_negative_high);
    Ok([
        within(positive, |row| row.avg_within_positive, positive_ends),
        within(negative, |row| row.avg_within_negative, negative_ends),
        SimilarityLine {
            label: format!("Across Groups: {first}-{second}"),
            heading: format!("Across Groups ({first}-{second})"),
            quantity: "Average Similarity",
            colour: across_colour(),
            is_dashed: false,
            value: |row| row.avg_cross_category,
            ends: |row| (row.cross_low, row.cross_high),
        },
    ])
}

/// The method's chart: within each group dashed, across groups solid, by layer. Around the lines
/// their intervals, below them one mark per layer, filled where the difference is significant.
pub fn similarity_chart(pipeline: &Pipeline, rows: &[Summary], evidence: &Evidence) -> Result<Value> {
    let lines = similarity_lines(pipeline)?;
    let (low, high) = similarity_range(&lines, rows, &evidence.statistics);
    let below = (high - low) * 0.04;
    let intervals = ByLayer {
        rows: &evidence.statistics,
        quantity: "Interval",
    };
    let band = |line: &SimilarityLine| {
        let ends = line.ends;
        intervals.band(
            &line.colour.css(),
            line.colour,
            |row| ends(row).0,
            |row| ends(row).1,
        )
    };
    let mut traces: Vec<Box<dyn Trace>> = lines.iter().map(|line| trace(rows, line)).collect();
    traces.extend(lines.iter().map(band));
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

fn trace(rows: &[Summary], own: &SimilarityLine) -> Box<dyn Trace> {
    let differences: Vec<f64> = rows.iter().map(|row| row.similarity_difference).collect();
    let stroke = match own.is_dashed {
        true => line(own.colour).dash(DashType::Dash),
        false => line(own.colour),
    };
    let hover = format!(
        "<b>{}</b><br>Layer: %{{x}}<br>{}: %{{y:.4f}}<br>Difference (Within-Cross): %{{customdata:.4f}}<extra></extra>",
        plain(&own.heading),
        own.quantity
    );
    Scatter::new(
        rows.iter().map(|row| row.layer).collect(),
        rows.iter().map(own.value).collect(),
    )
    .mode(Mode::LinesMarkers)
    .name(plain(&own.label))
    .legend_group(own.colour.css())
    .line(stroke)
    .marker(marker(own.colour, 4))
    .custom_data(differences)
    .hover_template(hover)
}

/// One mark per layer in a row at `height`: those of significant layers are filled, the others
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

/// From the lowest to the highest value of the lines, with a margin of a twentieth, and widened to
/// hold their intervals.
pub fn similarity_range(
    lines: &[SimilarityLine],
    rows: &[Summary],
    statistics: &[LayerStatistics],
) -> (f64, f64) {
    let values = || lines.iter().flat_map(|line| rows.iter().map(line.value));
    let low = values().fold(f64::INFINITY, f64::min);
    let high = values().fold(f64::NEG_INFINITY, f64::max);
    // Lines that are nearly equal get a range too.
    let margin = ((high - low) * 0.05).max(0.005);
    let ends = lines.iter().flat_map(|line| statistics.iter().map(line.ends));
    ends.fold(
        (low - margin, high + margin),
        |(low, high), (own_low, own_high)| (low.min(own_low), high.max(own_high)),
    )
}
