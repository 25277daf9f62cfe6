use std::fmt::Write;

use results::{Column, TABLES, TableSchema};

/// The text of `docs/schemas.md`.
pub fn schemas_markdown() -> String {
    let mut text = BEFORE.to_owned();
    for schema in TABLES {
        table(schema, &mut text);
    }
    text + AFTER
}

fn table(schema: &TableSchema, text: &mut String) {
    let key: Vec<String> = schema.key.iter().map(|column| format!("`{column}`")).collect();
    let order = if schema.is_sorted {
        "in this order"
    } else {
        "in no promised order"
    };
    // Writing into a String can't fail.
    let rows = schema
        .count
        .as_ref()
        .map_or(String::new(), |count| format!(" Rows: {}.", count.words));
    let _ = writeln!(
        text,
        "### `{}`, version {}\n\n`{}`. A row is {}. Key: {}, {order}.{rows}\n\n| column | type | unit | values | meaning |\n|---|---|---|---|---|",
        schema.name,
        schema.version,
        schema.file.replace(" and ", "` and `"),
        schema.row,
        key.join(", ")
    );
    for column in (schema.columns)() {
        row(&column, text);
    }
    text.push('\n');
}

fn row(column: &Column, text: &mut String) {
    let nullable = if column.is_nullable { ", nullable" } else { "" };
    let _ = writeln!(
        text,
        "| `{}` | {}{nullable} | {} | {} | {} |",
        column.name,
        column.kind.as_str(),
        column.quantity.unit,
        column.quantity.values.in_words(),
        column.meaning
    );
}

const BEFORE: &str = "\
# The files of a run

<!-- Made from the tables' declarations: UPDATE_SCHEMAS=1 cargo test --workspace --test check_results -->

This is the contract for the files under `results/NAME/`. The tables' writers and readers are made from the same declarations as this page, and
`cargo xtask check-results [--pipeline NAME] [--json]` compares files with it: columns, types, missing values, allowed values, keys and their order,
numbers of rows, one model in all footers, and figures that follow from others. Its exit code is 1 if something differs.

**Layers** are 0-based; the row of layer `l` is the residual stream after decoder layer `l`, which is what Hugging Face transformers calls
`hidden_states[l + 1]` and TransformerLens `blocks.l.hook_resid_post`. **Versions** are raised when a column changes its name, type, unit or meaning.
**Formulas** are in [statistics.md](statistics.md).

**Units.** *residual*: that of the residual stream, which has no name. *cosine*, *share*, *ratio*, *probability*: none. *nats per token*: natural
logarithms. Columns that are not nullable have no missing values, and all numbers are finite. A figure that is not defined is null: a cosine of a
vector of zero, an effect size without spread, an interval of fewer than three prompts. Cosines are within -1 and 1, whatever rounding does.

**Footers.** Every table's key-value metadata has, under names that begin with `roleswap.`:

| key | what it is | in |
|---|---|---|
| `schema`, `schema_version` | which of the tables below | all |
| `pipeline`, `model_name`, `model_type` | names; `model_type` is that of transformers, such as `gemma2` | all |
| `model_source` | the repository of the hub as `model.source` names it, or the name of a local folder or file without its path | all |
| `model_adapter` | the same of `model.adapter`; only where there is one | all |
| `model_fingerprint` | BLAKE3 of everything that decides what the model computes: weights, configuration, tokenizer, template | all |
| `weights_fingerprint`, `template_hash` | of the weight files and of the chat template alone | all |
| `layers`, `hidden_size` | of the model | all |
| `dtype`, `device`, `roleswap_version` | how it was run | all |
| `layer`, `site` | activations: which layer; where in it, as TransformerLens calls it | activations, and `site` in what is made of them |
| `positive`, `negative`, `pooling` | the contrast's conditions, and the pooling that is steered with | analyze |
| `seed`, `max_new_tokens` | as in the pipeline file (`extract.answer` has the answers') | generations, answers |
| `decoding` | whether answers are greedy or sampled | answers |
| `perplexity_budget` | as in the pipeline file | dose |

Compression is Snappy. Columns of vectors are lists of one length, encoded with BYTE_STREAM_SPLIT, without an Arrow extension type, since not all
readers open one: DuckDB, Polars, pandas, pyarrow and Hugging Face's `datasets` read them alike (`scripts/read_results.py`).

## Tables

";

const AFTER: &str = "\
## Other files

| file | what it is |
|---|---|
| `verify/certificate.json` | how far each layer is from an independent implementation; `format` is its version |
| `analyze/contrast.safetensors` | f32 `[layers, hidden]` for every name of `vectors.parquet` under the contrast's pooling. The metadata has one entry, `roleswap`: the footer above as JSON |
| `analyze/export/contrast.gguf` | a control vector as llama.cpp and repeng read it. `direction.N` is added to the output of the 0-based block N, so it is our layer N; llama.cpp has no `direction.0`, so layer 0 is left out. Raw: the scale 1 adds one contrast vector |
| `analyze/export/contrast.npy` | the same for all layers, f32 `[layers, hidden]` |
| `analyze/export/neuronpedia/contrast/LN.json` | a body for Neuronpedia's `POST /api/vector/new`, one a layer; nothing is sent. `modelId` is made of `model_source`, and where that is not the name of a Gemma model a `note` says so in its place |
| `analyze/summary.csv`, `summary.txt` | the notebook's table: `summary.parquet` under the contrast's pooling |
| `analyze/statistics.json` | the tests over all layers, and what they say in sentences |
| `dose/dose.json` | every candidate dose with the reasons against it, and the choice |
| `steer/*_layerN_steer.json`, `swapped_user_role.json` | the texts of the set named by `steer.notebook_set`, in the notebook's two formats; without that key there are none |
| `report/` | one page and its figures |
";
