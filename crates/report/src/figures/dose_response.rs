use anyhow::Result;
use pages::chart_style::{axis, layout, legend_above, to_json};
use pages::format::with_interval;
use pipeline::Pipeline;
use plotly::layout::{Shape, ShapeLayer, ShapeLine, ShapeType};
use serde_json::Value;

use super::dose_curves::{COEFFICIENT, Quantity, at_shown_layer, curves};
use super::figure::{Figure, Size};
use crate::sweep_tables::Doses;

pub const FIGURE: Figure = Figure {
    id: "dose-response",
    section: "dose",
    label: "Log-odds of the role by coefficient of the contrast",
    size: Size::Full(460),
    draw: |content| at_shown_layer(content, dose_response_chart),
    caption: "Which role texts sound like, by how much of the contrast was added at layer \
        {{ sweep.layer }}; bands are 95 % intervals over prompts, 0 is the unsteered text. Grey: \
        controls of the same norm, random directions and the contrast of shuffled labels. A \
        control has no sign of its own, so it was run with one sign and is drawn on both sides. \
        Where a line leaves the grey ones and crosses zero, the direction itself changes the role. \
        At the far ends the log-odds of broken text mean nothing, so read this together with the \
        next two figures. Data: <a href=\"{{ links.doses|safe }}\">doses.parquet</a>.",
    left_out: None,
};

/// Which role the texts sound like, by how much of the contrast was added at `layer`.
fn dose_response_chart(pipeline: &Pipeline, doses: &Doses, layer: usize) -> Result<Value> {
    let log_odds = Quantity {
        value: |figures| figures.log_odds,
        interval: Some(|figures| (figures.log_odds_low, figures.log_odds_high)),
        hover: |figures| {
            let interval = with_interval(figures.log_odds, figures.log_odds_low, figures.log_odds_high, 3);
            format!("Role log-odds: {interval}")
        },
    };
    let traces = curves(pipeline, doses, layer, &log_odds)?;
    let layout = layout()
        .legend(legend_above())
        .shapes(vec![neither()])
        .x_axis(axis(COEFFICIENT))
        .y_axis(axis("Role log-odds, nats per token"));
    to_json(traces, layout)
}

/// Where a text sounds like neither role.
fn neither() -> Shape {
    Shape::new()
        .shape_type(ShapeType::Line)
        .layer(ShapeLayer::Below)
        .x_ref("paper")
        .x0(0)
        .x1(1)
        .y0(0)
        .y1(0)
        .line(ShapeLine::new().color("#888888").width(2.0))
}
