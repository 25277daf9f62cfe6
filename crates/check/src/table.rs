//! One file against its contract: schema, columns, types, missing values, what values may be, keys.

use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, Float64Array, RecordBatch};
use results::{Column, ColumnKind, Metadata, Result, TableFile, TableSchema};

use crate::order::{Keys, key_value};
use crate::problem::Problem;

/// What is known of a checked table.
#[derive(Debug)]
pub struct Checked {
    pub metadata: Metadata,
    pub rows: usize,
}

/// At most this many wrong rows are reported for a column.
const SHOWN: usize = 3;

/// `file` is the path inside the run's folder, for messages. None where the file can't be read as
/// this table at all.
pub fn check_table(
    folder: &Path,
    file: &Path,
    schema: &TableSchema,
    problems: &mut Vec<Problem>,
) -> Option<Checked> {
    let table = match TableFile::open(&folder.join(file)) {
        Ok(table) => table,
        Err(error) => {
            problems.push(Problem::of_reading(file, &error));
            return None;
        }
    };
    let checked = Checked {
        metadata: table.metadata.clone(),
        rows: table.rows,
    };
    let before = problems.len();
    problems.extend(wrong_schema(file, schema, &table));
    let fields = table.schema.fields().iter().map(AsRef::as_ref);
    if let Some((column, problem)) = schema.disagreement(fields) {
        problems.push(Problem::of_column(file, column, problem));
    }
    if problems.len() > before {
        return None;
    }
    match check_rows(file, schema, table, problems) {
        Ok(()) => Some(checked),
        Err(error) => {
            problems.push(Problem::of_reading(file, &error));
            None
        }
    }
}

fn wrong_schema(file: &Path, schema: &TableSchema, table: &TableFile) -> Option<Problem> {
    let found = |key: &str| table.metadata.get(key).unwrap_or("none").to_owned();
    let (name, version) = (found("schema"), found("schema_version"));
    (name != schema.name || version != schema.version.to_string()).then(|| {
        let message = format!(
            "the footer says schema \"{name}\" of version {version}, not \"{}\" of version {}",
            schema.name, schema.version
        );
        Problem::of_file(file, message)
    })
}

fn check_rows(
    file: &Path,
    schema: &TableSchema,
    table: TableFile,
    problems: &mut Vec<Problem>,
) -> Result<()> {
    let columns = (schema.columns)();
    let hidden_size = table.metadata.get("hidden_size").map(str::to_owned);
    let mut told = vec![0; columns.len()];
    let mut told_of_keys = 0;
    let mut keys = Keys::new(schema.key.len(), schema.is_sorted);
    let mut first_row = 0;
    for batch in table.batches() {
        let batch = batch?;
        for (column, told) in columns.iter().zip(&mut told) {
            let Some(array) = batch.column_by_name(column.name) else {
                continue;
            };
            if first_row == 0 {
                problems.extend(wrong_length(file, column, array, hidden_size.as_deref()));
            }
            for row in 0..batch.num_rows() {
                let Some(problem) = wrong_value(column, array, row).filter(|_| *told < SHOWN) else {
                    continue;
                };
                *told += 1;
                problems.push(Problem::of_value(file, column.name, first_row + row, problem));
            }
        }
        for (column, row, problem) in contradictions(&batch, &columns) {
            problems.push(Problem::of_value(file, column, first_row + row, problem));
        }
        check_keys(&batch, schema, &mut keys, |row, column, problem| {
            if told_of_keys < SHOWN {
                told_of_keys += 1;
                problems.push(Problem::of_value(file, column, first_row + row, problem));
            }
        });
        first_row += batch.num_rows();
    }
    Ok(())
}

fn check_keys(
    batch: &RecordBatch,
    schema: &TableSchema,
    keys: &mut Keys,
    mut tell: impl FnMut(usize, &str, &str),
) {
    for row in 0..batch.num_rows() {
        let key = schema.key.iter().map(|column| key_value(batch, column, row));
        if let Some((place, problem)) = keys.next(key.collect()) {
            tell(row, schema.key[place], problem);
        }
    }
}

