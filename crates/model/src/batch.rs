use std::collections::HashMap;

use crate::{Error, Forks, Result};

/// The tokens of one pass, packed: nothing is padded, and what rows share at their
/// beginning is stored once.
///
/// A token's residual stream depends only on the tokens before it, and on what a tap did to these.
/// So rows with the same beginning share its tokens up to the layer where they are first
/// changed in different ways, and each token is computed once however many rows it belongs to.
/// From there on each has its own: the tokens of later layers are those of earlier ones, some of
/// them several times.
#[derive(Clone, Debug)]
pub struct Batch {
    forks: Forks,
    rows: Vec<Row>,
    /// The tokens up to the first fork, up to the second, …
    stretches: Vec<Stretch>,
    wanted: Option<Vec<usize>>,
}

/// One token of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// The token itself.
    pub id: u32,
    /// Counted from the row's first token, even if that was in an earlier pass.
    pub position: usize,
    /// The row that it belongs to, or the first of several.
    pub row: usize,
    /// Whether it is its row's last token so far. The parts of a long prompt that come before its
    /// end have no such token.
    pub is_last: bool,
    /// Its index among the tokens of the same layers.
    pub place: usize,
    /// Its row's index in the batch.
    pub(crate) entry: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// The caller's number.
    pub number: usize,
    /// Tokens of earlier passes.
    pub start: usize,
    /// Whether this pass has all of its tokens that are known.
    pub ends: bool,
}

/// The layers between two forks, which have the same tokens.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stretch {
    pub tokens: Vec<Token>,
    /// For each row of the batch the places of its tokens, in order.
    pub places: Vec<Vec<usize>>,
    /// For each token its place in the stretch before.
    pub origins: Vec<usize>,
    /// Where to find a token that another row also has.
    shared: HashMap<Shared, usize>,
}

/// What tokens have in common that are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Shared {
    before: Before,
    id: u32,
    is_last: bool,
    class: usize,
}

/// What comes before a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Before {
    /// It is the row's first one.
    Nothing,
    /// A token of this pass.
    Place(usize),
    /// One of an earlier pass, by its slot in the cache.
    Slot(u32),
}

impl Default for Batch {
    fn default() -> Self {
        Batch::with_forks(Forks::default())
    }
}

impl Batch {
    /// Whole rows, numbered from 0, all treated alike.
    ///
    /// # Errors
    /// No row, or a row without tokens.
    pub fn of(rows: &[impl AsRef<[u32]>]) -> Result<Self> {
        Batch::default().with_rows(rows)
    }

    /// Without rows yet, for a pass with a tap that has these
    /// [`forks`](crate::ResidualTap::forks).
    pub fn with_forks(forks: Forks) -> Self {
        Batch {
            stretches: vec![Stretch::default(); forks.layers().len() + 1],
            forks,
            rows: Vec::new(),
            wanted: None,
        }
    }

    /// With whole rows, numbered from 0.
    ///
    /// # Errors
    /// No row, or a row without tokens.
    pub fn with_rows(mut self, rows: &[impl AsRef<[u32]>]) -> Result<Self> {
        for (number, row) in rows.iter().enumerate() {
            self.push(number, 0, row.as_ref())?;
        }
        if self.rows.is_empty() {
            return Err(Error::Request("the batch has no rows".to_owned()));
        }
        Ok(self)
    }

    /// Adds tokens of the row `number`, the first of them at the position `start`. Rows that begin
    /// in this pass share tokens.
    ///
    /// # Errors
    /// No tokens.
    pub fn push(&mut self, number: usize, start: usize, ids: &[u32]) -> Result<()> {
        let row = Row {
            number,
            start,
            ends: true,
        };
        self.push_after(row, ids, &[])
    }

