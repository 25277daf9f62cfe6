use std::path::{Path, PathBuf};

use terms::Pooling;

use crate::contract::{NO_UNIT, NORM, NUMBER, REACH, TableSchema, shared};
use crate::row::{Row, rows};
use crate::table::read_selected;
use crate::{Error, Metadata, Result, Table, TableWriter};

rows! {
    /// The residual of one prompt in one condition after one layer, pooled to one vector.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Activation {
        prompt_id: String = NO_UNIT, shared!(prompt_id);
        condition: String = NO_UNIT, shared!(condition);
        pooling: Pooling = NO_UNIT, shared!(pooling);
        position: Option<i32> = NUMBER, "the token that was read, `<bos>` being 0; null for `mean`";
        token_id: Option<i32> = NUMBER, "its id; null for `mean`";
        token_text: Option<String> = NO_UNIT, "its text; null for `mean`";
        norm: f32 = NORM, "the Euclidean norm of `activation`";
        activation: Vec<f32> = REACH, "the vector";
    }
}

impl Table for Activation {
    const SCHEMA: TableSchema = TableSchema {
        name: "activations",
        version: 1,
        file: "extract/activations/layer=NN/part-K.parquet and extract/sites/SITE/layer=NN/part-K.parquet",
        row: "the residual stream of one prompt in one condition after one layer, pooled to one vector",
        key: &["prompt_id", "condition", "pooling"],
        is_sorted: false,
        count: None,
        columns: Self::columns,
    };
}

rows! {
    /// Where a pooling read in one text.
    #[derive(Clone, Debug, PartialEq)]
    pub struct ReadPosition {
        prompt_id: String = NO_UNIT, shared!(prompt_id);
        condition: String = NO_UNIT, shared!(condition);
        pooling: Pooling = NO_UNIT, shared!(pooling);
        position: Option<i32> = NUMBER, "the token that was read, `<bos>` being 0; null for `mean`";
    }
}

/// The activations of a shard, written while it goes on: `layer=NN/part-K.parquet` for every layer,
/// all open at once, where `K` is the number of the shard.
///
/// Row groups have [`GROUP_ROWS`] rows, however many each call of [`append`](Self::append) brings, so the
/// bytes of a file depend on its rows alone, and not on the pieces in which the memory of a machine
/// lets them be made. At most that many rows of each layer wait in memory. A writer that is
/// dropped before it is finished leaves files without a footer, which no reader takes for tables.
pub struct ActivationWriter {
    folder: PathBuf,
    layers: Vec<LayerWriter>,
}

impl ActivationWriter {
    /// Makes the files of the layers `0..layers` below `folder`, as part `part` of each. `metadata` goes
    /// into every footer, and its `hidden_size` is the length of every vector.
    pub fn create(folder: &Path, layers: usize, part: usize, metadata: &Metadata) -> Result<Self> {
        let layers = (0..layers).map(|layer| LayerWriter::create(folder, layer, part, metadata));
        Ok(ActivationWriter {
            folder: folder.to_owned(),
            layers: layers.collect::<Result<_>>()?,
        })
    }

    /// Adds rows to the file of `layer`.
    pub fn append(&mut self, layer: usize, rows: &[Activation]) -> Result<()> {
        let layers = self.layers.len();
        let writer = self.layers.get_mut(layer).ok_or_else(|| {
            Error::invalid(
                &self.folder,
                format!("there is no layer {layer} among the {layers} of this run"),
            )
        })?;
        writer.append(rows)
    }

    /// Writes the footers, which make tables of the files.
    pub fn finish(self) -> Result<()> {
        self.layers.into_iter().try_for_each(LayerWriter::finish)
    }
}

/// Writes one layer's file at once, for rows that are all in memory.
pub fn write_activations(
    folder: &Path,
    layer: usize,
    metadata: &Metadata,
    rows: &[Activation],
) -> Result<()> {
    let mut writer = LayerWriter::create(folder, layer, 0, metadata)?;
    writer.append(rows)?;
    writer.finish()
}

