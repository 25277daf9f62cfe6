use std::path::{Path, PathBuf};

use arrow_array::types::{Float32Type, Int32Type};

use crate::table::{
    Columns, TableSchema, column, optional_column, optional_text_column, read_table, text_column,
    vector_column, write_table,
};
use crate::{Error, Metadata, Pooling, Result};

const SCHEMA: TableSchema = TableSchema {
    name: "activations",
    version: 1,
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

/// Writes `layer=NN/part-0.parquet` below `folder`. All vectors have the length that `metadata` gives.
pub fn write_activations(
    folder: &Path,
    layer: usize,
    metadata: &Metadata,
    rows: &[Activation],
) -> Result<()> {
    let path = activation_file(folder, layer);
    let hidden_size = metadata.number(&path, "hidden_size")?;
    if let Some(parent) = path.parent() {
        fs_err::create_dir_all(parent)?;
    }
    let columns = vec![
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
    ];
    write_table(&path, &SCHEMA, &metadata.clone().with("layer", layer), columns)
}

/// Reads one layer's rows, in the order in which they were written.
pub fn read_activations(folder: &Path, layer: usize) -> Result<(Vec<Activation>, Metadata)> {
    let path = activation_file(folder, layer);
    let (batch, metadata) = read_table(&path, &SCHEMA)?;
    let columns = Columns {
        path: &path,
        batch: &batch,
    };
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
        let pooling = Pooling::parse(&poolings[index]).ok_or_else(|| {
            Error::invalid(
                &path,
                format!("row {index}: unknown pooling \"{}\"", poolings[index]),
            )
        })?;
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
    Ok((rows, metadata))
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