    /// The same for a row that goes on after a token of which these are the slots in the cache, one
    /// for each stretch of layers: rows that had the same token share what follows it.
    pub(crate) fn push_after(&mut self, row: Row, ids: &[u32], slots: &[u32]) -> Result<()> {
        let number = row.number;
        if ids.is_empty() {
            return Err(Error::Request(format!("row {number} of the batch has no tokens")));
        }
        let entry = self.rows.len();
        for index in 0..self.stretches.len() {
            let class = |position, is_last| self.forks.class(index, number, position, is_last);
            let before = match row.start {
                0 => Some(Before::Nothing),
                _ => slots.get(index).map(|slot| Before::Slot(*slot)),
            };
            let (earlier, rest) = self.stretches.split_at_mut(index);
            let added = Added {
                row: &row,
                entry,
                ids,
                before,
                class: &class,
            };
            rest[0].push(&added, earlier.last());
        }
        self.rows.push(row);
        Ok(())
    }

    /// Only these places are wanted after the last layer: their residual streams, in this order,
    /// are what the pass returns, and the last layer computes no others.
    pub fn with_wanted(mut self, places: Vec<usize>) -> Self {
        self.wanted = Some(places);
        self
    }

    /// As many tokens as the pass computes in its last layer.
    pub fn len(&self) -> usize {
        self.tokens().len()
    }

    /// Whether the pass computes no token.
    pub fn is_empty(&self) -> bool {
        self.tokens().is_empty()
    }

    /// The tokens after the last layer, in the order of their places.
    pub fn tokens(&self) -> &[Token] {
        &self.stretches[self.stretches.len() - 1].tokens
    }

    /// Places after the last layer of the tokens that the n-th row of the batch has in this pass.
    pub fn places(&self, row: usize) -> &[usize] {
        &self.stretches[self.stretches.len() - 1].places[row]
    }

    /// The same among the tokens that a layer takes: those of its
    /// [`site`](crate::ResidualTap::site)s. The ones that it hands on to
    /// [`residual`](crate::ResidualTap::residual) are those that the next layer takes.
    pub fn places_before(&self, layer: usize, row: usize) -> &[usize] {
        &self.before(layer).places[row]
    }

    /// The number of rows, each of which has tokens in this pass.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// The tokens that a layer takes.
    pub(crate) fn before(&self, layer: usize) -> &Stretch {
        &self.stretches[self.forks.before(layer)]
    }

    pub(crate) fn stretches(&self) -> &[Stretch] {
        &self.stretches
    }

    pub(crate) fn forks(&self) -> &Forks {
        &self.forks
    }

    pub(crate) fn entries(&self) -> &[Row] {
        &self.rows
    }

    pub(crate) fn wanted(&self) -> Option<&[usize]> {
        self.wanted.as_deref()
    }
}

/// A row's tokens in one stretch of layers.
struct Added<'a> {
    row: &'a Row,
    entry: usize,
    ids: &'a [u32],
    /// None where nothing is known that another row could have too.
    before: Option<Before>,
    /// What a token at this position has in common with those of other rows that are changed alike;
    /// whether it is the last one.
    class: &'a dyn Fn(usize, bool) -> usize,
}

