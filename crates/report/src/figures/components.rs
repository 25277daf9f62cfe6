use anyhow::Result;
use pages::chart_style::{axis, chart, marker};
use pages::format::{number, plain, rounded, shortened};
use pipeline::{Condition, Pipeline};
use plotly::common::{HoverInfo, Mode};
use plotly::{Scatter, Trace};
use results::ComponentPlace;
use serde_json::{Value, json};

use super::figure::{Figure, Size};
use crate::conditions::{condition_colour, condition_symbol};
use crate::inputs::Inputs;

pub const FIGURE: Figure = Figure {
    id: "components",
    section: "layers",
    label: "Residuals of all conditions on their first two principal components at the chosen layer",
    size: Size::SquareHalf,
    draw: |content| components_chart(content.pipeline, content.inputs, content.layer()).map(Some),
    caption: "The residuals of all conditions where they differ most: their projections on the \
        first two principal components about their mean, with the same scale on both axes. Each \
        component points toward the positive side of the contrast. If conditions are separated \
        here, they differ more than prompts do; the reverse does not hold. Data: \
        <a href=\"{{ links.components|safe }}\">principal_components.parquet</a>.",
    left_out: None,
};

/// The residuals of one layer in the plane of their two first principal components, one colour and
/// symbol per condition. `places` holds them for every layer, as `[layer][condition][x or y]`, and
/// `titles` the axis titles, for the slider.
fn components_chart(pipeline: &Pipeline, inputs: &Inputs, layer: usize) -> Result<Value> {
    let by_layer: Vec<Vec<&ComponentPlace>> = (0..inputs.summaries.len())
        .map(|layer| {
            inputs
                .components
                .iter()
                .filter(|row| row.layer == layer)
                .collect()
        })
        .collect();
    let of = |rows: &[&ComponentPlace], condition: &Condition| -> [Vec<f64>; 2] {
        let own = rows.iter().filter(|row| row.condition == condition.name);
        let (x, y) = own.map(|row| (rounded(row.pc1), rounded(row.pc2))).unzip();
        [x, y]
    };
    let places: Vec<Vec<[Vec<f64>; 2]>> = by_layer
        .iter()
        .map(|rows| {
            pipeline
                .conditions
                .iter()
                .map(|condition| of(rows, condition))
                .collect()
        })
        .collect();
    let titles: Vec<[String; 2]> = by_layer.iter().map(|rows| axis_titles(rows)).collect();
    let trace = |(index, condition): (usize, &Condition)| -> Box<dyn Trace> {
        let label = plain(&condition.label);
        let own = by_layer[layer]
            .iter()
            .filter(|row| row.condition == condition.name);
        let texts = own.map(|row| plain(&shortened(inputs.prompt_text(&row.prompt_id))));
        let [x, y] = places[layer][index].clone();
        Scatter::new(x, y)
            .mode(Mode::Markers)
            .name(&label)
            .marker(
                marker(condition_colour(pipeline, &condition.name), 9)
                    .symbol(condition_symbol(index))
                    .opacity(0.75),
            )
            .hover_info(HoverInfo::Text)
            .hover_text_array(texts.collect())
            .hover_template(format!(
                "<b>{label}</b><br>%{{hovertext}}<br>PC1: %{{x:.4f}}<br>PC2: %{{y:.4f}}<extra></extra>"
            ))
    };
    let traces = pipeline.conditions.iter().enumerate().map(trace).collect();
    let [x_title, y_title] = titles[layer].clone();
    let mut chart = chart(traces, axis(&x_title), axis(&y_title))?;
    // One unit is as long on both axes, so that the picture doesn't distort the data.
    chart["layout"]["yaxis"]["scaleanchor"] = json!("x");
    chart["places"] = json!(places);
    chart["titles"] = json!(titles);
    Ok(chart)
}

fn axis_titles(rows: &[&ComponentPlace]) -> [String; 2] {
    let title = |name: &str, share: f64| format!("{name} ({} % of the variance)", number(share * 100.0, 1));
    match rows.first() {
        Some(row) => [title("PC1", row.pc1_share), title("PC2", row.pc2_share)],
        None => ["PC1".to_owned(), "PC2".to_owned()],
    }
}
