//! Candidates of the sweep on a grid of layers and coefficients.

use anyhow::Result;
use pages::chart_style::{axis, layout, to_json};
use pages::format::{number, with_interval};
use pipeline::VectorKind;
use plotly::common::{ColorScale, ColorScalePalette, HoverInfo, Line, Marker, MarkerSymbol, Mode};
use plotly::layout::Axis;
use plotly::{HeatMap, Scatter, Trace};
use results::{DoseCandidate, DoseSummary};
use serde_json::Value;

/// Layers from below, sizes of coefficients from the left.
pub struct Grid<'a> {
    /// The contrast's, which come first.
    candidates: &'a [DoseCandidate],
    layers: Vec<usize>,
    /// Which of its layer's sizes each candidate has, from the smallest: where they are relative,
    /// each layer has its own raw ones.
    columns: Vec<usize>,
}

impl<'a> Grid<'a> {
    pub fn of(summary: &'a DoseSummary) -> Self {
        let contrast = VectorKind::Contrast.name();
        let count = summary
            .candidates
            .iter()
            .take_while(|candidate| candidate.direction == contrast)
            .count();
        let candidates = &summary.candidates[..count];
        let mut layers: Vec<usize> = candidates.iter().map(|candidate| candidate.layer).collect();
        layers.sort_unstable();
        layers.dedup();
        let column = |own: &DoseCandidate| {
            let smaller =
                |other: &&DoseCandidate| other.layer == own.layer && other.coefficient < own.coefficient;
            candidates.iter().filter(smaller).count()
        };
        Grid {
            candidates,
            layers,
            columns: candidates.iter().map(column).collect(),
        }
    }

    /// Column and row of a candidate.
    fn place(&self, index: usize) -> (usize, usize) {
        let layer = self.candidates[index].layer;
        let row = self.layers.iter().position(|own| *own == layer);
        (self.columns[index], row.unwrap_or_default())
    }

    fn width(&self) -> usize {
        self.columns.iter().max().map_or(0, |last| last + 1)
    }

    pub fn heat_map(&self, value: fn(&DoseCandidate) -> f64) -> Box<HeatMap<usize, usize, Vec<Option<f64>>>> {
        let mut values = vec![vec![None; self.width()]; self.layers.len()];
        let mut hovers = vec![vec![String::new(); self.width()]; self.layers.len()];
        for (index, candidate) in self.candidates.iter().enumerate() {
            let (column, row) = self.place(index);
            values[row][column] = Some(value(candidate));
            hovers[row][column] = hover(candidate);
        }
        HeatMap::new(
            (0..self.width()).collect(),
            (0..self.layers.len()).collect(),
            values,
        )
        .color_scale(ColorScale::Palette(ColorScalePalette::Cividis))
        .text_matrix(hovers)
        .hover_template("%{text}<extra></extra>")
    }

    /// The sizes of the coefficients where they are the same at every layer, and else those
    /// relative to the residual.
    fn columns_axis(&self) -> Axis {
        let of_column = |column: usize, size: fn(&DoseCandidate) -> f64| -> Vec<f64> {
            let own = self.candidates.iter().zip(&self.columns);
            own.filter(|(_, place)| **place == column)
                .map(|(candidate, _)| size(candidate))
                .collect()
        };
        let is_same = |sizes: &Vec<f64>| sizes.iter().all(|size| *size == sizes[0]);
        let raw: Vec<Vec<f64>> = (0..self.width())
            .map(|column| of_column(column, |candidate| candidate.coefficient))
            .collect();
        let (title, names): (&str, Vec<String>) = if raw.iter().all(is_same) {
            let names = raw.iter().map(|sizes| sizes[0].to_string());
            ("Size of the coefficient", names.collect())
        } else {
            let relative = (0..self.width())
                .map(|column| of_column(column, |candidate| candidate.relative_coefficient)[0]);
            (
                "Size of the coefficient, in mean residual norms",
                relative.map(|size| number(size, 2)).collect(),
            )
        };
        named(axis(title), names)
    }

    fn rows_axis(&self) -> Axis {
        named(axis("Layer"), self.layers.iter().map(usize::to_string).collect())
    }
}

/// The map with the chosen dose marked.
pub fn chart(summary: &DoseSummary, map: Box<HeatMap<usize, usize, Vec<Option<f64>>>>) -> Result<Value> {
    let grid = Grid::of(summary);
    let mut traces: Vec<Box<dyn Trace>> = vec![map];
    traces.extend(summary.chosen.map(|index| chosen(grid.place(index))));
    let layout = layout()
        .show_legend(false)
        .x_axis(grid.columns_axis())
        .y_axis(grid.rows_axis());
    to_json(traces, layout)
}

/// A white star with a dark edge, visible on every colour of the scale.
fn chosen((column, row): (usize, usize)) -> Box<dyn Trace> {
    let star = Marker::new()
        .symbol(MarkerSymbol::Star)
        .size(16)
        .color("#ffffff")
        .line(Line::new().color("#000000").width(1.0));
    Scatter::new(vec![column], vec![row])
        .mode(Mode::Markers)
        .name("Chosen")
        .marker(star)
        .hover_info(HoverInfo::Skip)
}

fn named(axis: Axis, names: Vec<String>) -> Axis {
    axis.tick_values((0..names.len()).map(|place| place as f64).collect())
        .tick_text(names)
        .show_grid(false)
}

fn hover(candidate: &DoseCandidate) -> String {
    let DoseCandidate {
        effect,
        effect_low,
        effect_high,
        ..
    } = candidate;
    format!(
        "<b>Layer {}, {} times the contrast</b><br>{} of the mean residual norm<br>Effect: {}<br>Controls reach {}<br>\
         Perplexity ratio: {}<br>KL divergence: {}",
        candidate.layer,
        number(candidate.coefficient, 3),
        number(candidate.relative_coefficient, 2),
        with_interval(*effect, *effect_low, *effect_high, 3),
        number(candidate.control_high, 3),
        number(candidate.perplexity_ratio, 2),
        number(candidate.kl, 3),
    )
}
