//! The activations of both runs at one layer, each row of A with the row of B that belongs to it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use results::{
    Activation, Error, RenderedPrompt, Result, activation_file, activation_layers, read_activation_batches,
};

use super::common::Common;
use crate::Run;

/// The place of a row among what is compared: by index in the fields of [`Common`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub pooling: usize,
    pub condition: usize,
    pub prompt: usize,
}

/// Calls `add` for every row of `layer` that both runs have, in the order of B's file: A's numbers,
/// then B's, `[hidden]` each.
///
/// A's rows of the layer are in memory: `poolings * conditions * prompts * hidden * 4` bytes.
///
/// # Errors
/// A row that is missing, there twice, of another length, zero or not finite, and a table of
/// another model than the run's prompts; the message names table and row.
pub fn for_each_pair(
    [a, b]: [&Run; 2],
    layer: usize,
    common: &Common,
    mut add: impl FnMut(Place, &[f32], &[f32]),
) -> Result<()> {
    let rows = Rows::of(common);
    let mut of_a = vec![None; rows.count()];
    rows.read(a, layer, |index, _, row| of_a[index] = Some(row))?;
    rows.read(b, layer, |index, place, row| {
        if let Some(other) = of_a[index].take() {
            add(place, &other, &row);
        }
    })
}

/// An error unless a run has a file for each layer of its model.
pub fn require_layers(run: &Run) -> Result<()> {
    let folder = run.layout.activations();
    let (found, layers) = (activation_layers(&folder)?.len(), run.contrast.layers);
    match found == layers {
        true => Ok(()),
        false => Err(Error::invalid(
            folder,
            format!("there are {found} layers, but the model has {layers}; {MAKE_AGAIN}"),
        )),
    }
}

const MAKE_AGAIN: &str = "run `cargo xtask extract --force`";

/// The rows that are wanted of a table.
struct Rows<'a> {
    common: &'a Common,
    prompts: HashMap<&'a str, usize>,
}

impl<'a> Rows<'a> {
    fn of(common: &'a Common) -> Self {
        let prompts = common.prompts.iter().enumerate();
        Rows {
            common,
            prompts: prompts.map(|(index, id)| (id.as_str(), index)).collect(),
        }
    }

    fn count(&self) -> usize {
        let Common {
            poolings,
            conditions,
            prompts,
            ..
        } = self.common;
        poolings.len() * conditions.len() * prompts.len()
    }

    fn place(&self, row: &Activation) -> Option<Place> {
        let Common {
            poolings, conditions, ..
        } = self.common;
        Some(Place {
            pooling: poolings.iter().position(|pooling| *pooling == row.pooling)?,
            condition: conditions.iter().position(|name| *name == row.condition)?,
            prompt: *self.prompts.get(row.prompt_id.as_str())?,
        })
    }

    fn index(&self, place: Place) -> usize {
        let conditions = self.common.conditions.len();
        (place.pooling * conditions + place.condition) * self.common.prompts.len() + place.prompt
    }

    fn place_of(&self, index: usize) -> Place {
        let (conditions, prompts) = (self.common.conditions.len(), self.common.prompts.len());
        Place {
            pooling: index / prompts / conditions,
            condition: index / prompts % conditions,
            prompt: index % prompts,
        }
    }

    /// Gives `keep` every wanted row once.
    fn read(&self, run: &Run, layer: usize, mut keep: impl FnMut(usize, Place, Vec<f32>)) -> Result<()> {
        let folder = run.layout.activations();
        let file = activation_file(&folder, layer);
        let (batches, footer) = read_activation_batches(&folder, layer)?;
        require_model(run, &file, &footer)?;
        let mut is_there = vec![false; self.count()];
        for batch in batches {
            for row in batch? {
                let Some(place) = self.place(&row) else { continue };
                let index = self.index(place);
                let problem = match is_there[index] {
                    true => Some(format!("there are two such rows; {MAKE_AGAIN}")),
                    false => problem_of(&row.activation, run.contrast.hidden_size),
                };
                if let Some(problem) = problem {
                    return Err(self.error(file, layer, place, &problem));
                }
                is_there[index] = true;
                keep(index, place, row.activation);
            }
        }
        match is_there.iter().position(|is_there| !is_there) {
            None => Ok(()),
            Some(index) => {
                let problem = format!("the row is missing; {MAKE_AGAIN}");
                Err(self.error(file, layer, self.place_of(index), &problem))
            }
        }
    }

    fn error(&self, file: PathBuf, layer: usize, place: Place, problem: &str) -> Error {
        let (condition, prompt) = (
            &self.common.conditions[place.condition],
            &self.common.prompts[place.prompt],
        );
        let pooling = self.common.poolings[place.pooling];
        let message = format!(
            "layer {layer}, condition \"{condition}\", prompt \"{prompt}\", pooling {pooling}: {problem}"
        );
        Error::invalid(file, message)
    }
}

fn require_model(run: &Run, file: &Path, footer: &results::Metadata) -> Result<()> {
    let Some(found) = footer.disagreements(&run.metadata).into_iter().next() else {
        return Ok(());
    };
    let first = run.layout.inside(&run.layout.table::<RenderedPrompt>());
    Err(Error::invalid(
        file,
        format!("{}; {MAKE_AGAIN}", found.in_words(&first)),
    ))
}

fn problem_of(row: &[f32], hidden: usize) -> Option<String> {
    if row.len() != hidden {
        return Some(format!("{} numbers, not {hidden}; {MAKE_AGAIN}", row.len()));
    }
    if let Some(index) = row.iter().position(|value| !value.is_finite()) {
        return Some(format!(
            "number {index} of the activation is {}; check the weights and the dtype",
            row[index]
        ));
    }
    let is_zero = row.iter().all(|value| *value == 0.0);
    is_zero.then(|| "the activation is zero, so it has no direction; check the weights".to_owned())
}
