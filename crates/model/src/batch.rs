use std::collections::HashMap;

use crate::{Error, Result};

/// The tokens of one pass, packed: nothing is padded, and what rows share at their
/// beginning is stored once.
///
/// A token's residual stream depends only on the tokens before it. So rows with the
/// same beginning share its tokens, and each token is computed once however many rows it belongs
/// to.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    tokens: Vec<Token>,
    rows: Vec<Row>,
    /// Where to find a token that another row also has: by the one before it (or the row's group),
    /// its id, and whether it is its row's last.
    shared: HashMap<(Before, u32, bool), usize>,
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
    /// Whether it is its row's last token in this pass.
    pub is_last: bool,
    /// Its index in the batch.
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
    /// Places of its tokens in this pass, in order.
    pub places: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Before {
    Token(usize),
    Group(usize),
}

impl Batch {
    /// Whole rows, numbered from 0, all treated alike.
    ///
    /// # Errors
    /// No row, or a row without tokens.
    pub fn of(rows: &[impl AsRef<[u32]>]) -> Result<Self> {
        let mut batch = Batch::default();
        for (number, row) in rows.iter().enumerate() {
            batch.push(number, 0, 0, row.as_ref())?;
        }
        if batch.rows.is_empty() {
            return Err(Error::Request("the batch has no rows".to_owned()));
        }
        Ok(batch)
    }

    /// Adds tokens of the row `number`, the first of them at the position `start`. Rows that begin
    /// in this pass share tokens with others of their group; a caller that changes the residual
    /// stream of some rows and not of others must give them different groups.
    ///
    /// # Errors
    /// No tokens.
    pub fn push(&mut self, number: usize, group: usize, start: usize, ids: &[u32]) -> Result<()> {
        if ids.is_empty() {
            return Err(Error::Request(format!("row {number} of the batch has no tokens")));
        }
        let entry = self.rows.len();
        let mut places = Vec::with_capacity(ids.len());
        let mut before = Before::Group(group);
        for (offset, id) in ids.iter().enumerate() {
            let is_last = offset + 1 == ids.len();
            let known = self.shared.get(&(before, *id, is_last)).filter(|_| start == 0);
            let place = known.copied().unwrap_or(self.tokens.len());
            if place == self.tokens.len() {
                self.tokens.push(Token {
                    id: *id,
                    position: start + offset,
                    row: number,
                    is_last,
                    place,
                    entry,
                });
                if start == 0 {
                    self.shared.insert((before, *id, is_last), place);
                }
            }
            places.push(place);
            before = Before::Token(place);
        }
        self.rows.push(Row {
            number,
            start,
            places,
        });
        Ok(())
    }

    /// Only these places are wanted after the last layer: their residual streams, in this order,
    /// are what the pass returns, and the last layer computes no others.
    pub fn with_wanted(mut self, places: Vec<usize>) -> Self {
        self.wanted = Some(places);
        self
    }

    /// As many tokens as the pass computes.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether the pass computes no token.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The tokens in the order of their places.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Places of the tokens that the n-th row of the batch has in this pass.
    pub fn places(&self, row: usize) -> &[usize] {
        &self.rows[row].places
    }

    /// The number of rows, each of which has tokens in this pass.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn entries(&self) -> &[Row] {
        &self.rows
    }

    pub(crate) fn wanted(&self) -> Option<&[usize]> {
        self.wanted.as_deref()
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
    fn other_groups_and_rows_that_go_on_share_nothing() {
        let mut batch = Batch::default();
        batch.push(7, 0, 0, &[2, 5]).unwrap();
        batch.push(8, 1, 0, &[2, 5]).unwrap();
        batch.push(9, 0, 4, &[2, 5]).unwrap();
        assert_eq!(batch.len(), 6);
        assert_eq!(batch.tokens()[4].position, 4);
        assert_eq!(batch.tokens()[4].row, 9);
    }
}
