//! Which prompts are set aside together, so that a dose is measured on prompts that neither chose it nor made its
//! vector.

use std::collections::HashMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use results::RenderedPrompt;

use crate::prompts::PromptPair;

/// The most folds; with fewer different prompts, each is a fold of its own.
pub const MOST_FOLDS: usize = 5;

/// A cut of the sweep's prompts into parts of nearly equal size.
#[derive(Clone, Debug, Default)]
pub struct Folds {
    /// By the ids of recorded prompts, for those whose text is in the sweep.
    of_prompt: HashMap<String, usize>,
    /// The prompts of the sweep, in order.
    pub of_pair: Vec<usize>,
    /// 0 where there are fewer than two different prompts, which can't be cut.
    pub count: usize,
}

impl Folds {
    /// Different texts are dealt out in a random order. Prompts with the same text have the same fold, among the recorded
    /// ones too: a copy is not another prompt.
    pub fn of(pairs: &[PromptPair], recorded: &[RenderedPrompt], seed: u64) -> Self {
        let mut texts: Vec<&str> = Vec::new();
        let mut place: HashMap<&str, usize> = HashMap::new();
        for pair in pairs {
            place.entry(&pair.text).or_insert_with(|| {
                texts.push(&pair.text);
                texts.len() - 1
            });
        }
        if texts.len() < 2 {
            return Folds::default();
        }
        let count = MOST_FOLDS.min(texts.len());
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(u64::MAX);
        let mut fold_of: Vec<usize> = (0..texts.len()).map(|place| place % count).collect();
        for last in (1..fold_of.len()).rev() {
            fold_of.swap(last, generator.random_range(0..=last));
        }
        let own = recorded.iter().filter_map(|row| {
            let place = place.get(row.prompt.as_str())?;
            Some((row.prompt_id.clone(), fold_of[*place]))
        });
        Folds {
            of_prompt: own.collect(),
            of_pair: pairs
                .iter()
                .map(|pair| fold_of[place[pair.text.as_str()]])
                .collect(),
            count,
        }
    }

    /// The fold of a recorded prompt; none of those that the sweep does not use, which are never set aside.
    pub fn of_recorded(&self, prompt_id: &str) -> Option<usize> {
        self.of_prompt.get(prompt_id).copied()
    }

    /// The prompts of the sweep in this fold, and those outside of it.
    pub fn split(&self, fold: usize) -> (Vec<usize>, Vec<usize>) {
        (0..self.of_pair.len()).partition(|pair| self.of_pair[*pair] == fold)
    }
}
