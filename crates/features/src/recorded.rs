//! The recorded activations of one place, under one pooling.

use std::collections::HashSet;
use std::path::PathBuf;

use pipeline::Pipeline;
use results::{Activation, Error, Layout, Result, activation_place, read_activation_batches};
use sae::Place;

/// Where the rows of an autoencoder's place are.
pub struct Recorded<'a> {
    pipeline: &'a Pipeline,
    folder: PathBuf,
    place: Place,
    file: PathBuf,
}

/// 60 MB of rows of 3,584 numbers.
const ROWS_AT_ONCE: usize = 4096;

/// A batch of rows, one after the other.
#[derive(Default)]
pub struct Batch {
    /// For each row its condition's index in the pipeline, and its prompt's id.
    pub rows: Vec<(usize, String)>,
    /// `[rows, hidden]`
    pub activations: Vec<f32>,
}

impl<'a> Recorded<'a> {
    /// # Errors
    /// A place that was not recorded, and one that the model does not have.
    pub fn at(pipeline: &'a Pipeline, layout: &Layout, place: Place, name: &str) -> Result<Self> {
        let folder = layout.activations_at(place.site);
        let file = activation_place(&folder, place.layer);
        if file.exists() {
            return Ok(Recorded {
                pipeline,
                folder,
                place,
                file,
            });
        }
        let message = match folder.is_dir() {
            true => format!(
                "saes.{name}: it reads {place}, and the model has no layer {}; use an autoencoder of this model",
                place.layer
            ),
            false => format!(
                "saes.{name}: it reads {place}, which was not recorded; add \"{}\" to `extract.sites`",
                place.site.as_str()
            ),
        };
        Err(Error::invalid(&pipeline.path, message))
    }

    /// An error that names the file of the rows.
    pub fn invalid(&self, message: impl Into<String>) -> Error {
        Error::invalid(&self.file, message.into())
    }

    /// The rows under the contrast's pooling, in batches of some thousands: an encoder is turned for each of them.
    ///
    /// # Errors
    /// As for [`read_activation_batches`], and vectors of another length than `hidden`.
    pub fn batches(&self, hidden: usize) -> Result<impl Iterator<Item = Result<Batch>>> {
        let (mut read, _) = read_activation_batches(&self.folder, self.place.layer)?;
        let mut next = move || -> Result<Option<Batch>> {
            let mut batch = Batch::default();
            while batch.rows.len() < ROWS_AT_ONCE
                && let Some(rows) = read.next()
            {
                self.add(rows?, hidden, &mut batch)?;
            }
            Ok((!batch.rows.is_empty()).then_some(batch))
        };
        Ok(std::iter::from_fn(move || next().transpose()))
    }

    fn add(&self, rows: Vec<Activation>, hidden: usize, batch: &mut Batch) -> Result<()> {
        for row in rows {
            let conditions = &self.pipeline.conditions;
            let condition = conditions
                .iter()
                .position(|condition| condition.name == row.condition);
            let Some(condition) = condition.filter(|_| row.pooling == self.pipeline.contrast.pooling) else {
                continue;
            };
            if row.activation.len() != hidden {
                return Err(self.invalid(format!(
                    "activations have {} numbers, and the autoencoder takes {hidden}; it was trained on another model, whose hidden \
                     size that is",
                    row.activation.len()
                )));
            }
            batch.rows.push((condition, row.prompt_id));
            batch.activations.extend(row.activation);
        }
        Ok(())
    }

    /// The indices of the two conditions of the contrast, positive first.
    pub fn sides(&self) -> Result<[usize; 2]> {
        let contrast = &self.pipeline.contrast;
        let index = |name: &String| {
            let mut names = self.pipeline.conditions.iter().map(|condition| &condition.name);
            names.position(|known| known == name).ok_or_else(|| {
                let message =
                    format!("contrast: there is no condition \"{name}\"; name one of [[conditions]]");
                Error::invalid(&self.pipeline.path, message)
            })
        };
        Ok([index(&contrast.positive)?, index(&contrast.negative)?])
    }
}

/// Prompts whose rows in both conditions are not those of an earlier one to the last bit.
pub fn distinct(pairs: &[[Vec<f32>; 2]]) -> Vec<usize> {
    let bits =
        |pair: &[Vec<f32>; 2]| -> Vec<u32> { pair.iter().flatten().map(|value| value.to_bits()).collect() };
    let mut seen = HashSet::new();
    (0..pairs.len())
        .filter(|prompt| seen.insert(bits(&pairs[*prompt])))
        .collect()
}
