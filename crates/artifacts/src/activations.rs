use std::path::{Path, PathBuf};

use arrow_array::ArrayRef;
use arrow_array::types::{Float32Type, Int32Type};
use arrow_schema::Field;

use crate::contract::{Column, ColumnKind, NORM, NUMBER, REACH, TableSchema};
use crate::table::{
    Columns, TableWriter, column, optional_column, optional_text_column, read_batches, read_columns,
    text_column, vector_column,
};
use crate::{Error, Metadata, Pooling, Result};

pub(crate) const SCHEMA: TableSchema = TableSchema {
    name: "activations",
    version: 1,
    file: "extract/activations/layer=NN/part-0.parquet and extract/sites/SITE/layer=NN/part-0.parquet",
    row: "the residual stream of one prompt in one condition after one layer, pooled to one vector",
    key: &["prompt_id", "condition", "pooling"],
    is_sorted: false,
    columns: || {
        vec![
            Column::prompt_id(),
            Column::condition(),
            Column::pooling(),
            Column::int32(
                "position",
                NUMBER,
                "the token that was read, `<bos>` being 0; null for `mean`",
            )
            .nullable(),
            Column::int32("token_id", NUMBER, "its id; null for `mean`").nullable(),
            Column::text("token_text", "its text; null for `mean`").nullable(),
            Column::new(
                "norm",
                ColumnKind::Float32,
                NORM,
                "the Euclidean norm of `activation`",
            ),
            Column::new("activation", ColumnKind::Vector, REACH, "the vector"),
        ]
    },
};

/// The residual of one prompt in one condition after one layer, pooled to one vector.
#[derive(Clone, Debug, PartialEq)]
pub struct Activation {
    pub prompt_id: String,
    pub condition: String,
    pub pooling: Pooling,
    /// The token that was read, counted from `<bos>` = 0; none where the vector is a mean over all tokens.
    pub position: Option<i32>,
    pub token_id: Option<i32>,
    pub token_text: Option<String>,
    /// The vector's Euclidean norm.
    pub norm: f32,
    pub activation: Vec<f32>,
}

/// The activations of a run, written while it goes on: `layer=NN/part-0.parquet` for every layer, all open at once.
///
/// Each call of [`append`](Self::append) is a row group of one file, and nothing of its rows stays in memory. What stays
/// is where the row groups lie and their statistics, 9 KB each until [`finish`](Self::finish): append some hundred rows at
/// a time, not a few. A writer that is dropped before it is finished leaves files without a footer, which no reader takes for tables.
pub struct ActivationWriter {
    folder: PathBuf,
    layers: Vec<LayerWriter>,
}

impl ActivationWriter {
    /// Makes the files of the layers `0..layers` below `folder`. `metadata` goes into every footer, and its
    /// `hidden_size` is the length of every vector.
    pub fn create(folder: &Path, layers: usize, metadata: &Metadata) -> Result<Self> {
        let layers = (0..layers).map(|layer| LayerWriter::create(folder, layer, metadata));
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
    let mut writer = LayerWriter::create(folder, layer, metadata)?;
    writer.append(rows)?;
    writer.finish()
}

/// Reads one layer's rows in batches of at most 256, in the order in which they were written. The memory is that of one
/// batch, however many rows the file has.
pub fn read_activation_batches(
    folder: &Path,
    layer: usize,
) -> Result<(impl Iterator<Item = Result<Vec<Activation>>> + use<>, Metadata)> {
    read_batches(activation_file(folder, layer), &SCHEMA, BATCH_ROWS, rows_of)
}

/// Reads one layer's rows at once.
pub fn read_activations(folder: &Path, layer: usize) -> Result<(Vec<Activation>, Metadata)> {
    let (batches, metadata) = read_activation_batches(folder, layer)?;
    let batches = batches.collect::<Result<Vec<_>>>()?;
    Ok((batches.into_iter().flatten().collect(), metadata))
}

/// Where a pooling read in one text.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadPosition {
    pub prompt_id: String,
    pub condition: String,
    pub pooling: Pooling,
    /// Counted from `<bos>` = 0; none where it is the mean over all tokens.
    pub position: Option<i32>,
}

