use std::path::Path;

use arrow_array::types::{Float64Type, Int32Type};

use crate::contract::{Column, REACH, SHARE, TableSchema};
use crate::table::{Columns, column, read_table, text_column, write_table};
use crate::{Metadata, Result};

pub(crate) const SCHEMA: TableSchema = TableSchema {
    name: "principal_components",
    version: 1,
    file: "analyze/principal_components.parquet",
    row: "one residual, under the contrast's pooling, in the plane of its layer's two first principal components",
    key: &["layer", "pooling", "condition", "prompt_id"],
    is_sorted: true,
    columns: || {
        vec![
            Column::layer(),
            Column::pooling(),
            Column::condition(),
            Column::prompt_id(),
            Column::float64(
                "pc1",
                REACH,
                "along the first component, from the mean of all rows",
            ),
            Column::float64("pc2", REACH, "along the second"),
            Column::float64(
                "pc1_share",
                SHARE,
                "of the variance, the same in all rows of a layer",
            ),
            Column::float64("pc2_share", SHARE, "the same of the second"),
        ]
    },
};

/// Where one residual lies in the plane of its layer's two first principal components, about the mean of all rows.
#[derive(Clone, Debug, PartialEq)]
pub struct ComponentPlace {
    pub layer: usize,
    pub pooling: String,
    pub condition: String,
    pub prompt_id: String,
    pub pc1: f64,
    pub pc2: f64,
    /// The parts of the variance that the components account for, the same in all rows of a layer.
    pub pc1_share: f64,
    pub pc2_share: f64,
}

pub fn write_principal_components(path: &Path, metadata: &Metadata, rows: &[ComponentPlace]) -> Result<()> {
    let columns = vec![
        column::<Int32Type>("layer", rows.iter().map(|row| row.layer as i32)),
        text_column("pooling", rows.iter().map(|row| &row.pooling)),
        text_column("condition", rows.iter().map(|row| &row.condition)),
        text_column("prompt_id", rows.iter().map(|row| &row.prompt_id)),
        column::<Float64Type>("pc1", rows.iter().map(|row| row.pc1)),
        column::<Float64Type>("pc2", rows.iter().map(|row| row.pc2)),
        column::<Float64Type>("pc1_share", rows.iter().map(|row| row.pc1_share)),
        column::<Float64Type>("pc2_share", rows.iter().map(|row| row.pc2_share)),
    ];
    write_table(path, &SCHEMA, metadata, columns)
}

pub fn read_principal_components(path: &Path) -> Result<(Vec<ComponentPlace>, Metadata)> {
    let (batch, metadata) = read_table(path, &SCHEMA)?;
    let columns = Columns { path, batch: &batch };
    let layers = columns.numbers::<Int32Type>("layer")?;
    let (poolings, conditions) = (columns.texts("pooling")?, columns.texts("condition")?);
    let prompts = columns.texts("prompt_id")?;
    let numbers = |name: &str| columns.numbers::<Float64Type>(name);
    let (pc1, pc2) = (numbers("pc1")?, numbers("pc2")?);
    let (pc1_share, pc2_share) = (numbers("pc1_share")?, numbers("pc2_share")?);
    let row = |index: usize| ComponentPlace {
        layer: layers[index] as usize,
        pooling: poolings[index].clone(),
        condition: conditions[index].clone(),
        prompt_id: prompts[index].clone(),
        pc1: pc1[index],
        pc2: pc2[index],
        pc1_share: pc1_share[index],
        pc2_share: pc2_share[index],
    };
    Ok(((0..layers.len()).map(row).collect(), metadata))
}
