//! The types that a column can have.

use arrow_schema::DataType;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Texts in UTF-8.
    Text,
    /// Whole numbers of 32 bits, with a sign.
    Int32,
    /// Whole numbers of 64 bits, with a sign.
    Int64,
    /// Numbers in single precision.
    Float32,
    /// Numbers in double precision.
    Float64,
    /// Lists of token ids.
    Ids,
    /// Lists of texts.
    Texts,
    /// Vectors of the model's hidden size.
    Vector,
}

impl ColumnKind {
    /// Whether Arrow's type is this one.
    pub fn matches(self, data_type: &DataType) -> bool {
        match (self, data_type) {
            (ColumnKind::Text, DataType::Utf8)
            | (ColumnKind::Int32, DataType::Int32)
            | (ColumnKind::Int64, DataType::Int64)
            | (ColumnKind::Float32, DataType::Float32)
            | (ColumnKind::Float64, DataType::Float64) => true,
            (ColumnKind::Ids, DataType::List(item)) => *item.data_type() == DataType::Int32,
            (ColumnKind::Texts, DataType::List(item)) => *item.data_type() == DataType::Utf8,
            (ColumnKind::Vector, DataType::FixedSizeList(item, _)) => *item.data_type() == DataType::Float32,
            _ => false,
        }
    }

    /// As Arrow calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            ColumnKind::Text => "Utf8",
            ColumnKind::Int32 => "Int32",
            ColumnKind::Int64 => "Int64",
            ColumnKind::Float32 => "Float32",
            ColumnKind::Float64 => "Float64",
            ColumnKind::Ids => "List<Int32>",
            ColumnKind::Texts => "List<Utf8>",
            ColumnKind::Vector => "FixedSizeList<Float32, hidden>",
        }
    }
}
