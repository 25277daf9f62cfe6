//! Where the role lives: what patching does, by layer and position, and head by head.

use anyhow::Result;
use pages::chart_style::{axis, layout, to_json};
use pages::format::{number_or_dash, p_value, plain};
use plotly::common::{ColorBar, ColorScale, ColorScalePalette};
use plotly::layout::Axis;
use plotly::{HeatMap, Trace};
use results::PatchEffect;
use serde_json::Value;
use terms::{Patch, PatchedPositions, Site};

use super::figure::{Figure, Size};
use crate::content::Content;

pub const PUT_IN: Figure = Figure {
    id: "locate-put-in",
    section: "locate",
    label: "Effect of putting in the other condition's residual stream, by layer and position",
    size: Size::Half(420),
    draw: |content| residual_map(content, Patch::PutIn),
    caption: "Sufficient: the residual stream of the {{ locate.negative }} run put into the \
        {{ locate.positive }} run, after each layer (rows) and at some tokens (columns). 0 is the unpatched \
        run, 1 the other run\u{2019}s measure. Data: \
        <a href=\"{{ links.patches|safe }}\">patches.parquet</a>.",
    left_out: None,
};

pub const TAKEN_OUT: Figure = Figure {
    id: "locate-taken-out",
    section: "locate",
    label: "Effect of taking the residual stream's difference out, by layer and position",
    size: Size::Half(420),
    draw: |content| residual_map(content, Patch::TakenOut),
    caption: "Necessary: in the {{ locate.negative }} run, the residual stream is replaced by its mean over all \
        prompts and both conditions. 0 is the unpatched run, 1 the {{ locate.positive }} run\u{2019}s measure. Data: \
        <a href=\"{{ links.patches|safe }}\">patches.parquet</a>.",
    left_out: None,
};

pub const PARTS: Figure = Figure {
    id: "locate-parts",
    section: "locate",
    label: "Effect of putting in what attention and feed-forward add, by layer",
    size: Size::Half(420),
    draw: parts_map,
    caption: "What single parts carry: only what attention or the feed-forward of one layer adds is put in, at all \
        tokens of the opened turn or at all aligned tokens. Data: \
        <a href=\"{{ links.patches|safe }}\">patches.parquet</a>.",
    left_out: None,
};

pub const HEADS: Figure = Figure {
    id: "locate-heads",
    section: "locate",
    label: "Effect of putting in single heads, by layer and head",
    size: Size::Half(420),
    draw: head_map,
    caption: "Head by head, at all aligned tokens: the output of a single head before the output projection is put \
        in. Data: <a href=\"{{ links.patches|safe }}\">patches.parquet</a>.",
    left_out: None,
};

/// Effects in the layer's row, with a column for each name.
struct Map<'a> {
    columns: Vec<String>,
    /// Column and effect.
    cells: Vec<(usize, &'a PatchEffect)>,
}

impl Map<'_> {
    /// None where there is nothing to show.
    fn chart(&self, title: &str) -> Result<Option<Value>> {
        let last = self.cells.iter().map(|(_, row)| row.layer).max();
        let Some(last) = last else { return Ok(None) };
        let mut values = vec![vec![None; self.columns.len()]; last + 1];
        let mut hovers = vec![vec![String::new(); self.columns.len()]; last + 1];
        for (column, row) in &self.cells {
            values[row.layer][*column] = Some(row.effect).filter(|effect| effect.is_finite());
            hovers[row.layer][*column] = hover(row, &self.columns[*column]);
        }
        // Zero has the middle of the scale on every map, so that colours can be compared.
        let map = HeatMap::new((0..self.columns.len()).collect(), (0..=last).collect(), values)
            .zmin(-1.0)
            .zmax(1.0)
            .color_scale(ColorScale::Palette(ColorScalePalette::Cividis))
            .color_bar(ColorBar::new().thickness(12).title("effect"))
            .text_matrix(hovers)
            .hover_template("%{text}<extra></extra>");
        let traces: Vec<Box<dyn Trace>> = vec![map];
        let layers = (0..=last).map(|layer| layer.to_string()).collect();
        let layout = layout()
            .show_legend(false)
            .x_axis(named(axis(title), self.columns.clone()))
            .y_axis(named(axis("Layer"), layers));
        to_json(traces, layout).map(Some)
    }
}

