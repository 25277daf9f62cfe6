use anyhow::Result;
use pages::chart_style::{axis, chart, line};
use pages::format::{plain, rounded, shortened};
use pipeline::Pipeline;
use plotly::common::Mode;
use plotly::{Scatter, Trace};
use serde_json::Value;

use super::by_layer::{layer_axis, with_layer_mark};
use super::figure::{Figure, Size};
use crate::conditions::{condition_colour, condition_dash};
use crate::content::Content;
use crate::inputs::Inputs;

pub const FIGURE: Figure = Figure {
    id: "projections",
    section: "layers",
    label: "Projections of each prompt on the contrast, by layer",
    size: Size::Full(420),
    draw,
    caption: "The same at all layers: a line for each {% if shown_count < prompt_count %}of the \
        {{ shown_count }} prompts{% else %}prompt{% endif %}. Data: \
        <a href=\"{{ links.projections|safe }}\">projections.parquet</a>.",
    left_out: None,
};

fn draw(content: &Content<'_>) -> Result<Option<Value>> {
    let chart = projections_chart(content.pipeline, content.inputs)?;
    Ok(Some(with_layer_mark(chart, content.layer())))
}

/// The projections on the contrast by layer: one line for each prompt that is shown, one colour and
/// dash per condition.
fn projections_chart(pipeline: &Pipeline, inputs: &Inputs) -> Result<Value> {
    let mut traces: Vec<Box<dyn Trace>> = Vec::new();
    for (place, condition) in pipeline.conditions.iter().enumerate() {
        let colour = condition_colour(pipeline, &condition.name);
        for (index, prompt) in inputs.prompt_ids().into_iter().enumerate() {
            let (layers, values): (Vec<usize>, Vec<f64>) = inputs
                .projections
                .iter()
                .filter(|row| row.condition == condition.name && row.prompt_id == prompt)
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
    chart(
        traces,
        layer_axis(inputs.summaries.len()),
        axis("Projection on the contrast"),
    )
}
