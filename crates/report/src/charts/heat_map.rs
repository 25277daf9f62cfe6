use std::collections::HashMap;

use anyhow::Result;
use artifacts::{Condition, Pipeline};
use plotly::common::{Anchor, ColorBar, ColorScale, ColorScalePalette, Font};
use plotly::layout::{Annotation, Shape, ShapeLine, ShapeType};
use plotly::{HeatMap, Trace};
use serde_json::{Value, json};

use super::style::{axis, condition_colour, layout, to_json};
use crate::format::{plain, rounded, shortened};
use crate::inputs::Inputs;

/// A row or column of the joint matrix: a condition and a prompt.
struct Entry<'a> {
    condition: &'a str,
    label: &'a str,
    prompt: &'a str,
}

/// The cosines of all conditions' prompts with each other as one matrix; `matrices` holds it for every layer,
/// for the slider. The colours mean the same at every layer. Nothing where the run has no matrices.
pub fn heat_map(pipeline: &Pipeline, inputs: &Inputs, layer: usize) -> Result<Option<Value>> {
    if inputs.similarities.is_empty() {
        return Ok(None);
    }
    let prompts = inputs.prompt_ids();
    let entries: Vec<Entry<'_>> = pipeline
        .conditions
        .iter()
        .flat_map(|condition| {
            let entry = |&prompt| Entry {
                condition: &condition.name,
                label: &condition.label,
                prompt,
            };
            prompts.iter().map(entry)
        })
        .collect();
    let matrices = matrices(inputs, &entries);
    let low = matrices
        .iter()
        .flatten()
        .flatten()
        .flatten()
        .copied()
        .fold(1.0, f64::min);
    let places: Vec<usize> = (0..entries.len()).collect();
    let trace = HeatMap::new(places.clone(), places, matrices[layer].clone())
        .zmin(low)
        .zmax(1.0)
        .color_scale(ColorScale::Palette(ColorScalePalette::Cividis))
        .color_bar(ColorBar::new().thickness(12).title("cosine"))
        .text_matrix(hover_texts(inputs, &entries))
        .hover_template("%{text}<br>Cosine: %{z:.4f}<extra></extra>");
    let traces: Vec<Box<dyn Trace>> = vec![trace];
    let ticks: Vec<f64> = (0..entries.len()).map(|place| place as f64).collect();
    let names: Vec<String> = entries.iter().map(|entry| plain(entry.prompt)).collect();
    let end = entries.len() as f64 - 0.5;
    let named = |axis: plotly::layout::Axis| {
        axis.tick_values(ticks.clone())
            .tick_text(names.clone())
            .show_grid(false)
    };
    let layout = layout()
        .annotations(block_names(pipeline, prompts.len()))
        .shapes(separators(pipeline.conditions.len(), prompts.len()))
        .x_axis(named(axis("")).range(vec![-0.5, end]).tick_angle(-45.0))
        .y_axis(named(axis("")).range(vec![end, -0.5]));
    let mut chart = to_json(traces, layout)?;
    chart["layout"]["margin"]["t"] = json!(48);
    chart["matrices"] = json!(matrices);
    Ok(Some(chart))
}

/// `[layer][row][column]`; nothing where the table has no such pair.
fn matrices(inputs: &Inputs, entries: &[Entry<'_>]) -> Vec<Vec<Vec<Option<f64>>>> {
    let mut cosines = HashMap::new();
    for row in &inputs.similarities {
        let (a, b) = (
            (row.condition_a.as_str(), row.prompt_a.as_str()),
            (row.condition_b.as_str(), row.prompt_b.as_str()),
        );
        // The table holds each pair of conditions once; the matrix shows it on both sides of the diagonal.
        cosines.insert((row.layer, a, b), row.cosine);
        cosines.insert((row.layer, b, a), row.cosine);
    }
    let cell = |layer: usize, a: &Entry<'_>, b: &Entry<'_>| {
        cosines
            .get(&(layer, (a.condition, a.prompt), (b.condition, b.prompt)))
            .map(|&cosine| rounded(cosine))
    };
    (0..inputs.summaries.len())
        .map(|layer| {
            entries
                .iter()
                .map(|a| entries.iter().map(|b| cell(layer, a, b)).collect())
                .collect()
        })
        .collect()
}

fn hover_texts(inputs: &Inputs, entries: &[Entry<'_>]) -> Vec<Vec<String>> {
    let name = |entry: &Entry<'_>| {
        let prompt = shortened(inputs.prompt_text(entry.prompt));
        format!("<b>{}</b>: {}", plain(entry.label), plain(&prompt))
    };
    let names: Vec<String> = entries.iter().map(name).collect();
    let row = |a: &String| names.iter().map(|b| format!("{a}<br>{b}")).collect();
    names.iter().map(row).collect()
}

/// Lines between the conditions.
fn separators(conditions: usize, prompts: usize) -> Vec<Shape> {
    let end = (conditions * prompts) as f64 - 0.5;
    let line = |x0: f64, y0: f64, x1: f64, y1: f64| {
        let stroke = ShapeLine::new().color("#ffffff").width(2.0);
        Shape::new()
            .shape_type(ShapeType::Line)
            .x0(x0)
            .y0(y0)
            .x1(x1)
            .y1(y1)
            .line(stroke)
    };
    (1..conditions)
        .map(|index| (index * prompts) as f64 - 0.5)
        .flat_map(|place| [line(place, -0.5, place, end), line(-0.5, place, end, place)])
        .collect()
}

/// The name of each block of columns, above it; the blocks of rows follow in the same order.
fn block_names(pipeline: &Pipeline, prompts: usize) -> Vec<Annotation> {
    let name = |(index, condition): (usize, &Condition)| {
        Annotation::new()
            .text(plain(&condition.label))
            .font(
                Font::new()
                    .color(condition_colour(pipeline, &condition.name).css())
                    .size(12),
            )
            .x((index * prompts) as f64 + (prompts as f64 - 1.0) / 2.0)
            .y_ref("paper")
            .y(1.0)
            .y_anchor(Anchor::Bottom)
            .show_arrow(false)
    };
    pipeline.conditions.iter().enumerate().map(name).collect()
}