/// Columns of one row that belong together by their names: the ends of intervals, and lists with
/// their lengths.
fn contradictions(batch: &RecordBatch, columns: &[Column]) -> Vec<(&'static str, usize, &'static str)> {
    let mut found = Vec::new();
    for column in columns {
        let Some(low) = batch.column_by_name(column.name) else {
            continue;
        };
        let partner = |name: &str| batch.column_by_name(name);
        if let Some(high) = column
            .name
            .strip_suffix("_low")
            .and_then(|name| partner(&format!("{name}_high")))
            && let (Some(low), Some(high)) = (
                low.as_primitive_opt::<Float64Type>(),
                high.as_primitive_opt::<Float64Type>(),
            )
        {
            let wrong = (0..low.len()).find_map(|row| Some((row, wrong_interval(low, high, row)?)));
            found.extend(wrong.map(|(row, problem)| (column.name, row, problem)));
        }
        if column.name == "n_tokens"
            && let Some(ids) = partner("token_ids").and_then(|ids| ids.as_list_opt::<i32>())
            && let Some(counts) = low.as_primitive_opt::<Int32Type>()
        {
            let wrong = (0..counts.len()).find(|row| counts.value(*row) != ids.value_length(*row));
            found.extend(wrong.map(|row| (column.name, row, "it is not the length of `token_ids`")));
        }
    }
    found
}

/// An interval that is not defined has neither end.
fn wrong_interval(low: &Float64Array, high: &Float64Array, row: usize) -> Option<&'static str> {
    match (low.is_null(row), high.is_null(row)) {
        (true, true) => None,
        (false, false) if low.value(row) <= high.value(row) => None,
        (false, false) => Some("the interval's lower end is above its upper one"),
        _ => Some("the interval has one end alone"),
    }
}

fn wrong_length(
    file: &Path,
    column: &Column,
    array: &ArrayRef,
    hidden_size: Option<&str>,
) -> Option<Problem> {
    let length = array.as_fixed_size_list_opt()?.value_length().to_string();
    let expected = hidden_size.unwrap_or("none");
    (length != expected).then(|| {
        let message =
            format!("vectors have {length} numbers, and the footer says `hidden_size` = {expected}");
        Problem::of_column(file, column.name, message)
    })
}

fn wrong_value(column: &Column, array: &ArrayRef, row: usize) -> Option<String> {
    if array.is_null(row) {
        return (!column.is_nullable).then(|| "a value is missing".to_owned());
    }
    match column.kind {
        ColumnKind::Text => {
            let text = array.as_string_opt::<i32>()?.value(row);
            let allowed = column.quantity.values.allow_text(text);
            (!allowed).then(|| format!("\"{text}\" is none of {}", column.quantity.values.in_words()))
        }
        ColumnKind::Int32 => wrong_number(column, array.as_primitive_opt::<Int32Type>()?.value(row).into()),
        ColumnKind::Int64 => wrong_number(column, array.as_primitive_opt::<Int64Type>()?.value(row) as f64),
        ColumnKind::Float32 => {
            wrong_number(column, array.as_primitive_opt::<Float32Type>()?.value(row).into())
        }
        ColumnKind::Float64 => wrong_number(column, array.as_primitive_opt::<Float64Type>()?.value(row)),
        ColumnKind::Ids => {
            let ids = array.as_list_opt::<i32>()?.value(row);
            let ids = ids.as_primitive_opt::<Int32Type>()?.clone();
            let bad = (0..ids.len()).find(|place| ids.is_null(*place) || ids.value(*place) < 0)?;
            Some(format!("entry {bad} is no token id"))
        }
        ColumnKind::Texts => {
            let texts = array.as_list_opt::<i32>()?.value(row);
            let bad = (0..texts.len()).find(|place| texts.is_null(*place))?;
            Some(format!("entry {bad} is no text"))
        }
        ColumnKind::Vector => {
            let numbers = array.as_fixed_size_list_opt()?.value(row);
            let numbers = numbers.as_primitive_opt::<Float32Type>()?.clone();
            let is_bad = |place: &usize| numbers.is_null(*place) || !numbers.value(*place).is_finite();
            let bad = (0..numbers.len()).find(is_bad)?;
            Some(format!("number {bad} of the vector is missing or not finite"))
        }
    }
}

fn wrong_number(column: &Column, value: f64) -> Option<String> {
    if !value.is_finite() {
        return Some(format!("{value} is no finite number"));
    }
    let values = column.quantity.values;
    (!values.allow(value)).then(|| format!("{value} is not {}", values.in_words()))
}
