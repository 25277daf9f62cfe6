use std::collections::HashMap;

use anyhow::Result;
use pages::chart_style::{axis, layout, marker, to_json};
use pages::format::{plain, rounded, shortened};
use pipeline::{Condition, Pipeline};
use plotly::common::{HoverInfo, Mode};
use plotly::{Scatter, Trace};
use results::Projection;
use serde_json::{Value, json};

use super::figure::{Figure, Size};
use crate::conditions::{condition_colour, condition_symbol};
use crate::inputs::Inputs;

pub const FIGURE: Figure = Figure {
    id: "strip",
    section: "layers",
    label: "Projections of each prompt on the contrast at the chosen layer",
    size: Size::Rows { margin: 90, row: 60 },
    draw: |content| strip_chart(content.pipeline, content.inputs, content.layer()).map(Some),
    caption: "How far {% if shown_count < prompt_count %}the residual of each of \
        {{ shown_count }} prompts, evenly spaced among {{ prompt_count }},{% else %}each prompt’s \
        residual{% endif %} reaches along the contrast vector of the layer. Data: \
        <a href=\"{{ links.projections|safe }}\">projections.parquet</a>.",
    left_out: None,
};

/// The projections at one layer, one row per condition; `positions` holds them for every layer, for
/// the slider.
fn strip_chart(pipeline: &Pipeline, inputs: &Inputs, layer: usize) -> Result<Value> {
    let prompts: Vec<String> = inputs
        .prompt_ids()
        .into_iter()
        .map(|id| plain(&shortened(inputs.prompt_text(id))))
        .collect();
    let positions = positions(pipeline, inputs);
    let trace = |(index, condition): (usize, &Condition)| -> Box<dyn Trace> {
        let label = plain(&condition.label);
        Scatter::new(
            positions[layer][index].clone(),
            vec![label.clone(); prompts.len()],
        )
        .mode(Mode::Markers)
        .name(&label)
        .marker(
            marker(condition_colour(pipeline, &condition.name), 12)
                .symbol(condition_symbol(index))
                .opacity(0.6),
        )
        .hover_info(HoverInfo::Text)
        .hover_text_array(prompts.clone())
        .hover_template("<b>%{y}</b><br>%{hovertext}<br>Projection: %{x:.4f}<extra></extra>")
    };
    let traces = pipeline.conditions.iter().enumerate().map(trace).collect();
    let layout = layout()
        .show_legend(false)
        .x_axis(axis("Projection on the contrast"))
        // From the top in the order of the pipeline, with room around the outer rows.
        .y_axis(axis("").range(vec![pipeline.conditions.len() as f64 - 0.5, -0.5]));
    let mut chart = to_json(traces, layout)?;
    chart["positions"] = json!(positions);
    Ok(chart)
}

/// `[layer][condition][prompt]`; empty where the table has no such row.
fn positions(pipeline: &Pipeline, inputs: &Inputs) -> Vec<Vec<Vec<Option<f64>>>> {
    let key = |row: &'_ Projection| (row.layer, row.condition.clone(), row.prompt_id.clone());
    let values: HashMap<_, f64> = inputs
        .projections
        .iter()
        .map(|row| (key(row), row.projection))
        .collect();
    let value = |layer: usize, condition: &Condition, prompt: &str| {
        let found = values.get(&(layer, condition.name.clone(), prompt.to_owned()));
        found.map(|value| rounded(*value))
    };
    let of_condition = |layer: usize, condition: &Condition| {
        let prompts = inputs.prompt_ids().into_iter();
        prompts.map(|prompt| value(layer, condition, prompt)).collect()
    };
    let of_layer = |layer: usize| {
        let conditions = pipeline.conditions.iter();
        conditions
            .map(|condition| of_condition(layer, condition))
            .collect()
    };
    (0..inputs.summaries.len()).map(of_layer).collect()
}
