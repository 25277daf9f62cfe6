use std::collections::HashSet;
use std::hash::Hash;
use std::path::Path;

use terms::{Pooling, Stage};

use crate::table::{BATCH_ROWS, read_footer};
use crate::{
    Counts, Error, LayerRow, Layout, Metadata, ReadPosition, RenderedPrompt, Result, Shape, Similarity,
    Table, read_positions,
};

/// The results of one pipeline. A table is read when it is asked for, and only if it is of the same
/// model as the prompts, which were written first.
#[derive(Clone, Debug)]
pub struct Run {
    layout: Layout,
    /// The footer of the prompts.
    footer: Metadata,
    layers: usize,
}

impl Run {
    /// Opens the results at `layout`; only the footer of the prompts is read.
    ///
    /// # Errors
    /// A run without prompts, and a footer that does not say how many layers the model has.
    pub fn open(layout: Layout) -> Result<Self> {
        let path = layout.table::<RenderedPrompt>();
        require(&layout, &path)?;
        let footer = read_footer::<RenderedPrompt>(&path)?;
        let layers = footer.number(&path, "layers")?;
        Ok(Run {
            layout,
            footer,
            layers,
        })
    }

    /// Where its files are.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The model's layers.
    pub fn layers(&self) -> usize {
        self.layers
    }

    /// All rows of a table.
    ///
    /// # Errors
    /// A table that is missing, of another version, or of another model than the prompts, and a
    /// value that may not be there.
    pub fn read<T: Table>(&self) -> Result<Vec<T>> {
        Ok(self.read_with_footer()?.0)
    }

    /// All rows of a table, and its footer.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub fn read_with_footer<T: Table>(&self) -> Result<(Vec<T>, Metadata)> {
        self.accept::<T, _>(T::read)
    }

    /// The footer of a table.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub fn footer<T: Table>(&self) -> Result<Metadata> {
        Ok(self.accept::<T, _>(|path| Ok(((), read_footer::<T>(path)?)))?.1)
    }

    /// All rows of a table, if there is one: its stage may not have run.
    ///
    /// # Errors
    /// As for [`read`](Self::read), except for a table that is missing.
    pub fn read_if_there<T: Table>(&self) -> Result<Option<(Vec<T>, Metadata)>> {
        let is_there = self.layout.table::<T>().exists();
        is_there.then(|| self.read_with_footer()).transpose()
    }

    /// The rows of a table in batches, for tables that do not fit into memory.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub fn batches<T: Table>(&self) -> Result<impl Iterator<Item = Result<Vec<T>>> + use<T>> {
        Ok(self.accept::<T, _>(|path| T::read_batches(path, BATCH_ROWS))?.0)
    }

    /// The cosines whose pooling and two prompts are wanted; of the others nothing is kept in
    /// memory.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub fn similarities(&self, is_wanted: impl Fn(&str, &str, &str) -> bool) -> Result<Vec<Similarity>> {
        Ok(self
            .accept::<Similarity, _>(|path| Similarity::read_where(path, is_wanted))?
            .0)
    }

    /// The rows under one pooling, a row a layer: row `l` is of layer `l`. Empty where the table is
    /// empty and may be.
    ///
    /// # Errors
    /// As for [`read`](Self::read), and layers that are not 0, 1, 2, … up to the last.
    pub fn by_layer<T: LayerRow>(&self, pooling: Pooling) -> Result<Vec<T>> {
        let mut rows = self.read::<T>()?;
        let count = T::SCHEMA.count.as_ref().filter(|_| rows.is_empty());
        if let Some(count) = count
            && (count.allowed)(&self.counts()?).contains(&0)
        {
            return Ok(rows);
        }
        rows.retain(|row| row.pooling() == pooling);
        if !rows.iter().map(T::layer).eq(0..self.layers) {
            let path = self.layout.table::<T>();
            let message = format!(
                "the layers under the pooling \"{pooling}\" are not the model's, 0 to {}; {}",
                self.layers.saturating_sub(1),
                remedy(&self.layout, &path)
            );
            return Err(Error::invalid(path, message));
        }
        Ok(rows)
    }

    /// The rendered prompts: a row a prompt and condition.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub fn prompts(&self) -> Result<Vec<RenderedPrompt>> {
        self.read()
    }

    /// Where each pooling read in each text.
    ///
    /// # Errors
    /// As for [`read_positions`].
    pub fn positions(&self) -> Result<Vec<ReadPosition>> {
        read_positions(&self.layout.activations())
    }

    /// What the run is made of, by its prompts and by the activations of its first layer.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub fn shape(&self) -> Result<Shape> {
        let prompts = self.prompts()?;
        Ok(Shape {
            layers: self.layers,
            prompts: distinct(prompts.iter().map(|row| row.prompt_id.clone())),
            conditions: distinct(prompts.iter().map(|row| row.condition.clone())),
            poolings: distinct(self.positions()?.iter().map(|row| row.pooling)),
        })
    }

    /// How many of everything the run has.
    ///
    /// # Errors
    /// As for [`shape`](Self::shape).
    pub fn counts(&self) -> Result<Counts> {
        Ok(self.shape()?.counts())
    }

    /// What `read` makes of the file of a table, if that is there and of the run's model.
    fn accept<T: Table, R>(
        &self,
        read: impl FnOnce(&Path) -> Result<(R, Metadata)>,
    ) -> Result<(R, Metadata)> {
        let path = self.layout.table::<T>();
        require(&self.layout, &path)?;
        let (rows, footer) = read(&path)?;
        let Some(found) = footer.disagreements(&self.footer).into_iter().next() else {
            return Ok((rows, footer));
        };
        let first = self.layout.inside(&self.layout.table::<RenderedPrompt>());
        let message = format!("{}; {}", found.in_words(&first), remedy(&self.layout, &path));
        Err(Error::invalid(path, message))
    }
}

/// The values, each once, in the order in which they first occur.
pub fn distinct<T: Clone + Eq + Hash>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = HashSet::new();
    values.filter(|value| seen.insert(value.clone())).collect()
}

/// An error where a file of a run is missing.
fn require(layout: &Layout, path: &Path) -> Result<()> {
    match path.is_file() {
        true => Ok(()),
        false => Err(Error::invalid(path, missing(layout, path))),
    }
}

/// What is said of a file that is missing.
pub fn missing(layout: &Layout, path: &Path) -> String {
    format!("the file is missing; {}", remedy(layout, path))
}

/// How to make a file of a run again: its first folder is named after the stage that writes it.
fn remedy(layout: &Layout, path: &Path) -> String {
    let inside = layout.inside(path);
    let folder = inside.iter().next().unwrap_or_default().to_string_lossy();
    let stage = folder.parse::<Stage>().map_or("all", Stage::as_str);
    format!("run `cargo xtask {stage} --force`")
}
