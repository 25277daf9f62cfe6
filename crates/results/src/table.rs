//! How every table is written and read.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use terms::Pooling;

use crate::column_kind::ColumnKind;
use crate::contract::TableSchema;
use crate::row::{Batch, Row};
use crate::{Error, LayerEffects, LayerStatistics, Metadata, Result, Summary};

/// A kind of table, by the type of its rows.
pub trait Table: Row {
    /// Its contract.
    const SCHEMA: TableSchema;

    /// Writes a table whose rows are all in memory.
    ///
    /// # Errors
    /// What the file system says, and vectors without a `hidden_size` in the footer, or of another
    /// length.
    fn write(path: &Path, metadata: &Metadata, rows: &[Self]) -> Result<()> {
        let mut writer = TableWriter::create(path, metadata)?;
        writer.append(rows)?;
        writer.finish()
    }

    /// Reads a whole table.
    ///
    /// # Errors
    /// A file that is not this table in this version, and a value that may not be there.
    fn read(path: &Path) -> Result<(Vec<Self>, Metadata)> {
        let (batches, metadata) = Self::read_batches(path, BATCH_ROWS)?;
        let batches = batches.collect::<Result<Vec<_>>>()?;
        Ok((batches.into_iter().flatten().collect(), metadata))
    }

    /// Reads a table in batches of at most `batch_rows` rows, so that a table of any length takes
    /// the memory of one batch.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    fn read_batches(
        path: &Path,
        batch_rows: usize,
    ) -> Result<(impl Iterator<Item = Result<Vec<Self>>> + use<Self>, Metadata)> {
        read_selected::<Self, Self, _>(path, batch_rows, None, |batch| (0..batch.num_rows()).collect())
    }
}

/// A table with a row for each layer and pooling.
pub trait LayerRow: Table {
    /// The row's layer.
    fn layer(&self) -> usize;
    /// The row's pooling.
    fn pooling(&self) -> Pooling;
}

macro_rules! layer_rows {
    ($($row:ident),+) => {
        $(impl LayerRow for $row {
            fn layer(&self) -> usize {
                self.layer
            }

            fn pooling(&self) -> Pooling {
                self.pooling
            }
        })+
    };
}
layer_rows!(Summary, LayerStatistics, LayerEffects);

/// The footer of a table; no row is read.
///
/// # Errors
/// A file that is not this table in this version.
pub(crate) fn read_footer<T: Table>(path: &Path) -> Result<Metadata> {
    let metadata = Metadata::of_file(builder_of(path)?.metadata().file_metadata());
    require_schema(path, &T::SCHEMA, &metadata)?;
    Ok(metadata)
}

/// Rows that are in memory at once while a table is read.
pub const BATCH_ROWS: usize = 8192;

/// Reads the columns `names`, or all of them, and of each batch the rows that `select` names; of
/// the others nothing is kept.
pub(crate) fn read_selected<R: Row, T: Table, F: Fn(&RecordBatch) -> Vec<usize>>(
    path: &Path,
    batch_rows: usize,
    names: Option<&[&str]>,
    select: F,
) -> Result<(impl Iterator<Item = Result<Vec<R>>> + use<R, T, F>, Metadata)> {
    let (reader, metadata) = open_table(path, &T::SCHEMA, names, batch_rows)?;
    let path = path.to_owned();
    let mut first_row = 0;
    let batches = reader.map(move |batch| {
        let batch = batch.map_err(Error::parquet(&path))?;
        let rows = R::unpack(
            &Batch {
                path: &path,
                first_row,
                batch: &batch,
            },
            &select(&batch),
        )?;
        first_row += batch.num_rows();
        Ok(rows)
    });
    Ok((batches, metadata))
}

/// A table that is written piece by piece. The footer comes last, so that a file that was never
/// finished is not a table to any reader.
pub struct TableWriter<T> {
    path: PathBuf,
    /// The length of vectors.
    width: usize,
    schema: Arc<Schema>,
    writer: ArrowWriter<fs_err::File>,
    rows: PhantomData<T>,
}

impl<T: Table> TableWriter<T> {
    /// Starts the file. `metadata` goes into the footer; for tables with vectors its `hidden_size`
    /// is their length.
    ///
    /// # Errors
    /// As for [`Table::write`].
    pub fn create(path: &Path, metadata: &Metadata) -> Result<Self> {
        Self::create_in_groups(path, metadata, ROW_GROUP_ROWS)
    }

