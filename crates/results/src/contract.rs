//! The contract of the tables: which columns each has, of which type and unit, and what they may
//! hold.
//!
//! The rows of a table declare its columns, from which the contract, the writer and the reader are
//! made. `docs/schemas.md` is made from the contracts, and `cargo xtask check-results` compares
//! files with them.

use arrow_schema::Field;

use crate::cell::Cell;
use crate::column_kind::ColumnKind;

/// One kind of table.
pub struct TableSchema {
    /// The name in footers.
    pub name: &'static str,
    /// Raised when a column changes its name, type, unit or meaning.
    pub version: u32,
    /// Its path below the folder of a run; `NN` is a layer, `SITE` a place other than the residual
    /// stream.
    pub file: &'static str,
    /// What one row is.
    pub row: &'static str,
    /// The columns that tell a row from all others. A column that may be null counts null as one
    /// more value.
    pub key: &'static [&'static str],
    /// Whether rows come in the order of the key: numbers ascend, and rows with the same text are
    /// together.
    pub is_sorted: bool,
    /// How many rows there are, where that follows from the run.
    pub count: Option<RowCount>,
    /// The columns, in order.
    pub columns: fn() -> Vec<Column>,
}

/// How many rows a table has.
pub struct RowCount {
    /// In words, such as `layers x poolings`.
    pub words: &'static str,
    /// The numbers that are right for a run.
    pub allowed: fn(&Counts) -> Vec<usize>,
}

/// How many of everything a run has.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    /// Of the model.
    pub layers: usize,
    /// Those that are used.
    pub prompts: usize,
    /// Of the pipeline.
    pub conditions: usize,
    /// Those that were recorded.
    pub poolings: usize,
}

/// A row for each layer and pooling.
pub(crate) const LAYERS_AND_POOLINGS: Option<RowCount> = Some(RowCount {
    words: "layers x poolings",
    allowed: |run| vec![run.layers * run.poolings],
});

/// One column.
#[derive(Clone, Debug)]
pub struct Column {
    /// The name in the file.
    pub name: &'static str,
    /// The type.
    pub kind: ColumnKind,
    /// Unit and allowed values.
    pub quantity: Quantity,
    /// Whether a value may be missing. Where it may not, it is finite too.
    pub is_nullable: bool,
    /// What it holds, in a few words.
    pub meaning: &'static str,
}

/// A unit, and the values that a number in it can have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantity {
    /// Empty for a number without a unit.
    pub unit: &'static str,
    /// The allowed values.
    pub values: Values,
}

/// The values that may be in a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Values {
    /// All.
    Any,
    /// Ends included.
    Between(f64, f64),
    /// This or above.
    AtLeast(f64),
    /// Above the first, at most the second.
    AboveUpTo(f64, f64),
    /// These texts.
    OneOf(&'static [&'static str]),
}

const fn quantity(unit: &'static str, values: Values) -> Quantity {
    Quantity { unit, values }
}

pub(crate) const NO_UNIT: Quantity = quantity("", Values::Any);
pub(crate) const LAYER: Quantity = quantity("0-based", Values::AtLeast(0.0));
pub(crate) const NUMBER: Quantity = quantity("0-based", Values::AtLeast(0.0));
pub(crate) const FEATURE: Quantity = quantity("0-based", Values::AtLeast(0.0));
/// In units of an autoencoder's feature.
pub(crate) const FEATURE_ACTIVATION: Quantity = quantity("activation", Values::AtLeast(0.0));
/// One of these less another.
pub(crate) const FEATURE_ACTIVATIONS: Quantity = quantity("activation", Values::Any);
pub(crate) const COUNT: Quantity = quantity("count", Values::AtLeast(0.0));
pub(crate) const COSINE: Quantity = quantity("cosine", Values::Between(-1.0, 1.0));
/// One cosine less another.
pub(crate) const COSINES: Quantity = quantity("cosine", Values::Between(-2.0, 2.0));
pub(crate) const SPREAD: Quantity = quantity("cosine", Values::AtLeast(0.0));
/// The unit of the residual stream, whose vectors these are lengths of.
pub(crate) const NORM: Quantity = quantity("residual", Values::AtLeast(0.0));
pub(crate) const REACH: Quantity = quantity("residual", Values::Any);
pub(crate) const SHARE: Quantity = quantity("share", Values::Between(0.0, 1.0));
/// A part of a whole whose other parts may oppose it.
pub(crate) const SIGNED_SHARE: Quantity = quantity("share", Values::Any);
pub(crate) const RATIO: Quantity = quantity("ratio", Values::AtLeast(0.0));
pub(crate) const SIGNED_RATIO: Quantity = quantity("ratio", Values::Any);
pub(crate) const PROBABILITY: Quantity = quantity("probability", Values::AboveUpTo(0.0, 1.0));
pub(crate) const LOG_ODDS: Quantity = quantity("nats per token", Values::Any);
pub(crate) const SURPRISE: Quantity = quantity("nats per token", Values::AtLeast(0.0));
pub(crate) const DIVERGENCE: Quantity = quantity("nats", Values::AtLeast(0.0));
pub(crate) const LOGIT: Quantity = quantity("logit", Values::Any);
pub(crate) const PERCENTILE: Quantity = quantity("percent", Values::Between(0.0, 100.0));

