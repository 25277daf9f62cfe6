//! Every prompt in every format, token by token.

use anyhow::Result;
use minijinja::context;
use minijinja::value::Value as TemplateValue;
use pages::shown;
use pipeline::Condition;
use results::{ReadPosition, RenderedPrompt};
use serde::Serialize;

use super::section::Section;
use super::tokens::{TokenView, token_views};
use crate::content::Content;

pub const SECTION: Section = Section {
    id: "prompts",
    contents: None,
    template: include_str!("prompts.html"),
    context,
};

#[derive(Serialize)]
struct FormatView {
    label: String,
    prompts: Vec<PromptView>,
}

#[derive(Serialize)]
struct PromptView {
    id: String,
    tokens: Vec<TokenView>,
}

fn context(content: &Content<'_>) -> Result<Option<TemplateValue>> {
    let conditions = content.pipeline.conditions.iter();
    let formats: Vec<FormatView> = conditions.map(|own| format_view(content, own)).collect();
    Ok(Some(context! { formats => shown(formats) }))
}

fn format_view(content: &Content<'_>, condition: &Condition) -> FormatView {
    let prompts = content.inputs.prompts.iter();
    let own = prompts.filter(|row| row.condition == condition.name);
    let prompt = |row: &RenderedPrompt| PromptView {
        id: row.prompt_id.clone(),
        tokens: token_views(&content.inputs.markup, row, &reads(content, row)),
    };
    FormatView {
        label: condition.label.clone(),
        prompts: own.map(prompt).collect(),
    }
}

/// Where this prompt was read in this condition.
fn reads<'a>(content: &Content<'a>, prompt: &RenderedPrompt) -> Vec<&'a ReadPosition> {
    let is_own =
        |read: &&ReadPosition| read.prompt_id == prompt.prompt_id && read.condition == prompt.condition;
    content.inputs.positions.iter().filter(is_own).collect()
}