    /// The same, with row groups of `group_rows` rows: what the writer holds in memory, and all that
    /// the file's bytes depend on besides its rows, however they are appended.
    ///
    /// # Errors
    /// As for [`Table::write`].
    pub fn create_in_groups(path: &Path, metadata: &Metadata, group_rows: usize) -> Result<Self> {
        let has_vectors = T::columns()
            .iter()
            .any(|column| column.kind == ColumnKind::Vector);
        let width = match has_vectors {
            true => metadata.number(path, "hidden_size")?,
            false => 0,
        };
        let metadata = metadata
            .clone()
            .with("schema", T::SCHEMA.name)
            .with("schema_version", T::SCHEMA.version);
        let fields = fields_of::<T>(width);
        let properties = writer_properties(&fields, &metadata, group_rows);
        let schema = Arc::new(Schema::new(fields));
        let file = fs_err::File::create(path)?;
        let writer =
            ArrowWriter::try_new(file, schema.clone(), Some(properties)).map_err(Error::parquet(path))?;
        Ok(TableWriter {
            path: path.to_owned(),
            width,
            schema,
            writer,
            rows: PhantomData,
        })
    }

    /// Adds rows; a row group that is full goes to the file.
    ///
    /// # Errors
    /// What the file system says.
    pub fn append(&mut self, rows: &[T]) -> Result<()> {
        let rows: Vec<&T> = rows.iter().collect();
        let arrays = T::pack(&rows, self.width);
        let batch = RecordBatch::try_new(self.schema.clone(), arrays).map_err(Error::parquet(&self.path))?;
        self.writer.write(&batch).map_err(Error::parquet(&self.path))
    }

    /// Writes the footer.
    ///
    /// # Errors
    /// What the file system says.
    pub fn finish(self) -> Result<()> {
        self.writer.close().map_err(Error::parquet(&self.path))?;
        Ok(())
    }

    /// The length of vectors in this table, and 0 where it has none.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// The fields of the file. Vectors are nullable, as those of most writers, though none is ever
/// missing.
fn fields_of<T: Table>(width: usize) -> Vec<Field> {
    let arrays = T::pack(&[], width);
    let columns = T::columns().into_iter().zip(arrays);
    columns
        .map(|(column, array)| {
            let may_be_null = column.is_nullable || column.kind == ColumnKind::Vector;
            Field::new(column.name, array.data_type().clone(), may_be_null)
        })
        .collect()
}

/// Rows of a row group, which is what a [`TableWriter`] holds in memory.
const ROW_GROUP_ROWS: usize = 1 << 17;

fn writer_properties(fields: &[Field], metadata: &Metadata, group_rows: usize) -> WriterProperties {
    let mut builder = WriterProperties::builder()
        .set_created_by("roleswap".to_owned())
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(group_rows))
        .set_key_value_metadata(Some(metadata.entries()));
    for field in fields
        .iter()
        .filter(|field| matches!(field.data_type(), DataType::FixedSizeList(..)))
    {
        // Bytes of the same significance are together, which is what compresses in floats; a
        // dictionary never pays.
        let column = ColumnPath::new(vec![field.name().clone(), "list".to_owned(), "item".to_owned()]);
        builder = builder
            .set_column_dictionary_enabled(column.clone(), false)
            .set_column_encoding(column.clone(), Encoding::BYTE_STREAM_SPLIT)
            .set_column_statistics_enabled(column, EnabledStatistics::None);
    }
    builder.build()
}

/// A table of any schema, to be looked at column by column.
pub struct TableFile {
    /// The footer.
    pub metadata: Metadata,
    /// The columns.
    pub schema: Arc<Schema>,
    /// How many rows there are.
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
            metadata: Metadata::of_file(file),
            rows: usize::try_from(file.num_rows()).unwrap_or_default(),
            schema: builder.schema().clone(),
            path: path.to_owned(),
            reader: builder
                .with_batch_size(8192)
                .build()
                .map_err(Error::parquet(path))?,
        })
    }

    /// The rows, in batches of at most 8192.
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
    let metadata = Metadata::of_file(builder.metadata().file_metadata());
    require_schema(path, schema, &metadata)?;
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

fn require_schema(path: &Path, schema: &TableSchema, metadata: &Metadata) -> Result<()> {
    let entry = |key: &str| metadata.get(key).unwrap_or("none");
    let (name, version) = (entry("schema"), entry("schema_version"));
    let (want, want_version) = (schema.name, schema.version);
    if name == want && version == want_version.to_string() {
        return Ok(());
    }
    let message = format!(
        "this is a table \"{name}\" of version {version}, not \"{want}\" of version {want_version}; make it again"
    );
    Err(Error::invalid(path, message))
}
