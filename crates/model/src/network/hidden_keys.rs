use kernels::Context;

use crate::cache::Path;
use crate::{ResidualTap, Token};

/// Keys that a tap keeps some of a layer's queries from seeing.
pub(super) struct HiddenKeys {
    /// For each query what is hidden of the keys that it would see; none for most.
    queries: Vec<Option<Hidden>>,
}

struct Hidden {
    /// Positions in the row, ascending.
    positions: Vec<usize>,
    /// The slots of what is left, in the order of positions.
    seen: Vec<u32>,
}

impl HiddenKeys {
    /// `tokens`: the layer's queries; `paths`: where each row's keys are. A query sees `window` keys
    /// at most, hidden ones included.
    pub fn new(layer: usize, tokens: &[Token], paths: &[Path], window: usize, tap: &dyn ResidualTap) -> Self {
        let of_query = |token: &Token| {
            let path = &paths[token.entry];
            let first = (token.position + 1).saturating_sub(window);
            let is_hidden = |position: &usize| tap.hides(layer, token, *position);
            let positions: Vec<usize> = (first..token.position).filter(is_hidden).collect();
            let is_left = |position: &usize| positions.binary_search(position).is_err();
            let left = (first..=token.position).filter(is_left);
            let seen = left.map(|position| path.slots[position - path.first]).collect();
            (!positions.is_empty()).then_some(Hidden { positions, seen })
        };
        HiddenKeys {
            queries: tokens.iter().map(of_query).collect(),
        }
    }

    /// What the query sees, if something is hidden from it.
    pub fn context(&self, query: usize) -> Option<Context<'_>> {
        let seen = &self.queries[query].as_ref()?.seen;
        Some(Context {
            path: seen,
            first: 0,
            end: seen.len(),
        })
    }

    /// Whether the query doesn't see the key at this position of its row.
    pub fn hides(&self, query: usize, position: usize) -> bool {
        let hidden = self.queries[query].as_ref();
        hidden.is_some_and(|hidden| hidden.positions.binary_search(&position).is_ok())
    }
}
