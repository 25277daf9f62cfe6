//! What all Parquet tables share: how they are written, and the metadata in their footers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{FixedSizeListBuilder, Float32Builder, Int32Builder, ListBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float32Type, Float64Type, Int32Type};
use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, PrimitiveArray, RecordBatch, RecordBatchReader, StringArray,
};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, Encoding};
use parquet::file::metadata::{FileMetaData, KeyValue};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::contract::{Column, TableSchema};
use crate::{Error, Result};

/// The footer of every table: what the rows are of, and which version of the schema they follow.
///
/// Keys are written with the prefix `roleswap.`. No clock and no path goes in here: the same inputs give the
/// same bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata(BTreeMap<String, String>);

const PREFIX: &str = "roleswap.";

impl Metadata {
    pub fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.0.insert(key.to_owned(), value.to_string());
        self
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// All entries but those of the table itself, to hand on to the tables that are made from this one.
    pub fn inherited(&self) -> Self {
        let own = ["schema", "schema_version", "layer"];
        Metadata(
            self.0
                .iter()
                .filter(|(key, _)| !own.contains(&key.as_str()))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect(),
        )
    }

    /// The number under `key`, for the readers that need it; `path` is for the message.
    pub fn number(&self, path: &Path, key: &str) -> Result<usize> {
        self.get(key).and_then(|text| text.parse().ok()).ok_or_else(|| {
            Error::invalid(
                path,
                format!("the footer has no number `{PREFIX}{key}`; make the table again with this version"),
            )
        })
    }
}

/// Writes a table that is in memory as a whole.
pub(crate) fn write_table(
    path: &Path,
    schema: &TableSchema,
    metadata: &Metadata,
    columns: Vec<(Field, ArrayRef)>,
) -> Result<()> {
    let mut writer = TableWriter::create(path, schema, metadata, &columns)?;
    writer.append(columns)?;
    writer.finish()
}

/// A table that is written piece by piece. The footer comes last, so that a file which was never finished is no table
/// to any reader.
pub(crate) struct TableWriter {
    path: PathBuf,
    schema: Arc<Schema>,
    writer: ArrowWriter<fs_err::File>,
}

impl TableWriter {
    /// `columns` give names and types; their rows are not written.
    pub fn create(
        path: &Path,
        schema: &TableSchema,
        metadata: &Metadata,
        columns: &[(Field, ArrayRef)],
    ) -> Result<Self> {
        let fields: Vec<Field> = columns.iter().map(|(field, _)| field.clone()).collect();
        if let Some((column, problem)) = schema.disagreement(&fields) {
            let message =
                format!("column `{column}`: {problem}; the writer and the contract of this table differ");
            return Err(Error::invalid(path, message));
        }
        let metadata = metadata
            .clone()
            .with("schema", schema.name)
            .with("schema_version", schema.version);
        let properties = writer_properties(&fields, &metadata);
        let schema = Arc::new(Schema::new(fields));
        let file = fs_err::File::create(path)?;
        let writer =
            ArrowWriter::try_new(file, schema.clone(), Some(properties)).map_err(Error::parquet(path))?;
        Ok(TableWriter {
            path: path.to_owned(),
            schema,
            writer,
        })
    }

    /// Adds rows; a row group that is full goes to the file.
    pub fn append(&mut self, columns: Vec<(Field, ArrayRef)>) -> Result<()> {
        let arrays = columns.into_iter().map(|(_, array)| array).collect();
        let batch = RecordBatch::try_new(self.schema.clone(), arrays).map_err(Error::parquet(&self.path))?;
        self.writer.write(&batch).map_err(Error::parquet(&self.path))
    }

    /// Ends the row group, full or not: its rows are in the file then, and their memory is free.
    pub fn end_row_group(&mut self) -> Result<()> {
        self.writer.flush().map_err(Error::parquet(&self.path))
    }

    /// Writes the footer.
    pub fn finish(self) -> Result<()> {
        self.writer.close().map_err(Error::parquet(&self.path))?;
        Ok(())
    }
}

/// Rows of a row group that nobody ends before, which is what a [`TableWriter`] holds in memory.
const ROW_GROUP_ROWS: usize = 1 << 17;

