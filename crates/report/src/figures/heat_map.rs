use std::collections::HashMap;

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pages::chart_style::{axis, layout, to_json};
use pages::format::{plain, shortened};
use pipeline::{Condition, Pipeline};
use plotly::common::{Anchor, ColorBar, ColorScale, ColorScalePalette, Font};
use plotly::layout::{Annotation, Shape, ShapeLine, ShapeType};
use plotly::{HeatMap, Trace};
use serde::Serialize;
use serde_json::{Value, json};

use super::figure::{Figure, Size};
use crate::conditions::condition_colour;
use crate::inputs::Inputs;

pub const FIGURE: Figure = Figure {
    id: "heat-map",
    section: "layers",
    label: "Cosine of every prompt with every other at the chosen layer",
    size: Size::SquareHalf,
    draw: |content| heat_map(content.pipeline, content.inputs),
    caption: "The cosine of {% if shown_count < prompt_count %}{{ shown_count }} of the \
        {{ prompt_count }} prompts, evenly spaced, with each other{% else %}every prompt with \
        every other{% endif %}, in the order of the conditions: \
        {% for condition in conditions %}{{ condition.label }}{% if not loop.last %}, \
        {% endif %}{% endfor %}. The colours mean the same at every layer. Data: \
        <a href=\"{{ links.similarities|safe }}\">similarities.parquet</a>.",
    left_out: Some(
        "it would show the cosine of single prompts with each other, which this run \
         has not written (<a href=\"{{ links.similarities|safe }}\">similarities.parquet</a> has \
         no rows). For many prompts that table is written only on request, with \
         <code>cosine_matrices = true</code> under <code>[contrast]</code>. Figure \
         {{ fig[\"similarity\"] }} shows the means.",
    ),
};

/// A row or column of the joint matrix: a condition and a prompt.
struct Entry<'a> {
    condition: &'a str,
    label: &'a str,
    prompt: &'a str,
}

/// The cosines of all conditions' prompts with each other as one matrix, packed for every layer
/// (see `Packed`): the page unpacks the one that its slider asks for. The colours mean the same at
/// every layer. None where the run has no matrices.
fn heat_map(pipeline: &Pipeline, inputs: &Inputs) -> Result<Option<Value>> {
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
    let packed = Packed::of(inputs, &entries);
    let places: Vec<usize> = (0..entries.len()).collect();
    let trace = HeatMap::new(places.clone(), places, Vec::<Vec<f64>>::new())
        .zmin(packed.low)
        .zmax(1.0)
        .color_scale(ColorScale::Palette(ColorScalePalette::Cividis))
        .color_bar(ColorBar::new().thickness(12).title("cosine"))
        .hover_template("%{text}<br>Cosine: %{z:.3f}<extra></extra>");
    let traces: Vec<Box<dyn Trace>> = vec![trace];
    // Many labels would overlap; the hover still names the prompts.
    let is_labelled = |_: &usize| entries.len() <= MOST_LABELS;
    let labelled: Vec<usize> = (0..entries.len()).filter(is_labelled).collect();
    let ticks: Vec<f64> = labelled.iter().map(|place| *place as f64).collect();
    let names: Vec<String> = labelled
        .iter()
        .map(|place| plain(entries[*place].prompt))
        .collect();
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
    chart["layout"]["margin"]["t"] = json!(56);
    chart["packed"] = serde_json::to_value(packed)?;
    chart["names"] = json!(hover_names(inputs, &entries));
    Ok(Some(chart))
}

const MOST_LABELS: usize = 36;

/// The matrices of all layers in a few bytes per cosine: 16 bits each, little endian, in Base64. Only the
/// lower triangle of a matrix, which is symmetric, is stored, row by row. A cosine is `low + number *
/// step`, within 1.6e-5; 65535 is a missing cosine.
#[derive(Serialize)]
struct Packed {
    size: usize,
    low: f64,
    step: f64,
    layers: Vec<String>,
}

impl Packed {
    const NONE: u16 = u16::MAX;

    fn of(inputs: &Inputs, entries: &[Entry<'_>]) -> Self {
        let triangles = triangles(inputs, entries);
        let low = triangles.iter().flatten().flatten().copied().fold(1.0, f64::min);
        let step = (1.0 - low) / f64::from(Self::NONE - 1);
        let number = |cosine: &Option<f64>| match cosine {
            Some(cosine) if step > 0.0 => ((cosine.min(1.0) - low) / step).round() as u16,
            Some(_) => 0,
            None => Self::NONE,
        };
        let layer = |triangle: &Vec<Option<f64>>| {
            let bytes: Vec<u8> = triangle
                .iter()
                .flat_map(|cosine| number(cosine).to_le_bytes())
                .collect();
            STANDARD.encode(bytes)
        };
        Packed {
            size: entries.len(),
            low,
            step,
            layers: triangles.iter().map(layer).collect(),
        }
    }
}

/// `[layer]`, each the rows of the lower triangle one after the other; empty where the table has
/// no such pair.
fn triangles(inputs: &Inputs, entries: &[Entry<'_>]) -> Vec<Vec<Option<f64>>> {
    let places: HashMap<(&str, &str), usize> = entries
        .iter()
        .enumerate()
        .map(|(place, entry)| ((entry.condition, entry.prompt), place))
        .collect();
    let size = entries.len();
    let mut triangles = vec![vec![None; size * (size + 1) / 2]; inputs.summaries.len()];
    for row in &inputs.similarities {
        let a = places.get(&(row.condition_a.as_str(), row.prompt_a.as_str()));
        let b = places.get(&(row.condition_b.as_str(), row.prompt_b.as_str()));
        if let (Some(&a), Some(&b), Some(triangle)) = (a, b, triangles.get_mut(row.layer)) {
            let (row_place, column) = (a.max(b), a.min(b));
            triangle[row_place * (row_place + 1) / 2 + column] = Some(row.cosine);
        }
    }
    triangles
}

/// What the hover calls the rows and columns.
fn hover_names(inputs: &Inputs, entries: &[Entry<'_>]) -> Vec<String> {
    let name = |entry: &Entry<'_>| {
        let prompt = shortened(inputs.prompt_text(entry.prompt));
        format!("<b>{}</b>: {}", plain(entry.label), plain(&prompt))
    };
    entries.iter().map(name).collect()
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
        // On two lines, since the blocks may be narrow.
        Annotation::new()
            .text(plain(&condition.label).replacen(' ', "<br>", 1))
            .font(
                Font::new()
                    .color(condition_colour(pipeline, &condition.name).css())
                    .size(11),
            )
            .x((index * prompts) as f64 + (prompts as f64 - 1.0) / 2.0)
            .y_ref("paper")
            .y(1.0)
            .y_anchor(Anchor::Bottom)
            .show_arrow(false)
    };
    pipeline.conditions.iter().enumerate().map(name).collect()
}
