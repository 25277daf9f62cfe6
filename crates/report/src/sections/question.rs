//! The question that the run asks: one prompt in every format.

use anyhow::Result;
use minijinja::context;
use minijinja::value::Value as TemplateValue;
use pages::{Span, shown};
use pipeline::Condition;
use serde::Serialize;

use super::section::Section;
use crate::conditions::condition_colour;
use crate::content::Content;

pub const SECTION: Section = Section {
    id: "question",
    contents: Some("Question"),
    template: include_str!("question.html"),
    context,
};

/// A chat format, and the first prompt in it.
#[derive(Serialize)]
struct FormatView {
    label: String,
    colour: String,
    opens: &'static str,
    side: &'static str,
    text: Option<Vec<Span>>,
}

fn context(content: &Content<'_>) -> Result<Option<TemplateValue>> {
    let inputs = content.inputs;
    let first_prompt = inputs.prompt_ids().first().map(|id| inputs.prompt_text(id));
    let conditions = content.pipeline.conditions.iter();
    let formats: Vec<FormatView> = conditions.map(|own| format_view(content, own)).collect();
    Ok(Some(context! { first_prompt, formats => shown(formats) }))
}

fn format_view(content: &Content<'_>, condition: &Condition) -> FormatView {
    let contrast = &content.pipeline.contrast;
    let side = match &condition.name {
        name if *name == contrast.positive => "positive",
        name if *name == contrast.negative => "negative",
        _ => "",
    };
    let mut rows = content.inputs.prompts.iter();
    let first = rows.find(|row| row.condition == condition.name);
    FormatView {
        label: condition.label.clone(),
        colour: condition_colour(content.pipeline, &condition.name).css(),
        opens: condition.opens.as_str(),
        side,
        text: first.map(|row| content.inputs.markup.spans(&row.text)),
    }
}
