//! How values of Rust's types are kept in the columns of a table.

use std::sync::Arc;

use arrow_array::builder::{FixedSizeListBuilder, Float32Builder, Int32Builder, ListBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float32Type, Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, PrimitiveArray, StringArray};
use interventions::Kind;
use pipeline::VectorKind;
use terms::{FinishReason, GenerationStyle, HiddenTokens, LensSide, Patch, PatchedPositions, Pooling, Site};

use crate::DoseDirection;
use crate::column_kind::ColumnKind;

/// A type whose values fill a column.
pub trait Cell: Sized {
    /// The column's type in the contract.
    const KIND: ColumnKind;
    /// Whether a value may be missing.
    const IS_NULLABLE: bool = false;
    /// The words that may be there; empty where every value may.
    const WORDS: &'static [&'static str] = &[];

    /// The column of these values. `width` is the length of vectors, which other types don't use.
    fn pack<'a>(values: impl Iterator<Item = &'a Self>, width: usize) -> ArrayRef
    where
        Self: 'a;

    /// The values in these rows of a column.
    ///
    /// # Errors
    /// See [`Unreadable`].
    fn unpack(column: &ArrayRef, rows: &[usize]) -> Result<Vec<Self>, Unreadable>;
}

/// Why a column gives no values.
#[derive(Debug)]
pub enum Unreadable {
    /// Its type is another one.
    Type,
    /// The value in a row is not one that may be there.
    Value { row: usize, value: String },
}

/// Numbers whose type in the code is another one than in the file.
macro_rules! number_cells {
    ($($type:ty: $kind:ident, $arrow:ty, $to:expr, $from:expr;)+) => {
        $(
            impl Cell for $type {
                const KIND: ColumnKind = ColumnKind::$kind;

                fn pack<'a>(values: impl Iterator<Item = &'a Self>, _: usize) -> ArrayRef {
                    let pack: fn($type) -> <$arrow as ArrowPrimitiveType>::Native = $to;
                    Arc::new(PrimitiveArray::<$arrow>::from_iter_values(values.map(|value| pack(*value))))
                }

                fn unpack(column: &ArrayRef, rows: &[usize]) -> Result<Vec<Self>, Unreadable> {
                    let column = column.as_primitive_opt::<$arrow>().ok_or(Unreadable::Type)?;
                    let unpack: fn(<$arrow as ArrowPrimitiveType>::Native) -> $type = $from;
                    Ok(rows.iter().map(|row| unpack(column.value(*row))).collect())
                }
            }

            impl Cell for Option<$type> {
                const KIND: ColumnKind = ColumnKind::$kind;
                const IS_NULLABLE: bool = true;

                fn pack<'a>(values: impl Iterator<Item = &'a Self>, _: usize) -> ArrayRef {
                    let pack: fn($type) -> <$arrow as ArrowPrimitiveType>::Native = $to;
                    Arc::new(values.map(|value| value.map(pack)).collect::<PrimitiveArray<$arrow>>())
                }

                fn unpack(column: &ArrayRef, rows: &[usize]) -> Result<Vec<Self>, Unreadable> {
                    let column = column.as_primitive_opt::<$arrow>().ok_or(Unreadable::Type)?;
                    let unpack: fn(<$arrow as ArrowPrimitiveType>::Native) -> $type = $from;
                    let value = |row: &usize| column.is_valid(*row).then(|| unpack(column.value(*row)));
                    Ok(rows.iter().map(value).collect())
                }
            }
        )+
    };
}

number_cells! {
    usize: Int32, Int32Type, |value| value as i32, |value| value as usize;
    i32: Int32, Int32Type, |value| value, |value| value;
    // Parquet's readers handle signed numbers best; the bits are those of the unsigned one.
    u64: Int64, Int64Type, u64::cast_signed, i64::cast_unsigned;
    f32: Float32, Float32Type, |value| value, |value| value;
    f64: Float64, Float64Type, |value| value, |value| value;
}