/// The positions that were read, which are the same at every layer. No activation is read.
pub fn read_positions(folder: &Path) -> Result<Vec<ReadPosition>> {
    let path = activation_file(folder, 0);
    let names = ["prompt_id", "condition", "pooling", "position"];
    let (batch, _) = read_columns(&path, &SCHEMA, Some(&names))?;
    let columns = Columns {
        path: &path,
        batch: &batch,
    };
    let (prompts, conditions) = (columns.texts("prompt_id")?, columns.texts("condition")?);
    let positions = columns.optional_numbers::<Int32Type>("position")?;
    let poolings = columns.texts("pooling")?.into_iter().enumerate();
    let row = |(row, pooling): (usize, String)| {
        Ok(ReadPosition {
            prompt_id: prompts[row].clone(),
            condition: conditions[row].clone(),
            pooling: parse_pooling(&path, row, &pooling)?,
            position: positions[row],
        })
    };
    poolings.map(row).collect()
}

fn parse_pooling(path: &Path, row: usize, name: &str) -> Result<Pooling> {
    let problem = || Error::invalid(path, format!("row {row}: unknown pooling \"{name}\""));
    Pooling::parse(name).ok_or_else(problem)
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

/// The file of one layer.
pub fn activation_file(folder: &Path, layer: usize) -> PathBuf {
    folder.join(format!("layer={layer:02}")).join("part-0.parquet")
}

/// At 4096 numbers a row these are 4 MB.
const BATCH_ROWS: usize = 256;

struct LayerWriter {
    path: PathBuf,
    hidden_size: usize,
    table: TableWriter,
}

impl LayerWriter {
    fn create(folder: &Path, layer: usize, metadata: &Metadata) -> Result<Self> {
        let path = activation_file(folder, layer);
        let hidden_size = metadata.number(&path, "hidden_size")?;
        if let Some(parent) = path.parent() {
            fs_err::create_dir_all(parent)?;
        }
        let metadata = metadata.clone().with("layer", layer);
        let table = TableWriter::create(&path, &SCHEMA, &metadata, &columns_of(&[], hidden_size))?;
        Ok(LayerWriter {
            path,
            hidden_size,
            table,
        })
    }

    fn append(&mut self, rows: &[Activation]) -> Result<()> {
        let hidden_size = self.hidden_size;
        if let Some(row) = rows.iter().find(|row| row.activation.len() != hidden_size) {
            let (prompt, length) = (&row.prompt_id, row.activation.len());
            let message =
                format!("prompt \"{prompt}\": {length} numbers, but the hidden size is {hidden_size}");
            return Err(Error::invalid(&self.path, message));
        }
        self.table.append(columns_of(rows, hidden_size))?;
        self.table.end_row_group()
    }

    fn finish(self) -> Result<()> {
        self.table.finish()
    }
}

fn columns_of(rows: &[Activation], hidden_size: usize) -> Vec<(Field, ArrayRef)> {
    vec![
        text_column("prompt_id", rows.iter().map(|row| &row.prompt_id)),
        text_column("condition", rows.iter().map(|row| &row.condition)),
        text_column("pooling", rows.iter().map(|row| row.pooling.as_str())),
        optional_column::<Int32Type>("position", rows.iter().map(|row| row.position)),
        optional_column::<Int32Type>("token_id", rows.iter().map(|row| row.token_id)),
        optional_text_column("token_text", rows.iter().map(|row| row.token_text.clone())),
        column::<Float32Type>("norm", rows.iter().map(|row| row.norm)),
        vector_column(
            "activation",
            hidden_size,
            rows.iter().map(|row| row.activation.as_slice()),
        ),
    ]
}

fn rows_of(columns: &Columns<'_>, first_row: usize) -> Result<Vec<Activation>> {
    let (prompts, conditions, poolings) = (
        columns.texts("prompt_id")?,
        columns.texts("condition")?,
        columns.texts("pooling")?,
    );
    let positions = columns.optional_numbers::<Int32Type>("position")?;
    let token_ids = columns.optional_numbers::<Int32Type>("token_id")?;
    let token_texts = columns.optional_texts("token_text")?;
    let norms = columns.numbers::<Float32Type>("norm")?;
    let vectors = columns.vectors("activation")?;
    let mut rows = Vec::with_capacity(vectors.len());
    for (index, activation) in vectors.into_iter().enumerate() {
        let pooling = parse_pooling(columns.path, first_row + index, &poolings[index])?;
        rows.push(Activation {
            prompt_id: prompts[index].clone(),
            condition: conditions[index].clone(),
            pooling,
            position: positions[index],
            token_id: token_ids[index],
            token_text: token_texts[index].clone(),
            norm: norms[index],
            activation,
        });
    }
    Ok(rows)
}
