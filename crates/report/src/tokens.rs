//! The rendered prompts as tokens, with the places that were read.

use std::collections::HashMap;

use artifacts::{Pooling, ReadPosition, RenderedPrompt};
use serde::Serialize;

use crate::pieces::pieces;

#[derive(Debug, PartialEq, Serialize)]
pub struct TokenView {
    text: String,
    special: bool,
    /// Whether the token is nothing but line breaks: the next one stands on a new line.
    breaks: bool,
    /// The poolings that read the residual of this token.
    read_by: Vec<&'static str>,
}

/// `positions`: those of this prompt in this condition.
pub fn token_views(prompt: &RenderedPrompt, positions: &[&ReadPosition]) -> Vec<TokenView> {
    let view = |(place, text): (usize, &String)| TokenView {
        text: seen(text),
        special: is_special(text),
        breaks: !text.is_empty() && text.chars().all(|letter| letter == '\n'),
        read_by: positions
            .iter()
            .filter(|read| read.position == Some(place as i32))
            .map(|read| read.pooling.as_str())
            .collect(),
    };
    prompt.token_texts.iter().enumerate().map(view).collect()
}

/// A token as a reader can see it: spaces are spaces again, a line break is an arrow.
fn seen(text: &str) -> String {
    text.replace('\u{2581}', " ").replace('\n', "\u{21b5}")
}

fn is_special(text: &str) -> bool {
    matches!(pieces(text).as_slice(), [piece] if piece.special)
}

/// What the texts of one condition are like, all of them and not only those that are shown.
#[derive(Debug, PartialEq, Serialize)]
pub struct ConditionFacts {
    pub condition: String,
    pub texts: usize,
    pub tokens: Range,
    /// How many `<bos>` a text has.
    pub bos: Range,
    /// The tokens whose residual the contrast's pooling read, as the vocabulary spells them; none where it is a mean.
    pub read: Vec<String>,
    /// How many tokens come after the one that was read.
    pub after: Range,
}

/// The smallest and the largest of some counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Range {
    pub least: usize,
    pub most: usize,
}

impl Range {
    fn of(values: impl Iterator<Item = usize>) -> Self {
        let range = |range: Option<Range>, value: usize| {
            let Range { least, most } = range.unwrap_or(Range {
                least: value,
                most: value,
            });
            Some(Range {
                least: least.min(value),
                most: most.max(value),
            })
        };
        values.fold(None, range).unwrap_or_default()
    }
}

/// A condition after the other, in the order of the table.
pub fn condition_facts(
    prompts: &[RenderedPrompt],
    positions: &[ReadPosition],
    pooling: Pooling,
) -> Vec<ConditionFacts> {
    let mut conditions: Vec<&str> = Vec::new();
    let mut texts: HashMap<(&str, &str), &RenderedPrompt> = HashMap::new();
    for prompt in prompts {
        if !conditions.contains(&prompt.condition.as_str()) {
            conditions.push(&prompt.condition);
        }
        texts.insert((&prompt.condition, &prompt.prompt_id), prompt);
    }
    let facts = |condition: &str| {
        let own = || prompts.iter().filter(|prompt| prompt.condition == condition);
        let bos = |prompt: &RenderedPrompt| {
            let texts = prompt.token_texts.iter();
            texts.filter(|text| *text == "<bos>").count()
        };
        let read = positions
            .iter()
            .filter(|read| read.pooling == pooling && read.condition == condition);
        let places: Vec<(&RenderedPrompt, usize)> = read
            .filter_map(|read| {
                let prompt = texts.get(&(condition, read.prompt_id.as_str()))?;
                Some((*prompt, usize::try_from(read.position?).ok()?))
            })
            .collect();
        let mut read: Vec<String> = places
            .iter()
            .filter_map(|(prompt, place)| prompt.token_texts.get(*place).cloned())
            .collect();
        read.sort();
        read.dedup();
        let after = places
            .iter()
            .map(|(prompt, place)| prompt.token_texts.len().saturating_sub(place + 1));
        ConditionFacts {
            condition: condition.to_owned(),
            texts: own().count(),
            tokens: Range::of(own().map(|prompt| prompt.token_texts.len())),
            bos: Range::of(own().map(bos)),
            read,
            after: Range::of(after),
        }
    };
    conditions.into_iter().map(facts).collect()
}
