//! A row of a table, declared once: its fields are the columns.

use std::path::Path;

use arrow_array::{ArrayRef, RecordBatch};

use crate::cell::Unreadable;
use crate::contract::Column;
use crate::{Error, Result};

/// A struct whose fields are columns of a table, or groups of such; made by `rows!`.
pub trait Row: Sized {
    /// Its columns in their order.
    fn columns() -> Vec<Column>;

    /// The columns of these rows, in the same order. `width` is the length of vectors.
    fn pack(rows: &[&Self], width: usize) -> Vec<ArrayRef>;

    /// These rows of a batch.
    ///
    /// # Errors
    /// A column that is missing or of another type, and a value that may not be there.
    fn unpack(batch: &Batch<'_>, rows: &[usize]) -> Result<Vec<Self>>;
}

/// Rows of a file that are in memory.
pub struct Batch<'a> {
    /// The file, for messages.
    pub(crate) path: &'a Path,
    /// The number of the first row in the file, for messages.
    pub(crate) first_row: usize,
    pub(crate) batch: &'a RecordBatch,
}

impl Batch<'_> {
    /// The values of a column.
    pub(crate) fn values<T>(
        &self,
        name: &str,
        unpack: impl FnOnce(&ArrayRef) -> Result<Vec<T>, Unreadable>,
    ) -> Result<std::vec::IntoIter<T>> {
        let column = self.batch.column_by_name(name).ok_or(Unreadable::Type);
        let values = column.and_then(unpack).map_err(|problem| {
            let problem = match problem {
                Unreadable::Type => {
                    format!(
                        "there is no column `{name}` of the type that belongs there; make the table again"
                    )
                }
                Unreadable::Value { row, value } => {
                    format!("row {}: unknown {name} \"{value}\"", self.first_row + row)
                }
            };
            Error::invalid(self.path, problem)
        })?;
        Ok(values.into_iter())
    }
}

/// Declares a struct whose fields are columns: `name: Type = QUANTITY, "meaning";`. A figure that
/// may not be defined, which is NaN in the struct and null in the file, ends in `=> nullable`; a
/// field without a quantity is a group of columns, a struct that was declared in the same way.
macro_rules! rows {
    (
        $(#[$meta:meta])*
        pub struct $row:ident {
            $(
                $(#[$field_meta:meta])*
                $field:ident: $type:ty $(= $quantity:expr, $meaning:expr $(=> $nullable:ident)?)?;
            )+
        }
    ) => {
        $(#[$meta])*
        pub struct $row {
            $(
                $(#[doc = $meaning])?
                $(#[$field_meta])*
                pub $field: $type,
            )+
        }

        impl $crate::row::Row for $row {
            fn columns() -> Vec<$crate::contract::Column> {
                [$($crate::row::rows!(@describe $field, $type $(, $quantity, $meaning $(, $nullable)?)?)),+].concat()
            }

            fn pack(rows: &[&Self], width: usize) -> Vec<::arrow_array::ArrayRef> {
                [$($crate::row::rows!(@pack rows, width, $field, $type $(, $quantity $(, $nullable)?)?)),+].concat()
            }

            fn unpack(batch: &$crate::row::Batch<'_>, rows: &[usize]) -> $crate::Result<Vec<Self>> {
                $(let mut $field = $crate::row::rows!(@unpack batch, rows, $field, $type $(, $quantity $(, $nullable)?)?);)+
                let row = |_: &usize| Some($row { $($field: $field.next()?),+ });
                Ok(rows.iter().filter_map(row).collect())
            }
        }
    };
    (@describe $field:ident, $type:ty) => {
        <$type as $crate::row::Row>::columns()
    };
    (@describe $field:ident, $type:ty, $quantity:expr, $meaning:expr) => {
        vec![$crate::contract::Column::of::<$type>(stringify!($field), $quantity, $meaning)]
    };
    (@describe $field:ident, $type:ty, $quantity:expr, $meaning:expr, nullable) => {
        vec![$crate::contract::Column::of::<Option<$type>>(stringify!($field), $quantity, $meaning)]
    };
    (@pack $rows:ident, $width:ident, $field:ident, $type:ty) => {{
        let group: Vec<&$type> = $rows.iter().map(|row| &row.$field).collect();
        <$type as $crate::row::Row>::pack(&group, $width)
    }};
    (@pack $rows:ident, $width:ident, $field:ident, $type:ty, $quantity:expr) => {
        vec![<$type as $crate::cell::Cell>::pack($rows.iter().map(|row| &row.$field), $width)]
    };
    (@pack $rows:ident, $width:ident, $field:ident, $type:ty, $quantity:expr, nullable) => {
        vec![$crate::cell::MayBeUndefined::pack($rows.iter().map(|row| &row.$field))]
    };
    (@unpack $batch:ident, $rows:ident, $field:ident, $type:ty) => {
        <$type as $crate::row::Row>::unpack($batch, $rows)?.into_iter()
    };
    (@unpack $batch:ident, $rows:ident, $field:ident, $type:ty, $quantity:expr) => {
        $batch.values(stringify!($field), |column| <$type as $crate::cell::Cell>::unpack(column, $rows))?
    };
    (@unpack $batch:ident, $rows:ident, $field:ident, $type:ty, $quantity:expr, nullable) => {
        $batch.values(stringify!($field), |column| $crate::cell::MayBeUndefined::unpack(column, $rows))?
    };
}
pub(crate) use rows;