fn residual_map(content: &Content<'_>, patch: Patch) -> Result<Option<Value>> {
    let rows = content.inputs.patches.iter();
    let own: Vec<&PatchEffect> = rows
        .filter(|row| row.patch == patch && row.site == Site::ResidualPost)
        .collect();
    let mut columns: Vec<(PatchedPositions, Option<usize>)> = Vec::new();
    for row in &own {
        if !columns.contains(&(row.positions, row.from_end)) {
            columns.push((row.positions, row.from_end));
        }
    }
    // Single tokens in the order of the text, then groups from small to large.
    columns.sort_by_key(|(positions, from_end)| {
        (
            *positions != PatchedPositions::Token,
            std::cmp::Reverse(*from_end),
        )
    });
    let name = |(positions, from_end): &(PatchedPositions, Option<usize>)| {
        let is_it = |row: &&&PatchEffect| row.positions == *positions && row.from_end == *from_end;
        own.iter()
            .find(is_it)
            .map_or(String::new(), |row| position_name(row))
    };
    let map = Map {
        cells: own
            .iter()
            .filter_map(|row| {
                let is_it = |key: &(PatchedPositions, Option<usize>)| *key == (row.positions, row.from_end);
                Some((columns.iter().position(is_it)?, *row))
            })
            .collect(),
        columns: columns.iter().map(name).collect(),
    };
    map.chart("Tokens")
}

fn parts_map(content: &Content<'_>) -> Result<Option<Value>> {
    let kinds = [
        (Site::AttentionOutput, PatchedPositions::Turn, "attention, turn"),
        (Site::AttentionOutput, PatchedPositions::All, "attention, all"),
        (
            Site::FeedForwardOutput,
            PatchedPositions::Turn,
            "feed-forward, turn",
        ),
        (
            Site::FeedForwardOutput,
            PatchedPositions::All,
            "feed-forward, all",
        ),
    ];
    let rows = content.inputs.patches.iter();
    let cell = |row| {
        let row: &PatchEffect = row;
        let is_it = |(site, positions, _): &(Site, PatchedPositions, &str)| {
            row.patch == Patch::PutIn && (row.site, row.positions) == (*site, *positions)
        };
        Some((kinds.iter().position(is_it)?, row))
    };
    let map = Map {
        cells: rows.filter_map(cell).collect(),
        columns: kinds.iter().map(|(_, _, name)| (*name).to_owned()).collect(),
    };
    map.chart("Part and tokens")
}

fn head_map(content: &Content<'_>) -> Result<Option<Value>> {
    let rows = content.inputs.patches.iter();
    let is_shown = |row: &&PatchEffect| row.patch == Patch::PutIn && row.positions == PatchedPositions::All;
    let cells: Vec<(usize, &PatchEffect)> = rows
        .filter(is_shown)
        .filter_map(|row| Some((row.head?, row)))
        .collect();
    let heads = cells.iter().map(|(head, _)| head + 1).max().unwrap_or(0);
    let map = Map {
        cells,
        columns: (0..heads).map(|head| head.to_string()).collect(),
    };
    map.chart("Head")
}

/// What a column is called: a token by its text in both runs.
pub fn position_name(row: &PatchEffect) -> String {
    let text = |text: &Option<String>| plain(text.as_deref().unwrap_or("?")).replace('\n', "\\n");
    let (positive, negative) = (text(&row.token_positive), text(&row.token_negative));
    match row.positions {
        PatchedPositions::Token if positive == negative => positive,
        PatchedPositions::Token => format!("{positive} / {negative}"),
        PatchedPositions::Turn => "opened turn".to_owned(),
        PatchedPositions::Prompt => "prompt".to_owned(),
        PatchedPositions::Before => "before it".to_owned(),
        PatchedPositions::All => "all".to_owned(),
    }
}

fn named(axis: Axis, names: Vec<String>) -> Axis {
    axis.tick_values((0..names.len()).map(|place| place as f64).collect())
        .tick_text(names)
        .show_grid(false)
}

fn hover(row: &PatchEffect, column: &str) -> String {
    let tested = match (row.p, row.p_family) {
        (Some(p), Some(family)) => format!("<br>p = {}, over all places {}", p_value(p), p_value(family)),
        _ => String::new(),
    };
    format!(
        "<b>Layer {}, {column}</b><br>Effect: {} ({} to {})<br>KL of the first token: {}{tested}",
        row.layer,
        number_or_dash(row.effect, 3),
        number_or_dash(row.effect_low, 3),
        number_or_dash(row.effect_high, 3),
        number_or_dash(row.kl, 3),
    )
}
