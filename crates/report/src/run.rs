use std::path::Path;

use anyhow::{Context, Result};
use artifacts::{Layout, Pipeline};

use crate::figure::write_figures;
use crate::inputs::Inputs;
use crate::page::{chart_page, report_page};

/// Writes the report's files into `out`.
pub fn run(pipeline: &Pipeline, layout: &Layout, out: &Path) -> Result<()> {
    let inputs = Inputs::read(pipeline, layout)?;
    let file_name = layout
        .report()
        .file_name()
        .context("the report has no file name")?
        .to_owned();
    fs_err::write(out.join(file_name), report_page(pipeline, layout, &inputs)?)?;
    fs_err::write(out.join("cosine_similarity.html"), chart_page(pipeline, &inputs)?)?;
    let figures = out.join("figures");
    fs_err::create_dir_all(&figures)?;
    write_figures(pipeline, &inputs, &figures)
}
