//! How long the texts of each condition are, and where they were read.

use std::collections::HashMap;

use results::{ReadPosition, RenderedPrompt};
use serde::Serialize;
use terms::Pooling;

/// What the texts of one condition are like: all of them, not just those shown.
#[derive(Debug, PartialEq, Serialize)]
pub struct ConditionFacts {
    pub condition: String,
    pub texts: usize,
    pub tokens: Range,
    /// How often a text has the token that texts begin with, such as `<bos>`.
    pub beginnings: Range,
    /// The tokens whose residual the contrast's pooling read, as the vocabulary spells them; empty
    /// where it is a mean, or reads answers.
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

/// One condition after the other, in the order of the table. `beginning` is the token that texts
/// begin with, where the format has one.
pub fn condition_facts(
    prompts: &[RenderedPrompt],
    positions: &[ReadPosition],
    pooling: Pooling,
    beginning: Option<&str>,
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
        let beginnings = |prompt: &RenderedPrompt| {
            let texts = prompt.token_texts.iter();
            texts.filter(|text| Some(text.as_str()) == beginning).count()
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
            beginnings: Range::of(own().map(beginnings)),
            read,
            after: Range::of(after),
        }
    };
    conditions.into_iter().map(facts).collect()
}
