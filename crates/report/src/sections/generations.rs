//! The generated texts as the report lays them out: a card for each set and prompt, a column for
//! each coefficient, the unsteered text first.

use anyhow::Result;
use minijinja::context;
use minijinja::value::Value as TemplateValue;
use pages::format::{coefficient, layer_list};
use pages::{Span, compared, shown};
use pipeline::{GenerationSet, Pipeline};
use results::Generation;
use serde::Serialize;
use terms::{FinishReason, GenerationStyle};

use super::section::Section;
use crate::conditions::{contrast_conditions, label};
use crate::content::Content;

pub const SECTION: Section = Section {
    id: "generations",
    contents: Some("Texts"),
    template: include_str!("generations.html"),
    context,
};

#[derive(Debug, Serialize)]
struct SetView {
    name: String,
    about: String,
    is_steered: bool,
    /// The layers that the set steers at, for the filter; empty where it doesn't.
    layers: String,
    /// What a steered set is compared with, or why it is not compared with anything.
    baseline: Option<String>,
    /// Tokens that the set never generates.
    suppressed: Vec<String>,
    cards: Vec<Card>,
}

#[derive(Debug, Serialize)]
struct Card {
    prompt_id: String,
    prompt: Vec<Span>,
    columns: Vec<Column>,
}

#[derive(Debug, Serialize)]
struct Column {
    heading: String,
    /// For the filter; empty in an unsteered column, which every filter shows.
    coefficient: String,
    interventions: String,
    texts: Vec<Text>,
}

#[derive(Debug, Serialize)]
struct Text {
    spans: Vec<Span>,
    about: String,
}

fn context(content: &Content<'_>) -> Result<Option<TemplateValue>> {
    let rows = &content.inputs.generations;
    let names = distinct(rows.iter().map(|row| row.set.as_str()));
    let sets: Vec<SetView> = names.into_iter().map(|name| set_view(content, name)).collect();
    let conditions = contrast_conditions(content.pipeline)?;
    Ok(Some(context! {
        labels => conditions.map(|condition| condition.label.clone()),
        prompt_ids => shown(distinct(rows.iter().map(|row| row.prompt_id.as_str()))),
        generated_prompts => content.inputs.generated_prompts,
        steered_layers => steered_layers(&sets),
        coefficients => coefficients(rows),
        sets => shown(sets),
    }))
}

/// What the filter of layers offers: the layers of each set that steers, once.
fn steered_layers(sets: &[SetView]) -> Vec<String> {
    let layers = sets.iter().map(|set| set.layers.clone());
    distinct(layers.filter(|layers| !layers.is_empty()))
}

/// Every coefficient of the table, from low to high, as filter and label.
fn coefficients(rows: &[Generation]) -> Vec<String> {
    let mut values: Vec<f64> = distinct(rows.iter().filter_map(|row| row.coefficient));
    values.sort_by(f64::total_cmp);
    values.into_iter().map(coefficient).collect()
}

fn set_view(content: &Content<'_>, name: &str) -> SetView {
    let (pipeline, rows) = (content.pipeline, &content.inputs.generations);
    let own: Vec<&Generation> = rows.iter().filter(|row| row.set == name).collect();
    let is_steered = own.iter().any(|row| row.coefficient.is_some());
    let set = find_set(pipeline, name);
    let baseline = if is_steered {
        set.and_then(|set| baseline(pipeline, set))
    } else {
        None
    };
    let unsteered = |prompt: &str| -> Vec<&Generation> {
        let name = baseline.map(|set| set.name.as_str());
        rows.iter()
            .filter(|row| Some(row.set.as_str()) == name && row.prompt_id == prompt)
            .collect()
    };
    let card = |prompt_id: &str| {
        let of_prompt: Vec<&Generation> = own
            .iter()
            .copied()
            .filter(|row| row.prompt_id == prompt_id)
            .collect();
        Card {
            prompt_id: prompt_id.to_owned(),
            prompt: content
                .inputs
                .markup
                .spans(of_prompt.first().map_or("", |row| &row.prompt)),
            columns: columns(content, &unsteered(prompt_id), &of_prompt),
        }
    };
    SetView {
        name: name.to_owned(),
        about: about_set(pipeline, &own),
        is_steered,
        layers: set.map_or(String::new(), |set| layers_of(set, content.layers())),
        baseline: is_steered.then(|| match baseline {
            Some(other) => format!("The unsteered texts are those of the set “{}”.", other.name),
            None => "No set of this pipeline has unsteered texts of the same condition.".to_owned(),
        }),
        suppressed: set
            .map(|set| {
                set.suppress
                    .iter()
                    .map(|token| token.escape_debug().to_string())
                    .collect()
            })
            .unwrap_or_default(),
        cards: distinct(own.iter().map(|row| row.prompt_id.as_str()))
            .into_iter()
            .map(card)
            .collect(),
    }
}

