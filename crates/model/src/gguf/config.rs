use ::gguf::GgufFile;
use serde_json::{Value as Json, json};

use super::ends::end_tokens;
use super::keys::TensorNumbers;
use super::known::check_keys;
use super::tokenizer::keys::TOKENS;
use super::{Architecture, GgufKeys, present};

/// The metadata under the keys of a Hugging Face config.json.
///
/// What the file leaves out is filled in as llama.cpp does for the architecture. `numbers` are those
/// of small tensors that belong to the configuration.
///
/// # Errors
/// Names the key that is missing or unusable, or one that is not known here and may change what the
/// model computes.
pub fn config_json(file: &GgufFile, numbers: &TensorNumbers<'_>) -> Result<Json, String> {
    let architecture = Architecture::read(file.metadata())?;
    let family = architecture.family();
    let keys = GgufKeys {
        metadata: file.metadata(),
        architecture: architecture.name(),
        numbers,
    };
    let mut config = json!({
        "architectures": [family.class()],
        "model_type": family.model_types()[0].name,
        "vocab_size": vocab_size(file)?,
        "hidden_size": keys.count("embedding_length")?,
        "num_hidden_layers": keys.layers()?,
        "num_attention_heads": keys.count("attention.head_count")?,
        "max_position_embeddings": keys.count("context_length")?,
        "tie_word_embeddings": file.tensor("output.weight").is_none(),
        "bos_token_id": file.metadata().count("tokenizer.ggml.bos_token_id")?,
        "eos_token_id": end_tokens(file.metadata(), family)?,
        "pad_token_id": file.metadata().count("tokenizer.ggml.padding_token_id")?,
    });
    let sizes = family.gguf_layer_sizes(&keys)?;
    for (key, value) in sizes.into_iter().chain(family.gguf_config(file, &keys)?) {
        config[key] = value;
    }
    check_keys(file.metadata(), &keys, family)?;
    Ok(config)
}

/// The number of rows of the embedding, or, without that tensor, the number of tokens. There may be
/// rows without a token (they are padded) and tokens without a row, such as a token for images that
/// is listed behind the others.
fn vocab_size(file: &GgufFile) -> Result<usize, String> {
    let tokens = present(TOKENS, file.metadata().list(TOKENS)?)?.len();
    let rows = file
        .tensor("token_embd.weight")
        .and_then(|tensor| tensor.shape.first());
    Ok(rows.copied().unwrap_or(tokens))
}