fn writer_properties(fields: &[Field], metadata: &Metadata) -> WriterProperties {
    let entries = metadata
        .iter()
        .map(|(key, value)| KeyValue::new(format!("{PREFIX}{key}"), value.to_owned()));
    let mut builder = WriterProperties::builder()
        .set_created_by("roleswap".to_owned())
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_key_value_metadata(Some(entries.collect()));
    for field in fields
        .iter()
        .filter(|field| matches!(field.data_type(), DataType::FixedSizeList(..)))
    {
        // Bytes of the same significance lie together, which is what compresses in floats; a dictionary never pays.
        let column = ColumnPath::new(vec![field.name().clone(), "list".to_owned(), "item".to_owned()]);
        builder = builder
            .set_column_dictionary_enabled(column.clone(), false)
            .set_column_encoding(column.clone(), Encoding::BYTE_STREAM_SPLIT)
            .set_column_statistics_enabled(column, EnabledStatistics::None);
    }
    builder.build()
}

/// Reads a whole table, after checking that it is the one that was asked for.
pub(crate) fn read_table(path: &Path, schema: &TableSchema) -> Result<(RecordBatch, Metadata)> {
    read_columns(path, schema, None)
}

/// Reads these columns of a table, and nothing of the others from the disk.
pub(crate) fn read_columns(
    path: &Path,
    schema: &TableSchema,
    names: Option<&[&str]>,
) -> Result<(RecordBatch, Metadata)> {
    let (mut reader, metadata) = open_table(path, schema, names, usize::MAX >> 32)?;
    let empty = RecordBatch::new_empty(reader.schema());
    let batch = reader.next().transpose().map_err(Error::parquet(path))?;
    if reader.next().is_some() {
        return Err(Error::invalid(path, "the table does not fit in one batch"));
    }
    Ok((batch.unwrap_or(empty), metadata))
}

/// Reads a table in batches of at most `batch_rows` rows, so that a table of any length takes the memory of one batch.
///
/// `rows_of` makes rows of the columns of one batch; it is told the number of the batch's first row, for its messages.
pub(crate) fn read_batches<Row>(
    path: PathBuf,
    schema: &TableSchema,
    batch_rows: usize,
    rows_of: impl Fn(&Columns<'_>, usize) -> Result<Vec<Row>>,
) -> Result<(impl Iterator<Item = Result<Vec<Row>>>, Metadata)> {
    let (reader, metadata) = open_table(&path, schema, None, batch_rows)?;
    let mut first_row = 0;
    let batches = reader.map(move |batch| {
        let batch = batch.map_err(Error::parquet(&path))?;
        let columns = Columns {
            path: &path,
            batch: &batch,
        };
        let rows = rows_of(&columns, first_row)?;
        first_row += batch.num_rows();
        Ok(rows)
    });
    Ok((batches, metadata))
}

/// A table of any schema, to be looked at column by column.
pub struct TableFile {
    pub metadata: Metadata,
    pub schema: Arc<Schema>,
    pub rows: usize,
    path: PathBuf,
    reader: ParquetRecordBatchReader,
}

impl TableFile {
    /// Reads the footer. The rows come in batches of at most 8192, in the memory of one batch.
    pub fn open(path: &Path) -> Result<Self> {
        let builder = builder_of(path)?;
        let file = builder.metadata().file_metadata();
        Ok(TableFile {
            metadata: footer(file),
            rows: usize::try_from(file.num_rows()).unwrap_or_default(),
            schema: builder.schema().clone(),
            path: path.to_owned(),
            reader: builder
                .with_batch_size(8192)
                .build()
                .map_err(Error::parquet(path))?,
        })
    }

    pub fn batches(self) -> impl Iterator<Item = Result<RecordBatch>> {
        let path = self.path;
        self.reader.map(move |batch| batch.map_err(Error::parquet(&path)))
    }
}

fn builder_of(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<std::fs::File>> {
    let file = fs_err::File::open(path)?;
    ParquetRecordBatchReaderBuilder::try_new(file.into_parts().0).map_err(Error::parquet(path))
}

fn open_table(
    path: &Path,
    schema: &TableSchema,
    names: Option<&[&str]>,
    batch_rows: usize,
) -> Result<(ParquetRecordBatchReader, Metadata)> {
    let builder = builder_of(path)?;
    let metadata = footer(builder.metadata().file_metadata());
    let (name, version) = (
        metadata.get("schema").unwrap_or("none"),
        metadata.get("schema_version").unwrap_or("none"),
    );
    if name != schema.name || version != schema.version.to_string() {
        let (want, want_version) = (schema.name, schema.version);
        let message = format!(
            "this is a table \"{name}\" of version {version}, not \"{want}\" of version {want_version}; make it again"
        );
        return Err(Error::invalid(path, message));
    }
    let columns = match names {
        Some(names) => ProjectionMask::columns(builder.parquet_schema(), names.iter().copied()),
        None => ProjectionMask::all(),
    };
    let reader = builder
        .with_projection(columns)
        .with_batch_size(batch_rows)
        .build()
        .map_err(Error::parquet(path))?;
    Ok((reader, metadata))
}

fn footer(file: &FileMetaData) -> Metadata {
    let entries = file.key_value_metadata().cloned().unwrap_or_default();
    let own = entries.into_iter().filter_map(|entry| {
        let key = entry.key.strip_prefix(PREFIX)?.to_owned();
        Some((key, entry.value.unwrap_or_default()))
    });
    Metadata(own.collect())
}

pub(crate) fn text_column(name: &str, values: impl Iterator<Item = impl AsRef<str>>) -> (Field, ArrayRef) {
    let array = StringArray::from_iter_values(values);
    (Field::new(name, DataType::Utf8, false), Arc::new(array))
}

pub(crate) fn optional_text_column(
    name: &str,
    values: impl Iterator<Item = Option<String>>,
) -> (Field, ArrayRef) {
    let array: StringArray = values.collect();
    (Field::new(name, DataType::Utf8, true), Arc::new(array))
}

pub(crate) fn column<T: ArrowPrimitiveType>(
    name: &str,
    values: impl Iterator<Item = T::Native>,
) -> (Field, ArrayRef) {
    let array = PrimitiveArray::<T>::from_iter_values(values);
    (Field::new(name, T::DATA_TYPE, false), Arc::new(array))
}

pub(crate) fn optional_column<T: ArrowPrimitiveType>(
    name: &str,
    values: impl Iterator<Item = Option<T::Native>>,
) -> (Field, ArrayRef) {
    let array: PrimitiveArray<T> = values.collect();
    (Field::new(name, T::DATA_TYPE, true), Arc::new(array))
}

/// A column of lists of token ids.
pub(crate) fn ids_column<'a>(name: &str, rows: impl Iterator<Item = &'a [i32]>) -> (Field, ArrayRef) {
    let mut lists = ListBuilder::new(Int32Builder::new());
    for row in rows {
        lists.values().append_slice(row);
        lists.append(true);
    }
    let lists = lists.finish();
    (
        Field::new(name, lists.data_type().clone(), false),
        Arc::new(lists),
    )
}

/// A column of lists of texts.
pub(crate) fn texts_column<'a>(name: &str, rows: impl Iterator<Item = &'a [String]>) -> (Field, ArrayRef) {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for row in rows {
        row.iter().for_each(|text| lists.values().append_value(text));
        lists.append(true);
    }
    let lists = lists.finish();
    (
        Field::new(name, lists.data_type().clone(), false),
        Arc::new(lists),
    )
}

