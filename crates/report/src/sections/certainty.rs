//! How sure the figures are: a row of intervals and tests for each layer.

use anyhow::Result;
use minijinja::context;
use minijinja::value::Value as TemplateValue;
use pages::format::{layer_list, number, number_or_dash, p_value, percent, with_interval};
use pages::shown;
use results::{LayerStatistics, Outlier};
use serde::Serialize;

use super::section::Section;
use crate::content::Content;

pub const SECTION: Section = Section {
    id: "certainty",
    contents: Some("Certainty"),
    template: include_str!("certainty.html"),
    context,
};

#[derive(Serialize)]
struct CertaintyRow {
    layer: usize,
    is_significant: bool,
    difference: String,
    p: String,
    p_family: String,
    split_half: String,
    floor: String,
    auc: String,
    accuracy: String,
    effect_size: String,
    relative_norm: String,
}

/// A table of this many rows is shown unfolded.
const SHORT: usize = 12;

fn context(content: &Content<'_>) -> Result<Option<TemplateValue>> {
    let evidence = &content.inputs.evidence;
    let row = |row: &LayerStatistics| certainty_row(row, evidence.is_significant(row.layer));
    let rows: Vec<CertaintyRow> = evidence.statistics.iter().map(row).collect();
    Ok(Some(context! {
        prompts => evidence.summary.prompts,
        level => evidence.summary.level,
        rows => shown(rows),
        is_long => evidence.statistics.len() > SHORT,
        outliers => outliers(&evidence.outliers),
    }))
}

fn certainty_row(row: &LayerStatistics, is_significant: bool) -> CertaintyRow {
    CertaintyRow {
        layer: row.layer,
        is_significant,
        difference: with_interval(
            row.permutation_difference,
            row.difference_low,
            row.difference_high,
            3,
        ),
        p: p_value(row.permutation_p),
        p_family: p_value(row.permutation_p_family),
        split_half: number_or_dash(row.split_half, 3),
        floor: number_or_dash(row.split_half_floor, 3),
        auc: number_or_dash(row.separation_auc, 3),
        accuracy: percent(row.separation_accuracy),
        effect_size: number_or_dash(row.effect_size, 1),
        relative_norm: number_or_dash(row.contrast_norm_relative, 2),
    }
}

/// Dimensions that carry far more than their share, by name: the largest first, each with its
/// layers.
fn outliers(rows: &[Outlier]) -> String {
    const NAMED: usize = 6;
    let mut dimensions: Vec<(usize, f64, Vec<usize>)> = Vec::new();
    for row in rows {
        match dimensions.iter_mut().find(|(own, ..)| *own == row.dimension) {
            Some((_, share, layers)) => {
                *share = share.max(row.share);
                layers.push(row.layer);
            }
            None => dimensions.push((row.dimension, row.share, vec![row.layer])),
        }
    }
    if dimensions.is_empty() {
        return "No dimension of the residual stream carries so much of its squared norm that it had to be left out."
            .to_owned();
    }
    dimensions.sort_by(|a, b| b.1.total_cmp(&a.1));
    let named = dimensions.iter().take(NAMED).map(|(dimension, share, layers)| {
        let share = number(share * 100.0, 0);
        format!("{dimension} (up to {share} %, {})", layer_list(layers))
    });
    let named: Vec<String> = named.collect();
    let others = match dimensions.len().saturating_sub(NAMED) {
        0 => String::new(),
        count => format!(", and {count} more"),
    };
    format!(
        "Some dimensions carry far more of the squared norm than their share: {}{others}.",
        named.join(", ")
    )
}
