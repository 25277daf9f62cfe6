//! Which queries are computed together. It changes no bit, only how often keys and values are read.

use std::ops::Range;

use super::shape::Context;

/// Heads of queries that share what is read, roughly: their scores should stay in the cache.
const ROWS: usize = 32;

/// Consecutive queries of one text each: those whose path is the very same slice.
pub fn texts(contexts: &[Context<'_>]) -> Vec<Range<usize>> {
    let mut first = 0;
    let texts = contexts.chunk_by(|a, b| std::ptr::eq(a.path, b.path));
    texts
        .map(|text| {
            first += text.len();
            first - text.len()..first
        })
        .collect()
}

/// All positions that some of the queries see.
pub fn seen(contexts: &[Context<'_>]) -> Range<usize> {
    let starts = contexts.iter().map(|context| context.first);
    let ends = contexts.iter().map(|context| context.end);
    starts.min().unwrap_or(0)..ends.max().unwrap_or(0)
}

/// Cuts the queries of a text into tiles. What the queries of one see has nearly the same borders.
pub fn tiles(text: Range<usize>, contexts: &[Context<'_>], heads_of_group: usize) -> Vec<Range<usize>> {
    let most = (ROWS / heads_of_group).max(1);
    let mut tiles: Vec<Range<usize>> = Vec::new();
    for query in text {
        match tiles.last_mut() {
            Some(tile)
                if tile.len() < most
                    && contexts[query].end.abs_diff(contexts[tile.start].end) < most
                    && contexts[query].first.abs_diff(contexts[tile.start].first) < most =>
            {
                tile.end += 1;
            }
            _ => tiles.push(query..query + 1),
        }
    }
    tiles
}
