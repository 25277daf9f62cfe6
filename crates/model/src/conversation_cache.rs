use std::collections::BTreeMap;

use crate::{Cache, Network};

/// The keys and values of rows that have ended, for later texts that begin as they did: a
/// conversation that goes on.
///
/// A row's tokens are known by its number. They are worth something only to who treats that
/// number's residual stream as before, at every position alike; where that changes,
/// [`forget`](Self::forget) it.
pub struct ConversationCache {
    pub(crate) cache: Cache,
    rows: BTreeMap<usize, Vec<u32>>,
    keeps: bool,
}

impl ConversationCache {
    /// Nothing yet.
    pub fn of(model: &Network) -> Self {
        ConversationCache {
            cache: model.cache(),
            rows: BTreeMap::new(),
            keeps: true,
        }
    }

    /// One that lets go of each row at its end, for texts that have nothing to do with each other.
    pub(crate) fn without_keeping(model: &Network) -> Self {
        ConversationCache {
            keeps: false,
            ..ConversationCache::of(model)
        }
    }

    /// Lets go of what is known of a row.
    pub fn forget(&mut self, row: usize) {
        self.rows.remove(&row);
        self.cache.remove(row);
    }

    /// How many tokens of the prompt the row need not compute: those that it had before, and never
    /// the last one, whose logits are wanted. Until [`keep`](Self::keep) the row is not known any
    /// more, so that a pass that fails leaves nothing wrong behind.
    pub(crate) fn recall(&mut self, row: usize, prompt: &[u32]) -> usize {
        let before = self.rows.remove(&row).unwrap_or_default();
        let common = before.iter().zip(prompt).take_while(|(a, b)| a == b).count();
        let common = common.min(prompt.len().saturating_sub(1));
        self.cache.truncate(row, common);
        common
    }

    /// The row has ended with these tokens, of which the last was not computed with.
    pub(crate) fn keep(&mut self, row: usize, mut tokens: Vec<u32>) {
        if self.keeps {
            tokens.truncate(self.cache.length(row));
            self.rows.insert(row, tokens);
        } else {
            self.cache.remove(row);
        }
    }
}
