//! The tokenizer of a model in GGUF, so that it gives the ids of the model's own `tokenizer.json`.
//!
//! A GGUF file has the tokens, their kinds, and either the merges of a byte-level vocabulary
//! ([`byte_level`]) or the scores of a SentencePiece vocabulary ([`sentence_piece`]). It has no
//! `tokenizer.json`: how texts are cut into words is a name in it, and other things are not in it
//! at all. What follows from the name or the vocabulary is in tables; what follows from neither is
//! refused.

mod added_tokens;
mod bare;
mod byte_level;
mod gemma;
mod implied_merges;
pub(super) mod keys;
mod listed_merges;
mod pre_tokenizers;
mod sentence_piece;
mod template;
mod unnamed;
mod vocabulary;

use tokenizers::Tokenizer;
use tokenizers::processors::template::{SpecialToken, Template, TemplateProcessing};

use ::gguf::Metadata;

use self::added_tokens::add_tokens;
use self::bare::Bare;
use self::keys::{ADDS_BOS, BOS, EOS, MODEL};
use self::vocabulary::OwnTokens;
use super::{Architecture, present};

pub(crate) use self::template::{chat_template, without_template};

/// What a Hugging Face folder has in tokenizer.json, tokenizer_config.json and chat_template.jinja.
pub struct ChatParts {
    /// The tokenizer.
    pub tokenizer: Tokenizer,
    /// The text of the token that begins texts; some models have none.
    pub bos_token: Option<String>,
    /// The text of the token that ends texts.
    pub eos_token: String,
    /// Base models have none.
    pub chat_template: Option<String>,
}

/// The tokenizer and the chat template of a model that can be run, from its metadata.
///
/// # Errors
/// Names the key that is missing or can't be used.
pub fn chat_parts(metadata: &Metadata) -> Result<ChatParts, String> {
    let family = Architecture::read(metadata)?.family();
    let model = present(MODEL, metadata.text(MODEL)?)?;
    if !family.gguf_tokenizers().contains(&model) {
        return Err(format!(
            "`{MODEL}` is \"{model}\", not \"{}\", the tokenizer of {}, as where a model was converted without its \
             tokenizer.model; get another conversion of the model",
            family.gguf_tokenizers().join("\" or \""),
            family.name()
        ));
    }
    let own = OwnTokens {
        control: family.control_tokens(),
        end: family.end_tokens(),
    };
    parts(metadata, own)
}

/// The tokenizer of a model of any family, whether or not its network can be run.
///
/// The beginning token is added where special tokens are asked for, unless the file says otherwise.
/// Control tokens are added tokens that are special; user-defined ones, such as runs of line
/// breaks, are added tokens that are not. Takes a second or two for 262144 tokens.
///
/// # Errors
/// Names the key that is missing or can't be used.
pub fn read_tokenizer(metadata: &Metadata) -> Result<Tokenizer, String> {
    Ok(parts(metadata, OwnTokens::default())?.tokenizer)
}

fn parts(metadata: &Metadata, own: OwnTokens) -> Result<ChatParts, String> {
    let Bare {
        mut tokenizer,
        vocabulary,
        adds_bos,
    } = bare(metadata, own)?;
    add_tokens(&mut tokenizer, metadata, &vocabulary)?;
    let bos = vocabulary.named(metadata, BOS)?;
    let eos = present(EOS, vocabulary.named(metadata, EOS)?)?;
    if metadata.flag(ADDS_BOS)?.unwrap_or(adds_bos) {
        let bos = present(BOS, bos)?;
        tokenizer.with_post_processor(Some(beginning(&vocabulary.tokens[bos], bos)?));
    }
    Ok(ChatParts {
        tokenizer,
        bos_token: bos.map(|id| vocabulary.tokens[id].clone()),
        eos_token: vocabulary.tokens[eos].clone(),
        chat_template: chat_template(metadata)?,
    })
}

fn bare(metadata: &Metadata, own: OwnTokens) -> Result<Bare, String> {
    match present(MODEL, metadata.text(MODEL)?)? {
        "gpt2" => byte_level::build(metadata, own),
        "llama" | "gemma" | "gemma4" => sentence_piece::build(metadata, own),
        other => Err(format!(
            "`{MODEL}` \"{other}\" is not supported, only \"gpt2\" (byte-level) and \"llama\" (SentencePiece); give the model as \
             its Hugging Face folder"
        )),
    }
}

/// Puts the beginning token before each text, where special tokens are asked for.
fn beginning(text: &str, id: usize) -> Result<TemplateProcessing, String> {
    let failed = |error: &dyn std::fmt::Display| {
        format!("`{BOS}` makes no beginning of texts ({error}); get another conversion of the model")
    };
    let id = u32::try_from(id).map_err(|error| failed(&error))?;
    // "bos" is only the name of the piece; the token itself may be any text.
    let token = SpecialToken::new("bos".to_owned(), vec![id], vec![text.to_owned()]);
    let single = Template::try_from("bos:0 $A:0").map_err(|error| failed(&error))?;
    let pair = Template::try_from("bos:0 $A:0 bos:1 $B:1").map_err(|error| failed(&error))?;
    TemplateProcessing::builder()
        .single(single)
        .pair(pair)
        .special_tokens(vec![token.map_err(|error| failed(&error))?])
        .build()
        .map_err(|error| failed(&error))
}
