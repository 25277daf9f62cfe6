//! The recorded activations of the contrast's two conditions at one layer, a prompt at a time.

use std::path::Path;

use anyhow::{Result, bail};
use pipeline::Contrast;
use results::{Activation, activation_place, read_activation_batches};

use crate::folds::Folds;

/// Where the rows are. No more than two batches of them are in memory at a time, however many prompts were recorded.
#[derive(Clone, Copy, Debug)]
pub struct Recorded<'a> {
    pub folder: &'a Path,
    pub contrast: &'a Contrast,
    /// In each condition.
    pub prompts: usize,
    pub folds: &'a Folds,
}

/// The rows of one prompt, `[hidden]` each.
pub struct Pair {
    pub positive: Vec<f32>,
    pub negative: Vec<f32>,
    /// See [`Folds::of_recorded`].
    pub fold: Option<usize>,
}

impl Recorded<'_> {
    /// Gives all prompts in the order in which they were recorded, with their numbers. The conditions are read side by
    /// side, since a file may have one after the other.
    ///
    /// # Errors
    /// A file that can't be read, and conditions that don't have the same prompts, or not as many as were rendered.
    pub fn each_pair(&self, layer: usize, mut each: impl FnMut(usize, &Pair)) -> Result<()> {
        let mut positive = self.rows(layer, &self.contrast.positive)?;
        let mut negative = self.rows(layer, &self.contrast.negative)?;
        let mut count = 0;
        loop {
            match (positive.next().transpose()?, negative.next().transpose()?) {
                (None, None) if count == self.prompts => return Ok(()),
                (Some(a), Some(b)) if a.prompt_id == b.prompt_id && count < self.prompts => {
                    let pair = Pair {
                        fold: self.folds.of_recorded(&a.prompt_id),
                        positive: a.activation,
                        negative: b.activation,
                    };
                    each(count, &pair);
                    count += 1;
                }
                _ => bail!(
                    "{}: the conditions don't have the same prompts as extract/prompts.parquet; run `cargo xtask extract --force`",
                    activation_place(self.folder, layer).display()
                ),
            }
        }
    }

    fn rows(
        &self,
        layer: usize,
        condition: &str,
    ) -> Result<impl Iterator<Item = Result<Activation>> + use<>> {
        let (batches, _) = read_activation_batches(self.folder, layer)?;
        let (condition, pooling) = (condition.to_owned(), self.contrast.pooling);
        let is_own = move |row: &Activation| row.condition == condition && row.pooling == pooling;
        Ok(batches.flat_map(move |batch| -> Vec<Result<Activation>> {
            match batch {
                Ok(rows) => rows.into_iter().filter(|row| is_own(row)).map(Ok).collect(),
                Err(error) => vec![Err(error.into())],
            }
        }))
    }
}
