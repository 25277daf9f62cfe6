//! The activations of both runs at one layer, each row of A with the row of B that belongs to it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use results::{
    Activation, Error, RenderedPrompt, Result, activation_layers, activation_place, read_activation_batches,
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

/// Calls `add` for every row of `layer` that both runs have: A's numbers, then B's, `[hidden]` each.
///
/// Both files are read side by side, and a row is in memory until its counterpart comes: about a
/// batch where the rows are in one order, as those of the same prompt file are.
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
    let wanted = Wanted::of(common);
    let mut sides = [Side::open(a, layer, &wanted)?, Side::open(b, layer, &wanted)?];
    let mut waiting: [HashMap<usize, Vec<f32>>; 2] = Default::default();
    let mut is_over = false;
    while !is_over {
        is_over = true;
        for own in [0, 1] {
            let Some(batch) = sides[own].next_batch()? else {
                continue;
            };
            is_over = false;
            for (index, row) in batch {
                match (own, waiting[1 - own].remove(&index)) {
                    (0, Some(other)) => add(wanted.place_of(index), &row, &other),
                    (_, Some(other)) => add(wanted.place_of(index), &other, &row),
                    (_, None) => _ = waiting[own].insert(index, row),
                }
            }
        }
    }
    sides.iter().try_for_each(Side::require_all)
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

/// The rows that are wanted of a table, numbered.
struct Wanted<'a> {
    common: &'a Common,
    prompts: HashMap<&'a str, usize>,
}

impl<'a> Wanted<'a> {
    fn of(common: &'a Common) -> Self {
        let prompts = common.prompts.iter().enumerate();
        Wanted {
            common,
            prompts: prompts.map(|(index, id)| (id.as_str(), index)).collect(),
        }
    }

    fn count(&self) -> usize {
        let (poolings, conditions) = (self.common.poolings.len(), self.common.conditions.len());
        poolings * conditions * self.common.prompts.len()
    }

    /// None of a row that is not wanted.
    fn index_of(&self, row: &Activation) -> Option<usize> {
        let Common {
            poolings, conditions, ..
        } = self.common;
        let pooling = poolings.iter().position(|pooling| *pooling == row.pooling)?;
        let condition = conditions.iter().position(|name| *name == row.condition)?;
        let prompt = *self.prompts.get(row.prompt_id.as_str())?;
        Some((pooling * conditions.len() + condition) * self.common.prompts.len() + prompt)
    }

    fn place_of(&self, index: usize) -> Place {
        let (conditions, prompts) = (self.common.conditions.len(), self.common.prompts.len());
        Place {
            pooling: index / prompts / conditions,
            condition: index / prompts % conditions,
            prompt: index % prompts,
        }
    }
}

/// The number among the wanted rows, and the vector: `[hidden]`.
type NumberedRow = (usize, Vec<f32>);

/// One run's file of one layer while it is read.
struct Side<'a> {
    wanted: &'a Wanted<'a>,
    file: PathBuf,
    layer: usize,
    hidden: usize,
    batches: Box<dyn Iterator<Item = Result<Vec<Activation>>>>,
    /// Which of the wanted rows have come.
    is_there: Vec<bool>,
}

impl<'a> Side<'a> {
    fn open(run: &Run, layer: usize, wanted: &'a Wanted<'a>) -> Result<Self> {
        let folder = run.layout.activations();
        let file = activation_place(&folder, layer);
        let (batches, footer) = read_activation_batches(&folder, layer)?;
        require_model(run, &file, &footer)?;
        Ok(Side {
            wanted,
            file,
            layer,
            hidden: run.contrast.hidden_size,
            batches: Box::new(batches),
            is_there: vec![false; wanted.count()],
        })
    }

    /// The wanted rows of the next batch, with their numbers; none at the end.
    fn next_batch(&mut self) -> Result<Option<Vec<NumberedRow>>> {
        let Some(batch) = self.batches.next() else {
            return Ok(None);
        };
        let mut rows = Vec::new();
        for row in batch? {
            let Some(index) = self.wanted.index_of(&row) else {
                continue;
            };
            let problem = match self.is_there[index] {
                true => Some(format!("there are two such rows; {MAKE_AGAIN}")),
                false => problem_of(&row.activation, self.hidden),
            };
            if let Some(problem) = problem {
                return Err(self.error(index, &problem));
            }
            self.is_there[index] = true;
            rows.push((index, row.activation));
        }
        Ok(Some(rows))
    }

    fn require_all(&self) -> Result<()> {
        match self.is_there.iter().position(|is_there| !is_there) {
            None => Ok(()),
            Some(index) => Err(self.error(index, &format!("the row is missing; {MAKE_AGAIN}"))),
        }
    }

    fn error(&self, index: usize, problem: &str) -> Error {
        let place = self.wanted.place_of(index);
        let Common {
            conditions,
            prompts,
            poolings,
            ..
        } = self.wanted.common;
        let message = format!(
            "layer {}, condition \"{}\", prompt \"{}\", pooling {}: {problem}",
            self.layer, conditions[place.condition], prompts[place.prompt], poolings[place.pooling]
        );
        Error::invalid(&self.file, message)
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