fn find_set<'a>(pipeline: &'a Pipeline, name: &str) -> Option<&'a GenerationSet> {
    pipeline.steer.sets.iter().find(|set| set.name == name)
}

/// The unsteered set to hold a steered one against: the same condition, and if possible
/// the same suppressed tokens and the same way of decoding.
fn baseline<'a>(pipeline: &'a Pipeline, steered: &GenerationSet) -> Option<&'a GenerationSet> {
    pipeline
        .steer
        .sets
        .iter()
        .filter(|set| set.interventions.is_empty() && set.condition == steered.condition)
        .min_by_key(|set| (set.suppress != steered.suppress, set.greedy != steered.greedy))
}

/// The layers of all its interventions in words, those that count from the end among them.
fn layers_of(set: &GenerationSet, count: usize) -> String {
    let from_the_start = |layer: i64| if layer < 0 { layer + count as i64 } else { layer };
    let named = set.interventions.iter().flat_map(|table| table.layers.iter());
    let mut layers: Vec<usize> = named
        .filter_map(|layer| usize::try_from(from_the_start(*layer)).ok())
        .collect();
    layers.sort_unstable();
    layers.dedup();
    let words = layer_list(&layers);
    let (_, numbers) = words.split_once(' ').unwrap_or_default();
    if layers.is_empty() {
        String::new()
    } else {
        numbers.to_owned()
    }
}

fn columns(content: &Content<'_>, unsteered: &[&Generation], own: &[&Generation]) -> Vec<Column> {
    let mut columns = Vec::new();
    if !unsteered.is_empty() {
        columns.push(column(
            content,
            "Unsteered".to_owned(),
            String::new(),
            unsteered,
            &[],
        ));
    }
    for value in distinct(own.iter().map(|row| row.coefficient)) {
        let rows: Vec<&Generation> = own
            .iter()
            .copied()
            .filter(|row| row.coefficient == value)
            .collect();
        let (heading, key) = match value {
            Some(value) => (format!("Coefficient {}", coefficient(value)), coefficient(value)),
            None => ("Unsteered".to_owned(), String::new()),
        };
        columns.push(column(content, heading, key, &rows, unsteered));
    }
    columns
}

fn column(
    content: &Content<'_>,
    heading: String,
    coefficient: String,
    rows: &[&Generation],
    unsteered: &[&Generation],
) -> Column {
    let interventions = rows
        .first()
        .map(|row| row.interventions.clone())
        .unwrap_or_default();
    let text = |row: &&Generation| {
        let same_sample = unsteered.iter().find(|other| other.sample == row.sample);
        text(
            content,
            row,
            same_sample.or(unsteered.first()).copied(),
            rows.len(),
        )
    };
    Column {
        heading,
        coefficient,
        interventions,
        texts: rows.iter().map(text).collect(),
    }
}

/// With the words marked that `unsteered` doesn't have.
fn text(content: &Content<'_>, row: &Generation, unsteered: Option<&Generation>, samples: usize) -> Text {
    let end = match row.finish_reason {
        FinishReason::Stop => "ended by itself",
        FinishReason::Length => "cut off",
    };
    let sample = if samples > 1 {
        format!("sample {}, ", row.sample + 1)
    } else {
        String::new()
    };
    let unit = if row.n_tokens == 1 { "token" } else { "tokens" };
    let same = unsteered.is_some_and(|other| other.text == row.text);
    let same = if same {
        ", identical to the unsteered text"
    } else {
        ""
    };
    Text {
        spans: match unsteered {
            Some(other) => compared(&content.inputs.markup, &other.text, &row.text),
            None => content.inputs.markup.spans(&row.text),
        },
        about: format!("{sample}{} {unit}, {end}{same}", row.n_tokens),
    }
}

fn about_set(pipeline: &Pipeline, rows: &[&Generation]) -> String {
    let conditions: Vec<String> = distinct(rows.iter().map(|row| row.condition.as_str()))
        .into_iter()
        .map(|name| label(pipeline, name))
        .collect();
    let decoding = match rows.first() {
        Some(row) if row.decoding == GenerationStyle::Greedy => {
            "the most likely token at each step".to_owned()
        }
        _ => format!("sampled at temperature {}", pipeline.steer.decoding.temperature),
    };
    format!("{}; {decoding}", conditions.join(", "))
}

fn distinct<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = Vec::new();
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen
}