/// A figure that may not be defined: NaN in the code, null in the file.
pub(crate) struct MayBeUndefined;

impl MayBeUndefined {
    pub(crate) fn pack<'a>(values: impl Iterator<Item = &'a f64>) -> ArrayRef {
        let defined = |value: &f64| (!value.is_nan()).then_some(*value);
        Arc::new(values.map(defined).collect::<PrimitiveArray<Float64Type>>())
    }

    pub(crate) fn unpack(column: &ArrayRef, rows: &[usize]) -> Result<Vec<f64>, Unreadable> {
        let values = <Option<f64>>::unpack(column, rows)?;
        Ok(values
            .into_iter()
            .map(|value| value.unwrap_or(f64::NAN))
            .collect())
    }
}

fn texts_of(column: &ArrayRef) -> Result<&StringArray, Unreadable> {
    column.as_string_opt().ok_or(Unreadable::Type)
}

impl Cell for String {
    const KIND: ColumnKind = ColumnKind::Text;

    fn pack<'a>(values: impl Iterator<Item = &'a Self>, _: usize) -> ArrayRef {
        Arc::new(StringArray::from_iter_values(values))
    }

    fn unpack(column: &ArrayRef, rows: &[usize]) -> Result<Vec<Self>, Unreadable> {
        let column = texts_of(column)?;
        Ok(rows.iter().map(|row| column.value(*row).to_owned()).collect())
    }
}

impl Cell for Option<String> {
    const KIND: ColumnKind = ColumnKind::Text;
    const IS_NULLABLE: bool = true;

    fn pack<'a>(values: impl Iterator<Item = &'a Self>, _: usize) -> ArrayRef {
        Arc::new(values.map(Option::as_ref).collect::<StringArray>())
    }

    fn unpack(column: &ArrayRef, rows: &[usize]) -> Result<Vec<Self>, Unreadable> {
        let column = texts_of(column)?;
        let value = |row: &usize| column.is_valid(*row).then(|| column.value(*row).to_owned());
        Ok(rows.iter().map(value).collect())
    }
}

/// Types that are one of a few words in a file.
macro_rules! word_cells {
    ($($type:ty: $words:expr, $parse:expr, $print:expr;)+) => {
        $(
            impl Cell for $type {
                const KIND: ColumnKind = ColumnKind::Text;
                const WORDS: &'static [&'static str] = $words;

                fn pack<'a>(values: impl Iterator<Item = &'a Self>, _: usize) -> ArrayRef {
                    Arc::new(StringArray::from_iter_values(values.map($print)))
                }

                fn unpack(column: &ArrayRef, rows: &[usize]) -> Result<Vec<Self>, Unreadable> {
                    let column = texts_of(column)?;
                    let value = |row: &usize| {
                        let text = column.value(*row);
                        let parse: fn(&str) -> Option<$type> = $parse;
                        parse(text).ok_or_else(|| Unreadable::Value { row: *row, value: text.to_owned() })
                    };
                    rows.iter().map(value).collect()
                }
            }
        )+
    };
}

word_cells! {
    Pooling: Pooling::WORDS, |text| text.parse().ok(), |value| value.as_str();
    Site: Site::WORDS, |text| text.parse().ok(), |value| value.as_str();
    Option<Kind>: OPERATIONS, parse_operation, |value| value.map_or(UNSTEERED, Kind::as_str);
    FinishReason: FinishReason::WORDS, |text| text.parse().ok(), |value| value.as_str();
    GenerationStyle: GenerationStyle::WORDS, |text| text.parse().ok(), |value| value.as_str();
    LensSide: LensSide::WORDS, |text| text.parse().ok(), |value| value.as_str();
    HiddenTokens: HiddenTokens::WORDS, |text| text.parse().ok(), |value| value.as_str();
    Patch: Patch::WORDS, |text| text.parse().ok(), |value| value.as_str();
    PatchedPositions: PatchedPositions::WORDS, |text| text.parse().ok(), |value| value.as_str();
    VectorKind: &[], VectorKind::parse, VectorKind::name;
    DoseDirection: &[], DoseDirection::parse, DoseDirection::name;
}