/// An f64 column whose name is that of the field of a row which it holds. A figure that is not defined is NaN in the row and
/// null in the table, whose contract says which may be.
pub(crate) struct NumberField<Row> {
    pub column: Column,
    pub get: fn(&Row) -> f64,
    pub set: fn(&mut Row, f64),
}

/// The fields of a row type that a table holds as f64 columns, each under its own name, with its quantity and meaning, and
/// `=> nullable` where a figure may not be defined.
macro_rules! number_fields {
    ($row:ty: $($field:ident: $quantity:expr, $meaning:literal $(=> $nullable:ident)?;)+) => {
        &[$($crate::table::NumberField::<$row> {
            column: $crate::contract::Column::float64(stringify!($field), $quantity, $meaning)$(.$nullable())?,
            get: |row| row.$field,
            set: |row, value| row.$field = value,
        }),+]
    };
}
pub(crate) use number_fields;

/// A column for each of the fields.
pub(crate) fn number_columns<Row>(
    fields: &[NumberField<Row>],
    rows: &[Row],
) -> impl Iterator<Item = (Field, ArrayRef)> {
    fields.iter().map(|field| {
        let values = rows.iter().map(field.get);
        if field.column.is_nullable {
            defined_column(field.column.name, values)
        } else {
            column::<Float64Type>(field.column.name, values)
        }
    })
}

/// A column of figures that may not be defined: NaN becomes null.
pub(crate) fn defined_column(name: &str, values: impl Iterator<Item = f64>) -> (Field, ArrayRef) {
    optional_column::<Float64Type>(name, values.map(|value| (!value.is_nan()).then_some(value)))
}

