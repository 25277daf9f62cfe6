use anyhow::Result;
use artifacts::{Condition, Pipeline};
use plotly::common::{HoverInfo, Mode};
use plotly::layout::{Shape, ShapeLayer, ShapeLine, ShapeType};
use plotly::{Scatter, Trace};
use serde_json::{Value, json};

use super::similarity::layer_tick_step;
use super::style::{axis, condition_colour, layout, legend_above, line, marker, to_json};
use crate::format::{plain, rounded, shortened};
use crate::inputs::Inputs;

/// The projections on the contrast by layer: one line for each prompt that is shown, one colour a condition. A vertical
/// line marks the layer that the page's slider stands at.
pub fn projections_chart(pipeline: &Pipeline, inputs: &Inputs, layer: usize) -> Result<Value> {
    let mut traces: Vec<Box<dyn Trace>> = Vec::new();
    for condition in &pipeline.conditions {
        let colour = condition_colour(pipeline, &condition.name);
        for (index, prompt) in inputs.prompt_ids().into_iter().enumerate() {
            let (layers, values): (Vec<usize>, Vec<f64>) = inputs
                .projections
                .iter()
                .filter(|row| row.condition == condition.name && row.prompt == prompt)
                .map(|row| (row.layer, rounded(row.projection)))
                .unzip();
            let trace = Scatter::new(layers, values)
                .mode(Mode::Lines)
                .name(plain(&condition.label))
                .legend_group(&condition.name)
                .show_legend(index == 0)
                .opacity(0.75)
                .line(line(colour).width(1.5))
                .hover_template(format!(
                    "<b>{}</b><br>{}<br>Layer: %{{x}}<br>Projection: %{{y:.4f}}<extra></extra>",
                    plain(&condition.label),
                    plain(&shortened(inputs.prompt_text(prompt))),
                ));
            traces.push(trace);
        }
    }
    let mark = Shape::new()
        .shape_type(ShapeType::Line)
        .layer(ShapeLayer::Below)
        .y_ref("paper")
        .x0(layer)
        .x1(layer)
        .y0(0)
        .y1(1)
        .line(ShapeLine::new().color("#888888").width(1.0));
    let layout = layout()
        .legend(legend_above())
        .shapes(vec![mark])
        .x_axis(
            axis("Layer")
                .dtick(layer_tick_step(inputs.summaries.len()) as f64)
                .tick0(0.0),
        )
        .y_axis(axis("Projection on the contrast"));
    to_json(traces, layout)
}

/// The projections at one layer, one row a condition; `positions` holds them for every layer, for the slider.
pub fn strip_chart(pipeline: &Pipeline, inputs: &Inputs, layer: usize) -> Result<Value> {
    let prompts: Vec<String> = inputs
        .prompt_ids()
        .into_iter()
        .map(|id| plain(&shortened(inputs.prompt_text(id))))
        .collect();
    let positions: Vec<Vec<Vec<Option<f64>>>> = (0..inputs.summaries.len())
        .map(|layer| {
            pipeline
                .conditions
                .iter()
                .map(|condition| projections_at(inputs, layer, condition))
                .collect()
        })
        .collect();
    let trace = |(index, condition): (usize, &Condition)| -> Box<dyn Trace> {
        let label = plain(&condition.label);
        Scatter::new(
            positions[layer][index].clone(),
            vec![label.clone(); prompts.len()],
        )
        .mode(Mode::Markers)
        .name(&label)
        .marker(marker(condition_colour(pipeline, &condition.name), 12).opacity(0.6))
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

fn projections_at(inputs: &Inputs, layer: usize, condition: &Condition) -> Vec<Option<f64>> {
    let of = |prompt: &str| {
        let row = inputs
            .projections
            .iter()
            .find(|row| row.layer == layer && row.condition == condition.name && row.prompt == prompt)?;
        Some(rounded(row.projection))
    };
    inputs.prompt_ids().into_iter().map(of).collect()
}
