//! Whether it is one direction through the whole model.

use anyhow::Result;
use minijinja::context;
use minijinja::value::Value as TemplateValue;

use super::section::Section;
use crate::content::Content;

pub const SECTION: Section = Section {
    id: "depth-of-it",
    contents: None,
    template: include_str!("depth.html"),
    context,
};

fn context(_: &Content<'_>) -> Result<Option<TemplateValue>> {
    Ok(Some(context! {}))
}
