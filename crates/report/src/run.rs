use std::path::Path;

use anyhow::Result;
use artifacts::{Layout, Pipeline};

use crate::figure::write_figures;
use crate::inputs::Inputs;
use crate::page::{chart_page, report_page};

/// Writes the report's files into `out`.
pub fn run(pipeline: &Pipeline, layout: &Layout, out: &Path) -> Result<()> {
    let inputs = Inputs::read(pipeline, layout)?;
    let page = report_page(pipeline, layout, &inputs)?;
    fs_err::write(layout.in_progress(out, &layout.report()), page)?;
    fs_err::write(out.join("cosine_similarity.html"), chart_page(pipeline, &inputs)?)?;
    let figures = out.join("figures");
    fs_err::create_dir_all(&figures)?;
    write_figures(pipeline, &inputs, &figures)
}
