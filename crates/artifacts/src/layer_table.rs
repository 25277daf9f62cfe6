//! Tables whose rows are the figures of a layer under one pooling.

use std::path::Path;

use arrow_array::types::Int32Type;

use crate::contract::{COUNT, Column, TableSchema};
use crate::table::{Columns, NumberField, column, number_columns, read_table, text_column, write_table};
use crate::{Metadata, Result};

/// What such a row is of: the layer, the pooling, and the prompts that its figures come from.
pub(crate) type LayerKey = (usize, String, usize);

/// The contract of such a table.
pub(crate) fn layer_columns<Row>(fields: &[NumberField<Row>]) -> Vec<Column> {
    let own = [
        Column::layer(),
        Column::pooling(),
        Column::int32("prompts", COUNT, "the prompts that the row's figures come from"),
    ];
    own.into_iter()
        .chain(fields.iter().map(|field| field.column.clone()))
        .collect()
}

pub(crate) fn write_layer_table<Row>(
    path: &Path,
    schema: &TableSchema,
    metadata: &Metadata,
    fields: &[NumberField<Row>],
    rows: &[Row],
    key: fn(&Row) -> LayerKey,
) -> Result<()> {
    let keys: Vec<LayerKey> = rows.iter().map(key).collect();
    let mut columns = vec![
        column::<Int32Type>("layer", keys.iter().map(|(layer, _, _)| *layer as i32)),
        text_column("pooling", keys.iter().map(|(_, pooling, _)| pooling)),
        column::<Int32Type>("prompts", keys.iter().map(|(_, _, prompts)| *prompts as i32)),
    ];
    columns.extend(number_columns(fields, rows));
    write_table(path, schema, metadata, columns)
}

/// `new` makes a row whose figures are still to be filled in.
pub(crate) fn read_layer_table<Row>(
    path: &Path,
    schema: &TableSchema,
    fields: &[NumberField<Row>],
    new: fn(LayerKey) -> Row,
) -> Result<(Vec<Row>, Metadata)> {
    let (batch, metadata) = read_table(path, schema)?;
    let columns = Columns { path, batch: &batch };
    let layers = columns.numbers::<Int32Type>("layer")?;
    let prompts = columns.numbers::<Int32Type>("prompts")?;
    let keys = layers.into_iter().zip(columns.texts("pooling")?).zip(prompts);
    let mut rows: Vec<Row> = keys
        .map(|((layer, pooling), prompts)| new((layer as usize, pooling, prompts as usize)))
        .collect();
    columns.fill(fields, &mut rows)?;
    Ok((rows, metadata))
}
