use std::path::Path;

use anyhow::Result;
use pipeline::Pipeline;
use results::Layout;

use crate::content::Content;
use crate::inputs::Inputs;
use crate::page::{chart_page, report_page};
use crate::static_figure::write_figures;

/// Writes the report's files into `out`.
pub fn run(pipeline: &Pipeline, layout: &Layout, out: &Path) -> Result<()> {
    let inputs = Inputs::read(pipeline, layout)?;
    let content = Content::of(pipeline, layout, &inputs)?;
    let page = report_page(&content)?;
    fs_err::write(layout.in_progress(out, &layout.report()), page)?;
    fs_err::write(out.join("cosine_similarity.html"), chart_page(&content)?)?;
    let figures = out.join("figures");
    fs_err::create_dir_all(&figures)?;
    write_figures(pipeline, &inputs, &figures)
}
