use std::collections::BTreeMap;

use crate::{Cache, Network};

/// The keys and values of rows that have ended, for later texts that begin the same way: a
/// continuing conversation.
///
/// A row's tokens are known by its number. They are valid only for callers that treat that
/// number's residual stream as before, and alike at every position; if that changes,
/// [`forget`](Self::forget) it.
pub struct ConversationCache {
    pub(crate) cache: Cache,
    rows: BTreeMap<usize, Vec<u32>>,
    keeps: bool,
}

impl ConversationCache {
    /// An empty cache.
    pub fn of(model: &Network) -> Self {
        ConversationCache {
            cache: model.cache(),
            rows: BTreeMap::new(),
            keeps: true,
        }
    }

    /// A cache that releases each row at its end, for unrelated texts.
    pub(crate) fn without_keeping(model: &Network) -> Self {
        ConversationCache {
            keeps: false,
            ..ConversationCache::of(model)
        }
    }

    /// Releases what is known about a row.
    pub fn forget(&mut self, row: usize) {
        self.rows.remove(&row);
        self.cache.remove(row);
    }

    /// How many tokens of the prompt the row need not compute: those that it had before, and never
    /// the last one, whose logits are wanted. None, if it is cut back so far that sliding layers no
    /// longer have what is seen there; it can always be cut back to the end of this prompt. Until
    /// [`keep`](Self::keep), the row is no longer known, so that a pass that fails leaves nothing
    /// wrong behind.
    pub(crate) fn recall(&mut self, row: usize, prompt: &[u32]) -> usize {
        let before = self.rows.remove(&row).unwrap_or_default();
        let common = before.iter().zip(prompt).take_while(|(a, b)| a == b).count();
        let end = prompt.len().saturating_sub(1);
        let known = self.cache.truncate(row, common.min(end));
        if self.keeps {
            self.cache.may_return(row, end);
        }
        known
    }

    /// How many rows are kept that are none of these.
    pub(crate) fn kept_beside<'a>(&self, rows: impl Iterator<Item = &'a usize>) -> usize {
        self.rows.len() - rows.filter(|row| self.rows.contains_key(row)).count()
    }

    /// The row has ended with these tokens, the last of which has not been computed.
    pub(crate) fn keep(&mut self, row: usize, mut tokens: Vec<u32>) {
        if self.keeps {
            tokens.truncate(self.cache.length(row));
            self.rows.insert(row, tokens);
        } else {
            self.cache.remove(row);
        }
    }
}
