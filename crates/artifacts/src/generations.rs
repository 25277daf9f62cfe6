use std::path::Path;

use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use terms::FinishReason;

use crate::contract::{COUNT, Column, ColumnKind, NO_UNIT, NUMBER, SIGNED_RATIO, TableSchema};
use crate::table::{Columns, column, optional_column, read_table, text_column, write_table};
use crate::{Error, Metadata, Result};

pub(crate) const SCHEMA: TableSchema = TableSchema {
    name: "generations",
    version: 1,
    file: "steer/generations.parquet",
    row: "one generated text",
    key: &["set", "prompt_id", "coefficient", "sample"],
    is_sorted: false,
    columns: || {
        vec![
            Column::text("set", "the generation set, by its name in the pipeline file"),
            Column::prompt_id(),
            Column::prompt(),
            Column::condition(),
            Column::float64(
                "coefficient",
                SIGNED_RATIO,
                "what the set's interventions were multiplied by; null for sets without",
            )
            .nullable(),
            Column::int32(
                "sample",
                NUMBER,
                "which text of the same set, prompt and coefficient",
            ),
            Column::new(
                "seed",
                ColumnKind::Int64,
                NO_UNIT,
                "of the row's own random generator (the bits of an unsigned number)",
            ),
            Column::word("decoding", &["greedy", "sampled"], "how tokens were chosen"),
            Column::text("interventions", "what was done to the residual stream, in words"),
            Column::text("text", "special tokens kept, white space at both ends stripped"),
            Column::int32("n_tokens", COUNT, "generated tokens, an end token included"),
            Column::word(
                "finish_reason",
                FinishReason::WORDS,
                "an end token, or `steer.max_new_tokens`",
            ),
        ]
    },
};

/// One generated text.
#[derive(Clone, Debug, PartialEq)]
pub struct Generation {
    /// The name of the generation set in the pipeline file.
    pub set: String,
    pub prompt_id: String,
    pub prompt: String,
    pub condition: String,
    /// What the set's interventions were multiplied by; none where nothing was steered.
    pub coefficient: Option<f64>,
    /// 0-based number of the text among those of the same set, prompt and coefficient.
    pub sample: usize,
    /// The seed of this row's own random generator (unused by greedy sets).
    pub seed: u64,
    /// The generated tokens as text: special tokens kept, white space at both ends stripped.
    pub text: String,
    pub n_tokens: usize,
    pub finish_reason: FinishReason,
    /// What was done, such as `addition of 0.7 contrast at layer 4, all positions`.
    pub interventions: String,
    pub greedy: bool,
}

pub fn write_generations(path: &Path, metadata: &Metadata, rows: &[Generation]) -> Result<()> {
    let columns = vec![
        text_column("set", rows.iter().map(|row| &row.set)),
        text_column("prompt_id", rows.iter().map(|row| &row.prompt_id)),
        text_column("prompt", rows.iter().map(|row| &row.prompt)),
        text_column("condition", rows.iter().map(|row| &row.condition)),
        optional_column::<Float64Type>("coefficient", rows.iter().map(|row| row.coefficient)),
        column::<Int32Type>("sample", rows.iter().map(|row| row.sample as i32)),
        // Parquet's readers handle signed numbers best; the bits are those of the seed.
        column::<Int64Type>("seed", rows.iter().map(|row| row.seed.cast_signed())),
        text_column(
            "decoding",
            rows.iter()
                .map(|row| if row.greedy { "greedy" } else { "sampled" }),
        ),
        text_column("interventions", rows.iter().map(|row| &row.interventions)),
        text_column("text", rows.iter().map(|row| &row.text)),
        column::<Int32Type>("n_tokens", rows.iter().map(|row| row.n_tokens as i32)),
        text_column("finish_reason", rows.iter().map(|row| row.finish_reason.as_str())),
    ];
    write_table(path, &SCHEMA, metadata, columns)
}

pub fn read_generations(path: &Path) -> Result<(Vec<Generation>, Metadata)> {
    let (batch, metadata) = read_table(path, &SCHEMA)?;
    let columns = Columns { path, batch: &batch };
    let (sets, prompt_ids, prompts) = (
        columns.texts("set")?,
        columns.texts("prompt_id")?,
        columns.texts("prompt")?,
    );
    let (conditions, texts) = (columns.texts("condition")?, columns.texts("text")?);
    let coefficients = columns.optional_numbers::<Float64Type>("coefficient")?;
    let (samples, lengths) = (
        columns.numbers::<Int32Type>("sample")?,
        columns.numbers::<Int32Type>("n_tokens")?,
    );
    let seeds = columns.numbers::<Int64Type>("seed")?;
    let (reasons, interventions) = (columns.texts("finish_reason")?, columns.texts("interventions")?);
    let decodings = columns.texts("decoding")?;
    let mut rows = Vec::with_capacity(texts.len());
    for (index, text) in texts.into_iter().enumerate() {
        let finish_reason = reasons[index]
            .parse()
            .map_err(|error| Error::invalid(path, format!("row {index}: {error}")))?;
        rows.push(Generation {
            set: sets[index].clone(),
            prompt_id: prompt_ids[index].clone(),
            prompt: prompts[index].clone(),
            condition: conditions[index].clone(),
            coefficient: coefficients[index],
            sample: samples[index] as usize,
            seed: seeds[index].cast_unsigned(),
            text,
            n_tokens: lengths[index] as usize,
            finish_reason,
            interventions: interventions[index].clone(),
            greedy: decodings[index] == "greedy",
        });
    }
    Ok((rows, metadata))
}
