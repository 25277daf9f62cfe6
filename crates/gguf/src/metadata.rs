use std::collections::HashMap;

use crate::cursor::Cursor;

/// One value of a file's metadata. Integers of all widths become one of two kinds.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// An unsigned integer.
    Unsigned(u64),
    /// A signed integer.
    Signed(i64),
    /// A number of 32 bits.
    F32(f32),
    /// A number of 64 bits.
    F64(f64),
    /// True or false.
    Bool(bool),
    /// A text in UTF-8.
    Text(String),
    /// Values of one type.
    List(Vec<Value>),
}

impl Value {
    /// An integer of 0 or more, whatever its width in the file.
    pub fn as_count(&self) -> Option<usize> {
        match self {
            Value::Unsigned(number) => usize::try_from(*number).ok(),
            Value::Signed(number) => usize::try_from(*number).ok(),
            _ => None,
        }
    }

    /// A number of any kind. An f32 becomes the f64 of its shortest decimal form: a file's 1e-6,
    /// stored as an f32, is 1e-6 again, as in the config.json that it came from.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Value::Unsigned(number) => Some(*number as f64),
            Value::Signed(number) => Some(*number as f64),
            Value::F32(number) => number.to_string().parse().ok(),
            Value::F64(number) => Some(*number),
            _ => None,
        }
    }

    /// The value, where it is true or false.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The value, where it is a text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value, where it is a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Value::List(values) => Some(values),
            _ => None,
        }
    }
}

/// The metadata of a file: values by key. The typed readers give `None` for a key that is absent.
#[derive(Clone, Debug, Default)]
pub struct Metadata {
    values: HashMap<String, Value>,
}

impl Metadata {
    /// All keys, in no order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// The value of a key, of whatever type.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// An integer of 0 or more.
    ///
    /// # Errors
    /// Names a key whose value is of another type.
    pub fn count(&self, key: &str) -> Result<Option<usize>, String> {
        self.typed(key, "an integer of 0 or more", Value::as_count)
    }

    /// A number, see [`Value::as_number`].
    ///
    /// # Errors
    /// Names a key whose value is of another type.
    pub fn number(&self, key: &str) -> Result<Option<f64>, String> {
        self.typed(key, "a number", Value::as_number)
    }

    /// True or false.
    ///
    /// # Errors
    /// Names a key whose value is of another type.
    pub fn flag(&self, key: &str) -> Result<Option<bool>, String> {
        self.typed(key, "true or false", Value::as_bool)
    }

    /// A text.
    ///
    /// # Errors
    /// Names a key whose value is of another type.
    pub fn text(&self, key: &str) -> Result<Option<&str>, String> {
        self.typed(key, "a text", Value::as_text)
    }

    /// A list, with values of any type.
    ///
    /// # Errors
    /// Names a key whose value is of another type.
    pub fn list(&self, key: &str) -> Result<Option<&[Value]>, String> {
        self.typed(key, "a list", Value::as_list)
    }

    /// A list of texts.
    ///
    /// # Errors
    /// Names a key whose value is of another type.
    pub fn texts(&self, key: &str) -> Result<Option<Vec<&str>>, String> {
        self.typed_list(key, "texts", Value::as_text)
    }

    /// A list of numbers, see [`Value::as_number`].
    ///
    /// # Errors
    /// Names a key whose value is of another type.
    pub fn numbers(&self, key: &str) -> Result<Option<Vec<f64>>, String> {
        self.typed_list(key, "numbers", Value::as_number)
    }

    /// A list of integers of 0 or more.
    ///
    /// # Errors
    /// Names a key whose value is of another type.
    pub fn counts(&self, key: &str) -> Result<Option<Vec<usize>>, String> {
        self.typed_list(key, "integers of 0 or more", Value::as_count)
    }