impl Stretch {
    /// `earlier`: the stretch before, which has the row already.
    fn push(&mut self, added: &Added<'_>, earlier: Option<&Stretch>) {
        let (row, entry, ids) = (added.row, added.entry, added.ids);
        let mut before = added.before;
        let mut places = Vec::with_capacity(ids.len());
        for (offset, id) in ids.iter().enumerate() {
            let is_last = row.ends && offset + 1 == ids.len();
            let next = self.tokens.len();
            let shared = before.map(|before| Shared {
                before,
                id: *id,
                is_last,
                class: (added.class)(row.start + offset, is_last),
            });
            let place = shared.map_or(next, |shared| *self.shared.entry(shared).or_insert(next));
            if place == next {
                self.tokens.push(Token {
                    id: *id,
                    position: row.start + offset,
                    row: row.number,
                    is_last,
                    place,
                    entry,
                });
                let origin = earlier.map_or(place, |earlier| earlier.places[entry][offset]);
                self.origins.push(origin);
            }
            places.push(place);
            before = before.map(|_| Before::Place(place));
        }
        self.places.push(places);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(batch: &Batch) -> Vec<u32> {
        batch.tokens().iter().map(|token| token.id).collect()
    }

    #[test]
    fn common_beginnings_are_there_once() {
        let batch = Batch::of(&[vec![2, 5, 6], vec![2, 5, 7, 8], vec![3, 5]]).unwrap();
        assert_eq!(ids(&batch), [2, 5, 6, 7, 8, 3, 5]);
        assert_eq!(batch.places(0), [0, 1, 2]);
        assert_eq!(batch.places(1), [0, 1, 3, 4]);
        assert_eq!(batch.places(2), [5, 6]);
    }

    #[test]
    fn a_last_token_is_shared_with_last_tokens_only() {
        let batch = Batch::of(&[vec![2, 5], vec![2, 5, 6], vec![2, 5]]).unwrap();
        assert_eq!(ids(&batch), [2, 5, 5, 6]);
        assert_eq!(batch.places(2), batch.places(0));
        let last: Vec<bool> = batch.tokens().iter().map(|token| token.is_last).collect();
        assert_eq!(last, [false, true, false, true]);
    }

    #[test]
    fn rows_that_go_on_share_nothing() {
        let mut batch = Batch::default();
        batch.push(7, 0, &[2, 5]).unwrap();
        batch.push(9, 4, &[2, 5]).unwrap();
        assert_eq!(batch.len(), 4);
        assert_eq!(batch.tokens()[2].position, 4);
        assert_eq!(batch.tokens()[2].row, 9);
    }

    #[test]
    fn rows_that_go_on_share_what_follows_the_same_slot() {
        let mut batch = Batch::default();
        let row = |number| Row {
            number,
            start: 4,
            ends: true,
        };
        batch.push_after(row(7), &[2, 5], &[9]).unwrap();
        batch.push_after(row(8), &[2, 6], &[9]).unwrap();
        batch.push_after(row(9), &[2, 5], &[8]).unwrap();
        assert_eq!(ids(&batch), [2, 5, 6, 2, 5]);
        assert_eq!(batch.places(1), [0, 2]);
    }

    #[test]
    fn a_part_of_a_prompt_has_no_last_token() {
        let mut batch = Batch::default();
        let part = Row {
            number: 0,
            start: 0,
            ends: false,
        };
        batch.push_after(part, &[2, 5, 6], &[]).unwrap();
        batch.push(1, 0, &[2, 5, 6]).unwrap();
        assert_eq!(ids(&batch), [2, 5, 6, 6]);
        let last: Vec<bool> = batch.tokens().iter().map(|token| token.is_last).collect();
        assert_eq!(last, [false, false, false, true]);
    }

    #[test]
    fn rows_share_tokens_until_they_are_changed_differently() {
        // The second row is changed after layer 1, the third in its last token after layer 3.
        let treatment = |layer, row, is_last| (layer, row) == (1, 1) || (layer, row) == (3, 2) && is_last;
        let forks = Forks::new(5, 3, treatment);
        let rows = [[2u32, 5, 6]; 3];
        let batch = Batch::with_forks(forks).with_rows(&rows).unwrap();
        let lengths: Vec<usize> = batch
            .stretches
            .iter()
            .map(|stretch| stretch.tokens.len())
            .collect();
        assert_eq!(lengths, [3, 6, 7]);
        assert_eq!(batch.places_before(1, 1), [0, 1, 2]);
        assert_eq!(batch.places_before(2, 1), [3, 4, 5]);
        assert_eq!(batch.places_before(2, 2), [0, 1, 2]);
        assert_eq!(batch.places(2), [0, 1, 6]);
        assert_eq!(batch.stretches[1].origins, [0, 1, 2, 0, 1, 2]);
        assert_eq!(batch.stretches[2].origins, [0, 1, 2, 3, 4, 5, 2]);
    }
}
