//! Byte-level vocabularies, as of GPT-2, Llama 3 and Qwen: tokens spell the bytes of texts, and a
//! list gives the order of merges.

use ::gguf::Metadata;
use tokenizers::Tokenizer;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::NFC;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;

use super::bare::Bare;
use super::keys::{ADDS_SPACE, PRE, TOKENS};
use super::listed_merges::listed_merges;
use super::pre_tokenizers::{PRE_TOKENIZERS, PreTokenizer};
use super::unnamed::name_by_merges;
use super::vocabulary::{OwnTokens, Vocabulary};

/// The tokenizer without added tokens.
pub(super) fn build(metadata: &Metadata, own: OwnTokens) -> Result<Bare, String> {
    if metadata.flag(ADDS_SPACE)? == Some(true) {
        return Err(format!(
            "`{ADDS_SPACE}` is true, and Roleswap knows no byte-level tokenizer that puts a space before texts; give the model \
             as its Hugging Face folder"
        ));
    }
    let vocabulary = Vocabulary::read(metadata, own, |_| false)?;
    let ids = vocabulary.ids()?;
    let merges = listed_merges(metadata, &ids)?;
    let pre_tokenizer = pre_tokenizer(metadata.text(PRE)?, &merges)?;
    // Where each token has several merges, the list was made from the vocabulary of tiktoken, which
    // takes whole words first.
    let ignores_merges = pre_tokenizer.ignores_merges || merges.len() > vocabulary.tokens.len();
    let owned: Vocab = ids
        .into_iter()
        .map(|(token, id)| (token.to_owned(), id))
        .collect();
    let failed = |error: tokenizers::Error| {
        format!("`{TOKENS}` makes no tokenizer ({error}); get another conversion of the model")
    };
    let model = BPE::builder()
        .vocab_and_merges(owned, merges)
        .ignore_merges(ignores_merges);
    let mut tokenizer = Tokenizer::new(model.build().map_err(failed)?);
    if pre_tokenizer.composes {
        tokenizer.with_normalizer(Some(NFC)).map_err(failed)?;
    }
    tokenizer.with_pre_tokenizer(Some(pre_tokenizer.sequence().map_err(failed)?));
    tokenizer.with_decoder(Some(ByteLevel::default()));
    Ok(Bare {
        tokenizer,
        vocabulary,
        adds_bos: pre_tokenizer.adds_bos,
    })
}

/// The pre-tokenizer that the file names, or that goes with its vocabulary.
fn pre_tokenizer(name: Option<&str>, merges: &[(String, String)]) -> Result<&'static PreTokenizer, String> {
    let unknown = match name {
        Some(name) if name != "default" => match PreTokenizer::named(name) {
            Some(known) => return Ok(known),
            None => format!("`{PRE}` \"{name}\" is not supported"),
        },
        _ => match name_by_merges(merges).and_then(PreTokenizer::named) {
            Some(known) => return Ok(known),
            None => format!(
                "`{PRE}` does not say how this tokenizer cuts texts into words, and its vocabulary is not one that Roleswap \
                 recognises"
            ),
        },
    };
    let names: Vec<&str> = PRE_TOKENIZERS
        .iter()
        .flat_map(|known| known.names)
        .copied()
        .collect();
    Err(format!(
        "{unknown}; give the model as its Hugging Face folder, or a conversion by llama.cpp's convert_hf_to_gguf.py where this \
         is one of {}",
        names.join(", ")
    ))
}