    pub(crate) fn read(cursor: &mut Cursor<'_>, entries: usize) -> Result<Self, String> {
        let mut values = HashMap::new();
        let mut budget = MOST_LIST_ELEMENTS;
        for index in 0..entries {
            let key = cursor.text(&format!("the name of metadata entry {index}"))?;
            let what = format!("`{key}`");
            let kind = cursor.u32(&what)?;
            let value = read_value(cursor, kind, &what, 0, &mut budget)?;
            if values.insert(key.to_owned(), value).is_some() {
                return Err(format!(
                    "{what} occurs twice in the metadata; download the file again"
                ));
            }
        }
        Ok(Metadata { values })
    }

    fn typed<'a, T>(
        &'a self,
        key: &str,
        wanted: &str,
        convert: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, String> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        convert(value)
            .map(Some)
            .ok_or_else(|| format!("`{key}` must be {wanted}; {CONVERT_AGAIN}"))
    }

    fn typed_list<'a, T>(
        &'a self,
        key: &str,
        wanted: &str,
        convert: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<Vec<T>>, String> {
        let Some(values) = self.list(key)? else {
            return Ok(None);
        };
        let converted: Option<Vec<T>> = values.iter().map(convert).collect();
        converted
            .map(Some)
            .ok_or_else(|| format!("`{key}` must be a list of {wanted}; {CONVERT_AGAIN}"))
    }
}

const CONVERT_AGAIN: &str = "download the file again, or another conversion of the model";

/// How many elements all lists of a file may have together: a vocabulary with scores, types and
/// merges has about two million. Beyond it a small file could claim much memory, since an element
/// takes a byte there and 32 here.
const MOST_LIST_ELEMENTS: usize = 8 << 20;

/// How deep lists may be nested.
const DEEPEST_LIST: usize = 4;

const LIST: u32 = 9;

/// The kinds are those of `gguf_metadata_value_type` in the GGUF specification (docs/gguf.md of
/// ggml).
fn read_value(
    cursor: &mut Cursor<'_>,
    kind: u32,
    what: &str,
    depth: usize,
    budget: &mut usize,
) -> Result<Value, String> {
    Ok(match kind {
        0 => Value::Unsigned(u8::from_le_bytes(cursor.array(what)?).into()),
        1 => Value::Signed(i8::from_le_bytes(cursor.array(what)?).into()),
        2 => Value::Unsigned(u16::from_le_bytes(cursor.array(what)?).into()),
        3 => Value::Signed(i16::from_le_bytes(cursor.array(what)?).into()),
        4 => Value::Unsigned(cursor.u32(what)?.into()),
        5 => Value::Signed(i32::from_le_bytes(cursor.array(what)?).into()),
        6 => Value::F32(f32::from_le_bytes(cursor.array(what)?)),
        7 => Value::Bool(cursor.array::<1>(what)? != [0]),
        8 => Value::Text(cursor.text(what)?.to_owned()),
        LIST => read_list(cursor, what, depth, budget)?,
        10 => Value::Unsigned(cursor.u64(what)?),
        11 => Value::Signed(i64::from_le_bytes(cursor.array(what)?)),
        12 => Value::F64(f64::from_le_bytes(cursor.array(what)?)),
        other => {
            return Err(format!(
                "{what} is of the unknown value type {other}; download the file again"
            ));
        }
    })
}

fn read_list(cursor: &mut Cursor<'_>, what: &str, depth: usize, budget: &mut usize) -> Result<Value, String> {
    if depth == DEEPEST_LIST {
        return Err(format!(
            "{what} has lists in lists in lists, which no model needs; download the file again"
        ));
    }
    let kind = cursor.u32(what)?;
    let count = cursor.count(1, what)?;
    *budget = budget.checked_sub(count).ok_or_else(|| {
        format!("{what} makes more than {MOST_LIST_ELEMENTS} list elements in all; download the file again")
    })?;
    // Not sized beforehand: the count is only a claim until the elements are read.
    let mut values = Vec::new();
    for _ in 0..count {
        values.push(read_value(cursor, kind, what, depth + 1, budget)?);
    }
    Ok(Value::List(values))
}
