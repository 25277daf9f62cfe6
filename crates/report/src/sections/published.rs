//! The run and a table that was published for the same experiment, layer by layer.

use anyhow::Result;
use minijinja::context;
use minijinja::value::Value as TemplateValue;
use pages::format::number;
use pages::shown;
use serde::Serialize;

use super::section::Section;
use crate::content::Content;
use crate::published::{Measure, Published};

pub const SECTION: Section = Section {
    id: "published",
    contents: None,
    template: include_str!("published.html"),
    context,
};

fn context(content: &Content<'_>) -> Result<Option<TemplateValue>> {
    let view = content.inputs.published.as_ref().map(published_view);
    Ok(view.map(|view| context! { published => shown(view) }))
}

/// The comparison as the page shows it.
#[derive(Serialize)]
pub struct PublishedView {
    file: String,
    sentence: String,
    agrees: bool,
    measures: Vec<String>,
    rows: Vec<RowView>,
}

#[derive(Serialize)]
struct RowView {
    layer: usize,
    agrees: bool,
    cells: Vec<CellView>,
}

#[derive(Serialize)]
struct CellView {
    ours: String,
    published: String,
    difference: String,
    agrees: bool,
}

/// Both tables as rows of cells.
pub fn published_view(published: &Published) -> PublishedView {
    let cell = |measure: &Measure, layer: usize| CellView {
        ours: number(measure.ours[layer], 4),
        published: number(measure.published[layer], 4),
        difference: number(measure.difference(layer), 4),
        agrees: measure.agrees(layer),
    };
    let row = |layer: usize| RowView {
        layer,
        agrees: published.measures.iter().all(|measure| measure.agrees(layer)),
        cells: published
            .measures
            .iter()
            .map(|measure| cell(measure, layer))
            .collect(),
    };
    PublishedView {
        file: published.file.clone(),
        sentence: published.sentence(),
        agrees: published.differing().is_empty(),
        measures: published
            .measures
            .iter()
            .map(|measure| measure.name.clone())
            .collect(),
        rows: (0..published.layers).map(row).collect(),
    }
}
