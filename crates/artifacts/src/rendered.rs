use std::path::Path;

use arrow_array::builder::{Int32Builder, ListBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef};
use arrow_schema::Field;

use crate::table::{Columns, TableSchema, column, read_table, text_column, write_table};
use crate::{Error, Metadata, Result};

const SCHEMA: TableSchema = TableSchema {
    name: "prompts",
    version: 1,
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
}

pub fn write_rendered_prompts(path: &Path, metadata: &Metadata, rows: &[RenderedPrompt]) -> Result<()> {
    let mut token_ids = ListBuilder::new(Int32Builder::new());
    for row in rows {
        token_ids.values().append_slice(&row.token_ids);
        token_ids.append(true);
    }
    let token_ids = token_ids.finish();
    let field = Field::new("token_ids", token_ids.data_type().clone(), false);
    let columns = vec![
        text_column("prompt_id", rows.iter().map(|row| &row.prompt_id)),
        text_column("prompt", rows.iter().map(|row| &row.prompt)),
        text_column("condition", rows.iter().map(|row| &row.condition)),
        text_column("text", rows.iter().map(|row| &row.text)),
        column::<Int32Type>("n_tokens", rows.iter().map(|row| row.token_ids.len() as i32)),
        (field, std::sync::Arc::new(token_ids) as ArrayRef),
    ];
    write_table(path, &SCHEMA, metadata, columns)
}

pub fn read_rendered_prompts(path: &Path) -> Result<(Vec<RenderedPrompt>, Metadata)> {
    let (batch, metadata) = read_table(path, &SCHEMA)?;
    let columns = Columns { path, batch: &batch };
    let (prompt_ids, prompts) = (columns.texts("prompt_id")?, columns.texts("prompt")?);
    let (conditions, texts) = (columns.texts("condition")?, columns.texts("text")?);
    let missing = || {
        Error::invalid(
            path,
            "there is no column `token_ids` of lists; make the table again",
        )
    };
    let lists = batch
        .column_by_name("token_ids")
        .and_then(|column| column.as_list_opt::<i32>())
        .ok_or_else(missing)?;
    let mut rows = Vec::with_capacity(texts.len());
    for (index, text) in texts.into_iter().enumerate() {
        let list = lists.value(index);
        rows.push(RenderedPrompt {
            prompt_id: prompt_ids[index].clone(),
            prompt: prompts[index].clone(),
            condition: conditions[index].clone(),
            text,
            token_ids: list
                .as_primitive_opt::<Int32Type>()
                .ok_or_else(missing)?
                .values()
                .to_vec(),
        });
    }
    Ok((rows, metadata))
}