/// Reads one layer's rows in batches of at most 256, part by part, in the order in which they were
/// written: at 4096 numbers a row these are 4 MB, however many rows there are. The footer is that of the first
/// part.
///
/// # Errors
/// As for [`Table::read`], and parts that are of different runs.
pub fn read_activation_batches(
    folder: &Path,
    layer: usize,
) -> Result<(impl Iterator<Item = Result<Vec<Activation>>> + use<>, Metadata)> {
    let parts = activation_files(folder, layer)?;
    let (first, metadata) = Activation::read_batches(&parts[0], BATCH_ROWS)?;
    let footer = metadata.clone();
    let others = parts.into_iter().skip(1).map(move |part| {
        let (batches, own) = Activation::read_batches(&part, BATCH_ROWS)?;
        require_same_footer(&part, &footer, &own)?;
        Ok(batches)
    });
    Ok((first.chain(others.flat_map(batches_or_error)), metadata))
}

/// Rows that are in memory at once.
const BATCH_ROWS: usize = 256;

/// The error in place of the batches that it stands for.
fn batches_or_error<B: Iterator<Item = Result<Vec<Activation>>>>(
    part: Result<B>,
) -> impl Iterator<Item = Result<Vec<Activation>>> {
    let (batches, error) = match part {
        Ok(batches) => (Some(batches), None),
        Err(error) => (None, Some(Err(error))),
    };
    batches.into_iter().flatten().chain(error)
}

/// The parts of a layer are of one run.
fn require_same_footer(part: &Path, first: &Metadata, own: &Metadata) -> Result<()> {
    let keys = first.iter().chain(own.iter()).map(|(key, _)| key);
    match keys.into_iter().find(|key| first.get(key) != own.get(key)) {
        None => Ok(()),
        Some(key) => {
            let value = |footer: &Metadata| footer.get(key).unwrap_or("nothing").to_owned();
            let (here, there) = (value(own), value(first));
            let message = format!(
                "the footer says `{key}` = {here}, but that of the layer's first part {there}; run `cargo xtask extract --force`"
            );
            Err(Error::invalid(part, message))
        }
    }
}

/// Reads one layer's rows at once.
///
/// # Errors
/// As for [`read_activation_batches`].
pub fn read_activations(folder: &Path, layer: usize) -> Result<(Vec<Activation>, Metadata)> {
    let (batches, metadata) = read_activation_batches(folder, layer)?;
    let batches = batches.collect::<Result<Vec<_>>>()?;
    Ok((batches.into_iter().flatten().collect(), metadata))
}

/// The positions that were read, which are the same at every layer. No activation is read.
///
/// # Errors
/// As for [`Table::read`].
pub fn read_positions(folder: &Path) -> Result<Vec<ReadPosition>> {
    let columns = ReadPosition::columns();
    let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    let all = |batch: &arrow_array::RecordBatch| (0..batch.num_rows()).collect();
    let mut positions = Vec::new();
    for part in activation_files(folder, 0)? {
        let (batches, _) =
            read_selected::<ReadPosition, Activation, _>(&part, crate::table::BATCH_ROWS, Some(&names), all)?;
        for batch in batches {
            positions.extend(batch?);
        }
    }
    Ok(positions)
}

/// The layers that have a file, in order; a gap is an error, since it means that a file was lost.
pub fn activation_layers(folder: &Path) -> Result<Vec<usize>> {
    let mut layers = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if let Some(layer) = name.strip_prefix("layer=").and_then(|number| number.parse().ok()) {
            layers.push(layer);
        }
    }
    layers.sort_unstable();
    match layers.iter().enumerate().find(|(index, layer)| index != *layer) {
        _ if layers.is_empty() => Err(Error::invalid(
            folder,
            "there is no layer here; run `cargo xtask extract`",
        )),
        Some((missing, _)) => Err(Error::invalid(
            folder,
            format!("layer {missing} is missing; run `cargo xtask extract --force`"),
        )),
        None => Ok(layers),
    }
}

