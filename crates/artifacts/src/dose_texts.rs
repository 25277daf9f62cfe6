use std::path::Path;

use arrow_array::types::{Float64Type, Int32Type};
use terms::FinishReason;

use crate::contract::{COUNT, Column, ColumnKind, LOG_ODDS, NO_UNIT, SHARE, SURPRISE, TableSchema};
use crate::doses::{Dose, dose_columns, dose_contract, doses_of};
use crate::table::{Columns, column, ids_column, read_table, text_column, write_table};
use crate::{Error, Metadata, Result};

pub(crate) const SCHEMA: TableSchema = TableSchema {
    name: "dose_texts",
    version: 1,
    file: "dose/texts.parquet",
    row: "one text that was generated under a dose; none where the sweep was left out",
    key: &[
        "layer",
        "operation",
        "direction",
        "direction_number",
        "coefficient",
        "percentile",
        "condition",
        "prompt_id",
    ],
    is_sorted: false,
    columns: || {
        let own = [
            Column::condition(),
            Column::prompt_id(),
            Column::prompt(),
            Column::text("text", "special tokens kept, white space at both ends stripped"),
            Column::int32("n_tokens", COUNT, "the length of `token_ids`"),
            Column::new(
                "token_ids",
                ColumnKind::Ids,
                NO_UNIT,
                "the generated tokens, an end token included",
            ),
            Column::word(
                "finish_reason",
                FinishReason::WORDS,
                "an end token, or `dose.max_new_tokens`",
            ),
            Column::float64(
                "log_odds",
                LOG_ODDS,
                "`surprise_negative - surprise_positive`: above 0 it sounds like the positive condition's speaker",
            ),
            Column::float64(
                "surprise_positive",
                SURPRISE,
                "-log p(text) under the unsteered model, after the prompt in the positive condition",
            ),
            Column::float64(
                "surprise_negative",
                SURPRISE,
                "the same in the negative condition",
            ),
            Column::float64(
                "distinct_2",
                SHARE,
                "different pairs of neighbouring tokens over all pairs; 1 for fewer than two tokens",
            ),
        ];
        dose_contract().into_iter().chain(own).collect()
    },
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
    pub finish_reason: FinishReason,
    /// Nats a token, under the unsteered model: in the positive and in the negative condition.
    pub surprise_positive: f64,
    pub surprise_negative: f64,
    /// Different pairs of neighbouring tokens over all pairs; 1 for a text with fewer than two
    /// tokens.
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
        text_column("finish_reason", rows.iter().map(|row| row.finish_reason.as_str())),
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
    let row = |(index, dose): (usize, Dose)| -> Result<DoseText> {
        let finish_reason = reasons[index].parse();
        let unknown = |error| Error::invalid(path, format!("row {index}: {error}"));
        Ok(DoseText {
            dose,
            condition: conditions[index].clone(),
            prompt_id: ids[index].clone(),
            prompt: prompts[index].clone(),
            text: texts[index].clone(),
            token_ids: token_ids[index].clone(),
            finish_reason: finish_reason.map_err(unknown)?,
            surprise_positive: positive[index],
            surprise_negative: negative[index],
            distinct_2: distinct[index],
        })
    };
    let rows = doses_of(&columns)?.into_iter().enumerate().map(row);
    Ok((rows.collect::<Result<_>>()?, metadata))
}
