use std::collections::HashMap;

use artifacts::Generation;
use serde::Serialize;
use similar::{ChangeTag, TextDiff};

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
    pub a: Vec<Word>,
    pub b: Vec<Word>,
}

/// A stretch of a text, and whether the other text lacks it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Word {
    pub text: String,
    pub is_own: bool,
}

/// Pairs the texts of both runs: sets in A's order, then those that only B has. None where one of them has no texts.
pub fn texts(a: &Run, b: &Run) -> Option<Vec<TextSet>> {
    let (of_a, of_b) = (&a.generations.as_ref()?.0, &b.generations.as_ref()?.0);
    let mut names: Vec<&str> = Vec::new();
    for row in of_a.iter().chain(of_b) {
        if !names.contains(&row.set.as_str()) {
            names.push(&row.set);
        }
    }
    Some(names.into_iter().map(|name| text_set(name, of_a, of_b)).collect())
}

fn text_set(name: &str, of_a: &[Generation], of_b: &[Generation]) -> TextSet {
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
            Some(other) => set.differing.push(pair(row, other)),
        }
    }
    set.only_b = of_b.len() - set.same - set.differing.len();
    set
}

/// What makes a text the counterpart of another: condition, prompt, the coefficient's bits, sample.
type Key<'a> = (&'a str, &'a str, Option<u64>, usize);

fn key(row: &Generation) -> Key<'_> {
    let coefficient = row.coefficient.map(f64::to_bits);
    (&row.condition, &row.prompt_id, coefficient, row.sample)
}

fn pair(row: &Generation, other: &Generation) -> Pair {
    let (a, b) = words(&row.text, &other.text);
    Pair {
        prompt_id: row.prompt_id.clone(),
        prompt: row.prompt.clone(),
        condition: row.condition.clone(),
        coefficient: row.coefficient,
        sample: row.sample,
        a,
        b,
    }
}

/// Both texts word by word, those marked that the other has not at their place.
pub fn words(a: &str, b: &str) -> (Vec<Word>, Vec<Word>) {
    let difference = TextDiff::from_words(a, b);
    let (mut of_a, mut of_b) = (Vec::new(), Vec::new());
    for change in difference.iter_all_changes() {
        let text = change.value();
        match change.tag() {
            ChangeTag::Equal => {
                push(&mut of_a, text, false);
                push(&mut of_b, text, false);
            }
            ChangeTag::Delete => push(&mut of_a, text, true),
            ChangeTag::Insert => push(&mut of_b, text, true),
        }
    }
    (joined(of_a), joined(of_b))
}

/// Blanks between two words of one text alone are its own too, or every word would stand by itself.
fn joined(words: Vec<Word>) -> Vec<Word> {
    let mut all: Vec<Word> = Vec::new();
    let count = words.len();
    for (index, word) in words.into_iter().enumerate() {
        let is_between = all.last().is_some_and(|last| last.is_own) && index + 1 < count;
        let is_own = word.is_own || (is_between && word.text.trim().is_empty());
        push(&mut all, &word.text, is_own);
    }
    all
}

/// Words of one kind that follow each other are one stretch.
fn push(words: &mut Vec<Word>, text: &str, is_own: bool) {
    match words.last_mut() {
        Some(last) if last.is_own == is_own => last.text.push_str(text),
        _ => words.push(Word {
            text: text.to_owned(),
            is_own,
        }),
    }
}