/// A column of vectors of one length. It bears no extension type: as `arrow.fixed_shape_tensor` pyarrow would make tensors of
/// it, and Hugging Face's datasets would not open the file.
pub(crate) fn vector_column<'a>(
    name: &str,
    length: usize,
    vectors: impl Iterator<Item = &'a [f32]>,
) -> (Field, ArrayRef) {
    let mut builder = FixedSizeListBuilder::new(Float32Builder::new(), length as i32);
    for vector in vectors {
        debug_assert_eq!(vector.len(), length);
        builder.values().append_slice(vector);
        builder.append(true);
    }
    let array = builder.finish();
    (Field::new(name, array.data_type().clone(), true), Arc::new(array))
}

/// Columns of a batch by name, with errors that name the file.
pub(crate) struct Columns<'a> {
    pub path: &'a Path,
    pub batch: &'a RecordBatch,
}

impl<'a> Columns<'a> {
    fn column(&self, name: &str, data_type: &DataType) -> Result<&'a ArrayRef> {
        let column = self.batch.column_by_name(name);
        column
            .filter(|column| column.data_type() == data_type)
            .ok_or_else(|| {
                Error::invalid(
                    self.path,
                    format!("there is no column `{name}` of type {data_type}; make the table again"),
                )
            })
    }

    pub fn text(&self, name: &str) -> Result<&'a StringArray> {
        Ok(self.column(name, &DataType::Utf8)?.as_string())
    }

    pub fn texts(&self, name: &str) -> Result<Vec<String>> {
        Ok(self
            .text(name)?
            .iter()
            .map(|value| value.unwrap_or_default().to_owned())
            .collect())
    }

    pub fn optional_texts(&self, name: &str) -> Result<Vec<Option<String>>> {
        Ok(self
            .text(name)?
            .iter()
            .map(|value| value.map(str::to_owned))
            .collect())
    }

    pub fn numbers<T: ArrowPrimitiveType>(&self, name: &str) -> Result<Vec<T::Native>> {
        Ok(self
            .column(name, &T::DATA_TYPE)?
            .as_primitive::<T>()
            .values()
            .to_vec())
    }

    /// Fills the fields of rows that are there already, one for each row of the batch.
    pub fn fill<Row>(&self, fields: &[NumberField<Row>], rows: &mut [Row]) -> Result<()> {
        for field in fields {
            for (row, value) in rows.iter_mut().zip(self.defined(field.column.name)?) {
                (field.set)(row, value);
            }
        }
        Ok(())
    }

    /// Figures that may not be defined: null becomes NaN.
    pub fn defined(&self, name: &str) -> Result<Vec<f64>> {
        let values = self.optional_numbers::<Float64Type>(name)?;
        Ok(values
            .into_iter()
            .map(|value| value.unwrap_or(f64::NAN))
            .collect())
    }

    pub fn optional_numbers<T: ArrowPrimitiveType>(&self, name: &str) -> Result<Vec<Option<T::Native>>> {
        Ok(self
            .column(name, &T::DATA_TYPE)?
            .as_primitive::<T>()
            .iter()
            .collect())
    }

    pub fn ids(&self, name: &str) -> Result<Vec<Vec<i32>>> {
        self.lists(name, "token ids", |values| {
            Some(values.as_primitive_opt::<Int32Type>()?.values().to_vec())
        })
    }

    pub fn lists_of_texts(&self, name: &str) -> Result<Vec<Vec<String>>> {
        self.lists(name, "texts", |values| {
            let texts = values.as_string_opt::<i32>()?.iter();
            Some(texts.map(|text| text.unwrap_or_default().to_owned()).collect())
        })
    }

    fn lists<T>(&self, name: &str, what: &str, values_of: fn(ArrayRef) -> Option<T>) -> Result<Vec<T>> {
        let missing = || {
            let message = format!("there is no column `{name}` of lists of {what}; make the table again");
            Error::invalid(self.path, message)
        };
        let column = self.batch.column_by_name(name).ok_or_else(missing)?;
        let lists = column.as_list_opt::<i32>().ok_or_else(missing)?;
        (0..lists.len())
            .map(|row| values_of(lists.value(row)).ok_or_else(missing))
            .collect()
    }

    pub fn vectors(&self, name: &str) -> Result<Vec<Vec<f32>>> {
        let missing = || {
            Error::invalid(
                self.path,
                format!("there is no column `{name}` of vectors; make the table again"),
            )
        };
        let list: &FixedSizeListArray = self
            .batch
            .column_by_name(name)
            .ok_or_else(missing)?
            .as_fixed_size_list_opt()
            .ok_or_else(missing)?;
        let length = list.value_length() as usize;
        let values = list
            .values()
            .as_primitive_opt::<Float32Type>()
            .ok_or_else(missing)?
            .values();
        Ok((0..list.len())
            .map(|row| values[row * length..(row + 1) * length].to_vec())
            .collect())
    }
}
