//! Whether each row's key is unique, and whether rows are in the order of their keys.

use std::cmp::Ordering;
use std::collections::HashSet;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, RecordBatch};

/// A value of a key column. None comes first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum KeyValue {
    Missing,
    Integer(i64),
    /// The bits, so that values can be compared for equality; such columns are in no sorted key.
    Float(u64),
    Text(String),
}

/// The keys of the rows that were seen, as far as they are needed later.
pub enum Keys {
    /// Rows in order: only the last key is needed and, for each text column, its values since the
    /// columns before it last changed.
    Sorted {
        last: Option<Vec<KeyValue>>,
        seen: Vec<HashSet<String>>,
    },
    Free(HashSet<Vec<KeyValue>>),
}

impl Keys {
    pub fn new(columns: usize, is_sorted: bool) -> Self {
        if is_sorted {
            Keys::Sorted {
                last: None,
                seen: vec![HashSet::new(); columns],
            }
        } else {
            Keys::Free(HashSet::new())
        }
    }

    /// What is wrong with the next row's key: the place of the column in the key, and the problem.
    pub fn next(&mut self, key: Vec<KeyValue>) -> Option<(usize, &'static str)> {
        match self {
            Keys::Free(known) => (!known.insert(key)).then_some((0, SAME)),
            Keys::Sorted { last, seen } => {
                let problem = match last {
                    None => {
                        remember(&key, 0, seen);
                        None
                    }
                    Some(last) => compare(last, &key, seen),
                };
                *last = Some(key);
                problem
            }
        }
    }
}

const SAME: &str = "another row has the same key";

fn compare(
    last: &[KeyValue],
    key: &[KeyValue],
    seen: &mut [HashSet<String>],
) -> Option<(usize, &'static str)> {
    let Some(changed) = last.iter().zip(key).position(|(last, key)| last != key) else {
        return Some((0, SAME));
    };
    let problem = match (&last[changed], &key[changed]) {
        (_, KeyValue::Text(text)) => seen[changed]
            .contains(text)
            .then_some("rows with the same value don't lie together"),
        (KeyValue::Integer(last), KeyValue::Integer(key)) => {
            (key.cmp(last) == Ordering::Less).then_some("the rows don't ascend")
        }
        (_, KeyValue::Missing) => Some("a missing value comes after others"),
        _ => None,
    };
    remember(key, changed, seen);
    problem.map(|problem| (changed, problem))
}

/// From the column that changed on, what was seen is forgotten, except for that column itself.
fn remember(key: &[KeyValue], changed: usize, seen: &mut [HashSet<String>]) {
    for (place, value) in key.iter().enumerate().skip(changed) {
        if place > changed {
            seen[place].clear();
        }
        if let KeyValue::Text(text) = value {
            seen[place].insert(text.clone());
        }
    }
}

/// The values of a column that is part of a key, row by row.
pub fn key_value(batch: &RecordBatch, column: &str, row: usize) -> KeyValue {
    let Some(array) = batch.column_by_name(column).filter(|array| !array.is_null(row)) else {
        return KeyValue::Missing;
    };
    if let Some(texts) = array.as_string_opt::<i32>() {
        KeyValue::Text(texts.value(row).to_owned())
    } else if let Some(numbers) = array.as_primitive_opt::<Int32Type>() {
        KeyValue::Integer(numbers.value(row).into())
    } else if let Some(numbers) = array.as_primitive_opt::<Int64Type>() {
        KeyValue::Integer(numbers.value(row))
    } else if let Some(numbers) = array.as_primitive_opt::<Float64Type>() {
        KeyValue::Float(numbers.value(row).to_bits())
    } else {
        KeyValue::Missing
    }
}