/// The word for no intervention.
const UNSTEERED: &str = "unsteered";

const OPERATIONS: &[&str] = &{
    let mut words = [UNSTEERED; Kind::WORDS.len() + 1];
    let mut index = 0;
    while index < Kind::WORDS.len() {
        words[index + 1] = Kind::WORDS[index];
        index += 1;
    }
    words
};

fn parse_operation(text: &str) -> Option<Option<Kind>> {
    match text {
        UNSTEERED => Some(None),
        word => word.parse().ok().map(Some),
    }
}

/// The values of a list in one row.
fn lists<T>(
    column: &ArrayRef,
    rows: &[usize],
    values_of: fn(ArrayRef) -> Option<T>,
) -> Result<Vec<T>, Unreadable> {
    let lists = column.as_list_opt::<i32>().ok_or(Unreadable::Type)?;
    let value = |row: &usize| values_of(lists.value(*row)).ok_or(Unreadable::Type);
    rows.iter().map(value).collect()
}

/// Lists of token ids.
impl Cell for Vec<i32> {
    const KIND: ColumnKind = ColumnKind::Ids;

    fn pack<'a>(values: impl Iterator<Item = &'a Self>, _: usize) -> ArrayRef {
        let mut lists = ListBuilder::new(Int32Builder::new());
        for value in values {
            lists.values().append_slice(value);
            lists.append(true);
        }
        Arc::new(lists.finish())
    }

    fn unpack(column: &ArrayRef, rows: &[usize]) -> Result<Vec<Self>, Unreadable> {
        lists(column, rows, |values| {
            Some(values.as_primitive_opt::<Int32Type>()?.values().to_vec())
        })
    }
}

/// Lists of texts.
impl Cell for Vec<String> {
    const KIND: ColumnKind = ColumnKind::Texts;

    fn pack<'a>(values: impl Iterator<Item = &'a Self>, _: usize) -> ArrayRef {
        let mut lists = ListBuilder::new(StringBuilder::new());
        for value in values {
            value.iter().for_each(|text| lists.values().append_value(text));
            lists.append(true);
        }
        Arc::new(lists.finish())
    }

    fn unpack(column: &ArrayRef, rows: &[usize]) -> Result<Vec<Self>, Unreadable> {
        lists(column, rows, |values| {
            let texts = values.as_string_opt::<i32>()?.iter();
            Some(texts.map(|text| text.unwrap_or_default().to_owned()).collect())
        })
    }
}

/// Vectors of one length. The column bears no extension type: as `arrow.fixed_shape_tensor` pyarrow
/// would make tensors of it, and Hugging Face's datasets would not open the file.
impl Cell for Vec<f32> {
    const KIND: ColumnKind = ColumnKind::Vector;

    fn pack<'a>(values: impl Iterator<Item = &'a Self>, width: usize) -> ArrayRef {
        let mut builder = FixedSizeListBuilder::new(Float32Builder::new(), width as i32);
        for value in values {
            debug_assert_eq!(value.len(), width);
            builder.values().append_slice(value);
            builder.append(true);
        }
        Arc::new(builder.finish())
    }

    fn unpack(column: &ArrayRef, rows: &[usize]) -> Result<Vec<Self>, Unreadable> {
        let list = column.as_fixed_size_list_opt().ok_or(Unreadable::Type)?;
        let length = list.value_length() as usize;
        let values = list
            .values()
            .as_primitive_opt::<Float32Type>()
            .ok_or(Unreadable::Type)?
            .values();
        Ok(rows
            .iter()
            .map(|row| values[row * length..(row + 1) * length].to_vec())
            .collect())
    }
}
