use std::path::Path;

use arrow_array::types::{Float64Type, Int32Type};

use crate::doses::{Dose, dose_columns, doses_of};
use crate::table::{Columns, TableSchema, column, ids_column, read_table, text_column, write_table};
use crate::{Metadata, Result};

const SCHEMA: TableSchema = TableSchema {
    name: "dose_texts",
    version: 1,
};

/// A text that was generated under a dose, and what the unsteered model makes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct DoseText {
    pub dose: Dose,
    pub condition: String,
    pub prompt_id: String,
    pub prompt: String,
    /// Special tokens kept, white space at both ends stripped.
    pub text: String,
    /// The generated tokens, an end token included: the text alone does not say which they were.
    pub token_ids: Vec<i32>,
    /// Whether it ended by itself, and not at the limit.
    pub ended: bool,
    /// Nats a token, under the unsteered model: in the positive and in the negative condition.
    pub surprise_positive: f64,
    pub surprise_negative: f64,
    /// Different pairs of neighbouring tokens over all pairs; 1 for a text with fewer than two tokens.
    pub distinct_2: f64,
}

impl DoseText {
    /// [log p(text | positive condition) - log p(text | negative condition)] per token, in nats.
    pub fn log_odds(&self) -> f64 {
        self.surprise_negative - self.surprise_positive
    }
}

pub fn write_dose_texts(path: &Path, metadata: &Metadata, rows: &[DoseText]) -> Result<()> {
    let number = |name: &str, of: fn(&DoseText) -> f64| column::<Float64Type>(name, rows.iter().map(of));
    let mut columns = dose_columns(rows.iter().map(|row| &row.dose));
    columns.extend([
        text_column("condition", rows.iter().map(|row| &row.condition)),
        text_column("prompt_id", rows.iter().map(|row| &row.prompt_id)),
        text_column("prompt", rows.iter().map(|row| &row.prompt)),
        text_column("text", rows.iter().map(|row| &row.text)),
        column::<Int32Type>("n_tokens", rows.iter().map(|row| row.token_ids.len() as i32)),
        ids_column("token_ids", rows.iter().map(|row| row.token_ids.as_slice())),
        text_column(
            "finish_reason",
            rows.iter().map(|row| if row.ended { "stop" } else { "length" }),
        ),
        number("log_odds", DoseText::log_odds),
        number("surprise_positive", |row| row.surprise_positive),
        number("surprise_negative", |row| row.surprise_negative),
        number("distinct_2", |row| row.distinct_2),
    ]);
    write_table(path, &SCHEMA, metadata, columns)
}

pub fn read_dose_texts(path: &Path) -> Result<(Vec<DoseText>, Metadata)> {
    let (batch, metadata) = read_table(path, &SCHEMA)?;
    let columns = Columns { path, batch: &batch };
    let (conditions, texts) = (columns.texts("condition")?, columns.texts("text")?);
    let (ids, prompts) = (columns.texts("prompt_id")?, columns.texts("prompt")?);
    let token_ids = columns.ids("token_ids")?;
    let reasons = columns.texts("finish_reason")?;
    let number = |name: &str| columns.numbers::<Float64Type>(name);
    let (positive, negative) = (number("surprise_positive")?, number("surprise_negative")?);
    let distinct = number("distinct_2")?;
    let row = |(index, dose): (usize, Dose)| DoseText {
        dose,
        condition: conditions[index].clone(),
        prompt_id: ids[index].clone(),
        prompt: prompts[index].clone(),
        text: texts[index].clone(),
        token_ids: token_ids[index].clone(),
        ended: reasons[index] == "stop",
        surprise_positive: positive[index],
        surprise_negative: negative[index],
        distinct_2: distinct[index],
    };
    Ok((
        doses_of(&columns)?.into_iter().enumerate().map(row).collect(),
        metadata,
    ))
}
