//! What a reader should know before trusting the figures.

use anyhow::Result;
use minijinja::context;
use minijinja::value::Value as TemplateValue;
use pages::shown;
use pipeline::Pipeline;
use results::{Generation, Verdict};
use serde::Serialize;
use terms::{FinishReason, Pooling};

use super::section::Section;
use crate::conditions::label;
use crate::content::Content;
use crate::inputs::Inputs;
use crate::token_facts::{ConditionFacts, Range};

pub const SECTION: Section = Section {
    id: "trust",
    contents: Some("Trust"),
    template: include_str!("trust.html"),
    context,
};

fn context(content: &Content<'_>) -> Result<Option<TemplateValue>> {
    let (pipeline, inputs) = (content.pipeline, content.inputs);
    Ok(Some(context! {
        warnings => warnings(pipeline, inputs),
        beginning => inputs.beginning.clone(),
        facts => shown(facts_views(pipeline, &inputs.facts)),
    }))
}

/// The facts of the conditions in words.
#[derive(Serialize)]
struct FactsView {
    label: String,
    texts: usize,
    tokens: String,
    beginnings: String,
    read: String,
    after: String,
}

fn facts_views(pipeline: &Pipeline, facts: &[ConditionFacts]) -> Vec<FactsView> {
    let view = |facts: &ConditionFacts| FactsView {
        label: label(pipeline, &facts.condition),
        texts: facts.texts,
        tokens: range(facts.tokens),
        beginnings: range(facts.beginnings),
        read: match facts.read.as_slice() {
            [] => several(pipeline.contrast.pooling).to_owned(),
            read => named(read),
        },
        after: if facts.read.is_empty() {
            "\u{2013}".to_owned()
        } else {
            range(facts.after)
        },
    };
    facts.iter().map(view).collect()
}

/// What is read where it is not one of the text's own tokens.
fn several(pooling: Pooling) -> &'static str {
    match pooling {
        Pooling::Opening => "the mean of the opened turn\u{2019}s header",
        Pooling::Answer => "the mean of the answer\u{2019}s tokens",
        Pooling::AnswerFirst => "the answer\u{2019}s first token",
        Pooling::Mean | Pooling::Newline | Pooling::Last => "the mean of all tokens",
    }
}

/// Sentences; none where nothing is unusual.
fn warnings(pipeline: &Pipeline, inputs: &Inputs) -> Vec<String> {
    let mut warnings = Vec::new();
    match inputs.certificate.verdict {
        Verdict::Verified => {}
        Verdict::NotVerified => warnings.push(
            "This model was not compared with an independent implementation: nothing shows that it is \
             implemented correctly."
                .to_owned(),
        ),
        Verdict::Failed => warnings.push("The check of the model failed; see below.".to_owned()),
    }
    for facts in &inputs.facts {
        let label = label(pipeline, &facts.condition);
        let once = Range { least: 1, most: 1 };
        if let Some(token) = inputs.beginning.as_ref().filter(|_| facts.beginnings != once) {
            let count = range(facts.beginnings);
            warnings.push(format!(
                "The texts of “{label}” have {count} {token} tokens; models are trained with one, at the beginning."
            ));
        }
        if facts.after.most > 0 {
            warnings.push(format!(
                "In “{label}” the residual was read up to {} tokens before the end of the text, not where the model would continue.",
                facts.after.most
            ));
        }
    }
    warnings.extend(other_tokens(pipeline, &inputs.facts));
    if pipeline.contrast.pooling.reads_answer() {
        warnings.push(
            "The two sides of the contrast were read in the model\u{2019}s own answers, so it also contains what their words \
             differ in."
                .to_owned(),
        );
    }
    warnings.extend(found_by_extract(inputs));
    let cut = |row: &&Generation| row.finish_reason == FinishReason::Length;
    let count = inputs.generations.iter().filter(cut).count();
    if count > 0 {
        warnings.push(format!(
            "{count} of {} generated texts were cut off at {} tokens.",
            inputs.generations.len(),
            pipeline.steer.max_new_tokens
        ));
    }
    warnings
}

/// What was found when the prompts were rendered: a line each.
fn found_by_extract(inputs: &Inputs) -> Vec<String> {
    let prompts = inputs.metadata.iter().find(|(table, _)| *table == "prompts");
    let findings = prompts.and_then(|(_, metadata)| metadata.get("findings"));
    let lines = findings.into_iter().flat_map(str::lines);
    lines.map(|line| format!("{line}.")).collect()
}

/// A contrast of two kinds of tokens holds what the tokens differ in.
fn other_tokens(pipeline: &Pipeline, facts: &[ConditionFacts]) -> Option<String> {
    let of = |name: &str| facts.iter().find(|facts| facts.condition == name);
    let (positive, negative) = (of(&pipeline.contrast.positive)?, of(&pipeline.contrast.negative)?);
    (positive.read != negative.read).then(|| {
        format!(
            "The two sides of the contrast were read at different tokens, {} and {}, so it also contains the difference between these tokens.",
            named(&positive.read),
            named(&negative.read)
        )
    })
}

/// Tokens by name, a few of them.
fn named(tokens: &[String]) -> String {
    const NAMED: usize = 5;
    let name = |token: &String| match token.as_str() {
        "\n" => "the line break".to_owned(),
        token => format!("“{token}”"),
    };
    let mut names: Vec<String> = tokens.iter().take(NAMED).map(name).collect();
    if tokens.len() > NAMED {
        names.push(format!("{} others", tokens.len() - NAMED));
    }
    names.join(", ")
}

fn range(range: Range) -> String {
    if range.least == range.most {
        range.least.to_string()
    } else {
        format!("{} to {}", range.least, range.most)
    }
}