/// Where the activations of one layer are, for messages: its only file, or the folder of its parts.
pub fn activation_place(folder: &Path, layer: usize) -> PathBuf {
    match part_file(folder, layer, 1).exists() {
        true => layer_folder(folder, layer),
        false => part_file(folder, layer, 0),
    }
}

/// The files of one layer, `part-0.parquet` and so on, in the order of their numbers.
///
/// # Errors
/// A part that is missing among the others.
pub fn activation_files(folder: &Path, layer: usize) -> Result<Vec<PathBuf>> {
    let folder_of_layer = layer_folder(folder, layer);
    let number =
        |name: &str| -> Option<usize> { name.strip_prefix("part-")?.strip_suffix(".parquet")?.parse().ok() };
    let mut numbers: Vec<usize> = Vec::new();
    for entry in fs_err::read_dir(&folder_of_layer)? {
        numbers.extend(number(&entry?.file_name().to_string_lossy()));
    }
    numbers.sort_unstable();
    let wanted = numbers.last().map_or(1, |last| last + 1);
    match (0..wanted).find(|number| numbers.get(*number) != Some(number)) {
        Some(missing) => Err(Error::invalid(
            part_file(folder, layer, missing),
            "this part is missing; run `cargo xtask extract --force`",
        )),
        None => Ok(numbers
            .into_iter()
            .map(|part| part_file(folder, layer, part))
            .collect()),
    }
}

fn part_file(folder: &Path, layer: usize, part: usize) -> PathBuf {
    layer_folder(folder, layer).join(format!("part-{part}.parquet"))
}

fn layer_folder(folder: &Path, layer: usize) -> PathBuf {
    folder.join(format!("layer={layer:02}"))
}

/// Rows of a row group: few enough to wait in memory at every layer, and enough that the footer of a
/// file with millions of rows stays small.
pub const GROUP_ROWS: usize = 512;

struct LayerWriter {
    table: TableWriter<Activation>,
    /// Rows of the group that is not full. Page boundaries depend on what is appended at once, so a
    /// group is appended as a whole.
    waiting: Vec<Activation>,
}

impl LayerWriter {
    fn create(folder: &Path, layer: usize, part: usize, metadata: &Metadata) -> Result<Self> {
        let path = part_file(folder, layer, part);
        if let Some(parent) = path.parent() {
            fs_err::create_dir_all(parent)?;
        }
        let metadata = metadata.clone().with("layer", layer);
        Ok(LayerWriter {
            table: TableWriter::create_in_groups(&path, &metadata, GROUP_ROWS)?,
            waiting: Vec::new(),
        })
    }

    fn append(&mut self, mut rows: &[Activation]) -> Result<()> {
        let hidden_size = self.table.width();
        if let Some(row) = rows.iter().find(|row| row.activation.len() != hidden_size) {
            let (prompt, length) = (&row.prompt_id, row.activation.len());
            let message =
                format!("prompt \"{prompt}\": {length} numbers, but the hidden size is {hidden_size}");
            return Err(Error::invalid(self.table.path(), message));
        }
        while self.waiting.len() + rows.len() >= GROUP_ROWS {
            let (now, later) = rows.split_at(GROUP_ROWS - self.waiting.len());
            if self.waiting.is_empty() {
                self.table.append(now)?;
            } else {
                self.waiting.extend_from_slice(now);
                self.table.append(&std::mem::take(&mut self.waiting))?;
            }
            rows = later;
        }
        self.waiting.extend_from_slice(rows);
        Ok(())
    }

    fn finish(mut self) -> Result<()> {
        if !self.waiting.is_empty() {
            self.table.append(&self.waiting)?;
        }
        self.table.finish()
    }
}