impl Column {
    /// The column of values of type `T`.
    pub(crate) const fn of<T: Cell>(name: &'static str, quantity: Quantity, meaning: &'static str) -> Self {
        let values = match T::WORDS {
            [] => quantity.values,
            words => Values::OneOf(words),
        };
        Column {
            name,
            kind: T::KIND,
            quantity: Quantity { values, ..quantity },
            is_nullable: T::IS_NULLABLE,
            meaning,
        }
    }
}

/// What columns mean that several tables have.
macro_rules! shared {
    (layer) => {
        "the decoder layer, after which the residual stream was read"
    };
    (pooling) => {
        "how one vector was made of a text's tokens"
    };
    (condition) => {
        "the chat format, by its name in the pipeline file"
    };
    (prompt_id) => {
        "the prompt, by its id in the file of prompts"
    };
    (prompt) => {
        "the prompt's text"
    };
    (prompts) => {
        "the prompts that the row's figures come from"
    };
}
pub(crate) use shared;

/// What must be at least 0 and is a sum that cancels may be below by this much.
const ROUNDING: f64 = 1e-9;
/// A number at the end of its range may be off in its last bits.
const LAST_BITS: f64 = 1e-12;

impl Values {
    /// Whether this number may be there; the last bits don't count.
    pub fn allow(self, value: f64) -> bool {
        match self {
            Values::Any | Values::OneOf(_) => true,
            Values::Between(low, high) => (low - LAST_BITS..=high + LAST_BITS).contains(&value),
            Values::AtLeast(low) => value >= low - ROUNDING,
            Values::AboveUpTo(low, high) => value > low && value <= high + LAST_BITS,
        }
    }

    /// Whether this text may be there.
    pub fn allow_text(self, value: &str) -> bool {
        match self {
            Values::OneOf(words) => words.contains(&value),
            _ => true,
        }
    }

    /// `-1 to 1`, and empty where everything is allowed.
    pub fn in_words(self) -> String {
        match self {
            Values::Any => String::new(),
            Values::Between(low, high) => format!("{low} to {high}"),
            Values::AtLeast(low) => format!("at least {low}"),
            Values::AboveUpTo(low, high) => format!("above {low}, at most {high}"),
            Values::OneOf(words) => words.join(", "),
        }
    }
}

impl TableSchema {
    /// The first way in which a table with these fields is not the one of the contract: the column,
    /// and what is wrong.
    pub fn disagreement<'a>(
        &self,
        fields: impl IntoIterator<Item = &'a Field>,
    ) -> Option<(&'static str, String)> {
        let columns = (self.columns)();
        let mut fields = fields.into_iter();
        for (index, column) in columns.iter().enumerate() {
            let Some(field) = fields.next() else {
                return Some((column.name, "the column is missing".to_owned()));
            };
            if field.name() != column.name {
                let found = format!("column {index} is `{}`, not `{}`", field.name(), column.name);
                return Some((column.name, found));
            }
            if !column.kind.matches(field.data_type()) {
                let (found, expected) = (field.data_type(), column.kind.as_str());
                return Some((column.name, format!("the type is {found}, not {expected}")));
            }
            // Lists are nullable, as those of most writers, though none is ever missing.
            let may_be_null = column.is_nullable || column.kind == ColumnKind::Vector;
            if field.is_nullable() != may_be_null {
                let found = if field.is_nullable() { "is" } else { "is not" };
                return Some((column.name, format!("the column {found} nullable")));
            }
        }
        let extra = fields.next()?;
        Some(("", format!("there is one more column, `{}`", extra.name())))
    }
}
