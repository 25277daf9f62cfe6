use std::path::Path;

use arrow_array::types::Int32Type;

use crate::contract::{COUNT, Column, ColumnKind, NO_UNIT, TableSchema};
use crate::table::{Columns, column, ids_column, read_table, text_column, texts_column, write_table};
use crate::{Metadata, Result};

pub(crate) const SCHEMA: TableSchema = TableSchema {
    name: "prompts",
    version: 3,
    file: "extract/prompts.parquet",
    row: "one prompt in one condition, as the model sees it",
    key: &["condition", "prompt_id"],
    is_sorted: true,
    columns: || {
        vec![
            Column::prompt_id(),
            Column::prompt(),
            Column::condition(),
            Column::text("text", "the chat template's text, `<bos>` included"),
            Column::int32("n_tokens", COUNT, "the length of `token_ids`"),
            Column::new(
                "token_ids",
                ColumnKind::Ids,
                NO_UNIT,
                "the tokens of `text`, which the model was given",
            ),
            Column::new(
                "token_texts",
                ColumnKind::Texts,
                NO_UNIT,
                "the same tokens as text",
            ),
            Column::int32(
                "opening",
                NO_UNIT,
                "the position of the first token of the opened turn's header",
            ),
        ]
    },
};

/// One prompt in one condition as the model sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderedPrompt {
    pub prompt_id: String,
    pub prompt: String,
    pub condition: String,
    /// The chat template's text, `<bos>` included.
    pub text: String,
    pub token_ids: Vec<i32>,
    /// The same tokens as the vocabulary spells them, `▁` for a space.
    pub token_texts: Vec<String>,
    /// The position of the first token of the opened turn's header, such as `<start_of_turn>`.
    pub opening: i32,
}

/// Ids and texts.
type Tokens = (Vec<i32>, Vec<String>);

pub fn write_rendered_prompts(path: &Path, metadata: &Metadata, rows: &[RenderedPrompt]) -> Result<()> {
    let columns = vec![
        text_column("prompt_id", rows.iter().map(|row| &row.prompt_id)),
        text_column("prompt", rows.iter().map(|row| &row.prompt)),
        text_column("condition", rows.iter().map(|row| &row.condition)),
        text_column("text", rows.iter().map(|row| &row.text)),
        column::<Int32Type>("n_tokens", rows.iter().map(|row| row.token_ids.len() as i32)),
        ids_column("token_ids", rows.iter().map(|row| row.token_ids.as_slice())),
        texts_column("token_texts", rows.iter().map(|row| row.token_texts.as_slice())),
        column::<Int32Type>("opening", rows.iter().map(|row| row.opening)),
    ];
    write_table(path, &SCHEMA, metadata, columns)
}

pub fn read_rendered_prompts(path: &Path) -> Result<(Vec<RenderedPrompt>, Metadata)> {
    let (batch, metadata) = read_table(path, &SCHEMA)?;
    let columns = Columns { path, batch: &batch };
    let (prompt_ids, prompts) = (columns.texts("prompt_id")?, columns.texts("prompt")?);
    let (conditions, texts) = (columns.texts("condition")?, columns.texts("text")?);
    let openings = columns.numbers::<Int32Type>("opening")?;
    let token_ids = columns.ids("token_ids")?;
    let tokens = token_ids.into_iter().zip(columns.lists_of_texts("token_texts")?);
    let rows = texts.into_iter().zip(tokens).enumerate();
    let row = |(index, (text, (token_ids, token_texts))): (usize, (String, Tokens))| RenderedPrompt {
        prompt_id: prompt_ids[index].clone(),
        prompt: prompts[index].clone(),
        condition: conditions[index].clone(),
        text,
        token_ids,
        token_texts,
        opening: openings[index],
    };
    Ok((rows.map(row).collect(), metadata))
}
