//! What a section of the report is.

use anyhow::Result;
use minijinja::value::Value as TemplateValue;

use crate::content::Content;

/// A part of the page: what it is filled with, and its template.
pub struct Section {
    /// The id of its element.
    pub id: &'static str,
    /// What the page's contents call it; sections without a name belong to the one before.
    pub contents: Option<&'static str>,
    /// Written as HTML. In addition to what `context` gives, it has what all sections share, and
    /// `figures`: the rows of its figures.
    pub template: &'static str,
    /// What the template is filled with, and the captions of its figures; none where the run has
    /// nothing for the section, which is then left out.
    pub context: fn(&Content<'_>) -> Result<Option<TemplateValue>>,
}
