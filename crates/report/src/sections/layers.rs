//! Everything that the slider moves: figures of one layer, and the tokens that its vector promotes.

use anyhow::Result;
use minijinja::context;
use minijinja::value::Value as TemplateValue;
use pages::shown;

use super::lens::lens_rows;
use super::section::Section;
use crate::content::Content;

pub const SECTION: Section = Section {
    id: "layers",
    contents: Some("Layer by layer"),
    template: include_str!("layers.html"),
    context,
};

fn context(content: &Content<'_>) -> Result<Option<TemplateValue>> {
    let tokens = &content.inputs.evidence.lens;
    Ok(Some(
        context! { lens => shown(lens_rows(&content.inputs.markup, tokens)) },
    ))
}
