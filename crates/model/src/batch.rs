use crate::{Error, Result};

/// Rows of tokens of different lengths, padded to one width, each token with its position.
///
/// Where the padding lies makes no difference to the result: positions are explicit, and padding is never
/// looked at. Generation pads on the left, so that all rows end at the same index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    rows: usize,
    width: usize,
    token_ids: Vec<u32>,
    /// The token's position in its row, `PADDING` where there is none.
    positions: Vec<i32>,
}

pub(crate) const PADDING: i32 = -1;

impl Batch {
    /// Rows aligned at their first token.
    pub fn right_padded(rows: &[impl AsRef<[u32]>]) -> Result<Self> {
        Self::padded(rows, |_, _| 0)
    }

    /// Rows aligned at their last token.
    pub fn left_padded(rows: &[impl AsRef<[u32]>]) -> Result<Self> {
        Self::padded(rows, |width, length| width - length)
    }

    /// One more token for each row, at the given positions.
    pub fn step(token_ids: &[u32], positions: &[usize]) -> Self {
        let positions = positions.iter().map(|position| *position as i32).collect();
        Batch {
            rows: token_ids.len(),
            width: 1,
            token_ids: token_ids.to_vec(),
            positions,
        }
    }

    fn padded(rows: &[impl AsRef<[u32]>], start: impl Fn(usize, usize) -> usize) -> Result<Self> {
        let width = rows.iter().map(|row| row.as_ref().len()).max().unwrap_or(0);
        if let Some(index) = rows.iter().position(|row| row.as_ref().is_empty()) {
            return Err(Error::Request(format!("row {index} of the batch has no tokens")));
        }
        if width == 0 {
            return Err(Error::Request("the batch has no rows".to_owned()));
        }
        let mut token_ids = vec![0; rows.len() * width];
        let mut positions = vec![PADDING; rows.len() * width];
        for (index, row) in rows.iter().map(AsRef::as_ref).enumerate() {
            let first = index * width + start(width, row.len());
            token_ids[first..first + row.len()].copy_from_slice(row);
            for (offset, position) in positions[first..first + row.len()].iter_mut().enumerate() {
                *position = offset as i32;
            }
        }
        Ok(Batch {
            rows: rows.len(),
            width,
            token_ids,
            positions,
        })
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn token_ids(&self) -> &[u32] {
        &self.token_ids
    }

    /// `[rows, width]`, row by row.
    pub(crate) fn positions(&self) -> &[i32] {
        &self.positions
    }
}
