use std::collections::HashMap;

use anyhow::Result;
use artifacts::{Condition, Pipeline, Projection};
use plotly::common::{HoverInfo, Mode};
use plotly::{Scatter, Trace};
use serde_json::{Value, json};

use super::by_layer::layer_axis;
use super::style::{
    axis, condition_colour, condition_dash, condition_symbol, layout, legend_above, line, marker, to_json,
};
use crate::format::{plain, rounded, shortened};
use crate::inputs::Inputs;

/// The projections on the contrast by layer: one line for each prompt that is shown, one colour and dash a condition.
pub fn projections_chart(pipeline: &Pipeline, inputs: &Inputs) -> Result<Value> {
    let mut traces: Vec<Box<dyn Trace>> = Vec::new();
    for (place, condition) in pipeline.conditions.iter().enumerate() {
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
                .line(line(colour).width(1.5).dash(condition_dash(place)))
                .hover_template(format!(
                    "<b>{}</b><br>{}<br>Layer: %{{x}}<br>Projection: %{{y:.4f}}<extra></extra>",
                    plain(&condition.label),
                    plain(&shortened(inputs.prompt_text(prompt))),
                ));
            traces.push(trace);
        }
    }
    let layout = layout()
        .legend(legend_above())
        .x_axis(layer_axis(inputs.summaries.len()))
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

/// `[layer][condition][prompt]`; nothing where the table has no such row.
fn positions(pipeline: &Pipeline, inputs: &Inputs) -> Vec<Vec<Vec<Option<f64>>>> {
    let key = |row: &'_ Projection| (row.layer, row.condition.clone(), row.prompt.clone());
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
