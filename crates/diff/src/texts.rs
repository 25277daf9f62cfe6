use std::collections::HashMap;

use pages::{Markup, Span, compared};
use results::Generation;
use serde::Serialize;
use terms::FinishReason;

use crate::Run;

/// The texts of one generation set in both runs.
#[derive(Debug, Serialize)]
pub struct TextSet {
    pub name: String,
    pub same: usize,
    /// Pairs whose texts differ, in A's order.
    pub differing: Vec<Pair>,
    /// Rows without a counterpart of the same set, condition, prompt, coefficient and sample.
    pub only_a: usize,
    pub only_b: usize,
}

/// One text in both runs.
#[derive(Debug, Serialize)]
pub struct Pair {
    pub prompt_id: String,
    pub prompt: String,
    pub condition: String,
    pub coefficient: Option<f64>,
    pub sample: usize,
    /// With the words marked that the other text does not have there.
    pub a: Vec<Span>,
    pub b: Vec<Span>,
}

/// Pairs the texts of both runs: sets in A's order, then those that only B has. None if one of
/// them has no texts.
pub fn texts(a: &Run, b: &Run) -> Option<Vec<TextSet>> {
    let (of_a, of_b) = (&a.generations.as_ref()?.0, &b.generations.as_ref()?.0);
    let mut names: Vec<&str> = Vec::new();
    for row in of_a.iter().chain(of_b) {
        if !names.contains(&row.set.as_str()) {
            names.push(&row.set);
        }
    }
    let markup = markup([a, b]);
    let set = |name: &str| text_set(name, of_a, of_b, &markup);
    Some(names.into_iter().map(set).collect())
}

/// The tokens of both runs' chat formats, so that they are shown as what they are.
fn markup(runs: [&Run; 2]) -> Markup {
    let mut markup = Markup::default();
    for run in runs {
        for row in &run.prompts {
            markup.learn_from_prompt(&row.text, &row.token_texts, std::slice::from_ref(&row.prompt));
        }
        let generations = run.generations.iter().flat_map(|(rows, _)| rows);
        for row in generations.filter(|row| row.finish_reason == FinishReason::Stop) {
            markup.learn_from_end(&row.text);
        }
    }
    markup
}

fn text_set(name: &str, of_a: &[Generation], of_b: &[Generation], markup: &Markup) -> TextSet {
    let own = |rows: &'_ [Generation]| -> Vec<Generation> {
        rows.iter().filter(|row| row.set == name).cloned().collect()
    };
    let (of_a, of_b) = (own(of_a), own(of_b));
    let others: HashMap<Key<'_>, &Generation> = of_b.iter().map(|row| (key(row), row)).collect();
    let mut set = TextSet {
        name: name.to_owned(),
        same: 0,
        differing: Vec::new(),
        only_a: 0,
        only_b: 0,
    };
    for row in &of_a {
        match others.get(&key(row)) {
            None => set.only_a += 1,
            Some(other) if other.text == row.text => set.same += 1,
            Some(other) => set.differing.push(pair(markup, row, other)),
        }
    }
    set.only_b = of_b.len() - set.same - set.differing.len();
    set
}

/// What makes a text the counterpart of another: condition, the prompt's id and text, the
/// coefficient's bits, sample.
type Key<'a> = (&'a str, &'a str, &'a str, Option<u64>, usize);

fn key(row: &Generation) -> Key<'_> {
    let coefficient = row.coefficient.map(f64::to_bits);
    (
        &row.condition,
        &row.prompt_id,
        &row.prompt,
        coefficient,
        row.sample,
    )
}

fn pair(markup: &Markup, row: &Generation, other: &Generation) -> Pair {
    Pair {
        prompt_id: row.prompt_id.clone(),
        prompt: row.prompt.clone(),
        condition: row.condition.clone(),
        coefficient: row.coefficient,
        sample: row.sample,
        a: compared(markup, &other.text, &row.text),
        b: compared(markup, &row.text, &other.text),
    }
}
