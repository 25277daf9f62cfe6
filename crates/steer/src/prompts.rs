//! Which prompts sets have texts of.

use std::collections::{BTreeMap, BTreeSet};

use results::RenderedPrompt;
use statistics::evenly;

/// At most this many prompts of each condition, evenly spaced among them, in their order.
pub fn picked(prompts: Vec<RenderedPrompt>, most: Option<usize>) -> Vec<RenderedPrompt> {
    let Some(most) = most else {
        return prompts;
    };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for prompt in &prompts {
        *counts.entry(prompt.condition.clone()).or_default() += 1;
    }
    let wanted: BTreeMap<String, BTreeSet<usize>> = counts
        .into_iter()
        .map(|(condition, count)| (condition, evenly(count, most).into_iter().collect()))
        .collect();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut is_wanted = |prompt: &RenderedPrompt| {
        let number = seen.entry(prompt.condition.clone()).or_default();
        *number += 1;
        wanted[&prompt.condition].contains(&(*number - 1))
    };
    prompts.into_iter().filter(|prompt| is_wanted(prompt)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompts(condition: &str, count: usize) -> Vec<RenderedPrompt> {
        let prompt = |number: usize| RenderedPrompt {
            prompt_id: format!("p{number}"),
            prompt: String::new(),
            condition: condition.to_owned(),
            text: String::new(),
            n_tokens: 0,
            token_ids: Vec::new(),
            token_texts: Vec::new(),
            opening: 0,
        };
        (0..count).map(prompt).collect()
    }

    #[test]
    fn each_condition_has_the_same_prompts_evenly_spaced() {
        let all = [prompts("normal", 10), prompts("swapped", 10)].concat();
        let ids = |prompts: Vec<RenderedPrompt>| -> Vec<String> {
            prompts
                .into_iter()
                .map(|prompt| format!("{} {}", prompt.condition, prompt.prompt_id))
                .collect()
        };
        let expected = [
            "normal p0",
            "normal p3",
            "normal p6",
            "swapped p0",
            "swapped p3",
            "swapped p6",
        ];
        assert_eq!(ids(picked(all.clone(), Some(3))), expected);
        for all_of_them in [None, Some(10), Some(1000)] {
            assert_eq!(ids(picked(all.clone(), all_of_them)), ids(all.clone()));
        }
    }
}
