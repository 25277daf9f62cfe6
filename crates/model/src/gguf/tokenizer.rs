use tokenizers::decoders::byte_fallback::ByteFallback;
use tokenizers::decoders::fuse::Fuse;
use tokenizers::decoders::sequence::Sequence;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::Replace;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::processors::template::{SpecialToken, Template, TemplateProcessing};
use tokenizers::{AddedToken, SplitDelimiterBehavior, Tokenizer};

use ::gguf::Metadata;

use super::merges::merges;
use super::tokenizer_keys::TOKENS;
use super::vocabulary::{SPACE, TokenKind, Vocabulary};
use super::{Architecture, present};
use crate::families::Family;

/// What a Hugging Face folder has in tokenizer.json, tokenizer_config.json and chat_template.jinja.
pub struct ChatParts {
    /// The tokenizer.
    pub tokenizer: Tokenizer,
    /// The text of the token that begins texts.
    pub bos_token: String,
    /// The text of the token that ends texts.
    pub eos_token: String,
    /// Base models have none.
    pub chat_template: Option<String>,
}

/// Builds the tokenizer of a model from its metadata, so that it gives the ids of Hugging Face's
/// tokenizer.json: a BPE of the vocabulary in `tokenizer.ggml.tokens`, whose merges follow from the
/// scores.
///
/// It adds the beginning token where special tokens are asked for, unless the file says otherwise.
/// Control tokens are added tokens that are special; user-defined ones, such as runs of line
/// breaks, are added tokens that are not. Takes a second or two for 262144 tokens.
///
/// # Errors
/// Names the key that is missing or can't be used.
pub fn chat_parts(metadata: &Metadata) -> Result<ChatParts, String> {
    const MODEL: &str = "tokenizer.ggml.model";
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
    refuse_normalizers(metadata, family)?;
    let vocabulary = Vocabulary::read(metadata, family)?;
    let bos = present(BOS, vocabulary.named(metadata, BOS)?)?;
    let eos = present(EOS, vocabulary.named(metadata, EOS)?)?;
    let adds_bos = metadata.flag("tokenizer.ggml.add_bos_token")?.unwrap_or(true);
    let tokenizer = tokenizer(metadata, &vocabulary, adds_bos.then_some(bos))?;
    Ok(ChatParts {
        tokenizer,
        bos_token: vocabulary.tokens[bos].clone(),
        eos_token: vocabulary.tokens[eos].clone(),
        chat_template: chat_template(metadata)?,
    })
}

/// The file's own chat template, if it has one.
pub(crate) fn chat_template(metadata: &Metadata) -> Result<Option<String>, String> {
    let text = metadata.text(TEMPLATE)?;
    Ok(text.filter(|text| !text.trim().is_empty()).map(str::to_owned))
}

/// What to say about a file without a chat template.
pub(crate) fn without_template(metadata: &Metadata) -> String {
    let named = |key: &str| key.strip_prefix(TEMPLATE)?.strip_prefix('.').map(str::to_owned);
    let mut names: Vec<String> = metadata.keys().filter_map(named).collect();
    names.sort();
    if names.is_empty() {
        return "the file has no chat template (base models and Ollama's conversions have none); name a template's file in \
                model.chat_template"
            .to_owned();
    }
    format!(
        "the file has no chat template for general use, only those called {}; write the one that you mean into a file and \
         name that in model.chat_template",
        names.join(", ")
    )
}

const TEMPLATE: &str = "tokenizer.chat_template";

const BOS: &str = "tokenizer.ggml.bos_token_id";
const EOS: &str = "tokenizer.ggml.eos_token_id";
const UNKNOWN: &str = "tokenizer.ggml.unknown_token_id";
const PADDING: &str = "tokenizer.ggml.padding_token_id";

/// Texts are tokenized as they are. llama.cpp would change them first where a file says so.
fn refuse_normalizers(metadata: &Metadata, family: &dyn Family) -> Result<(), String> {
    let set = |key: &str| Ok::<_, String>(metadata.flag(key)? == Some(true));
    let changing = [
        (
            "tokenizer.ggml.add_space_prefix",
            set("tokenizer.ggml.add_space_prefix")?,
        ),
        (
            "tokenizer.ggml.remove_extra_whitespaces",
            set("tokenizer.ggml.remove_extra_whitespaces")?,
        ),
        (
            "tokenizer.ggml.precompiled_charsmap",
            metadata.get("tokenizer.ggml.precompiled_charsmap").is_some(),
        ),
    ];
    match changing.iter().find(|(_, changes)| *changes) {
        None => Ok(()),
        Some((key, _)) => Err(format!(
            "`{key}` changes texts before they are tokenized, which the tokenizer of {} doesn't; get another conversion of the model",
            family.name()
        )),
    }
}

fn tokenizer(metadata: &Metadata, vocabulary: &Vocabulary, bos: Option<usize>) -> Result<Tokenizer, String> {
    let ids = vocabulary.ids()?;
    let merges = merges(&vocabulary.tokens, &vocabulary.scores, &ids);
    let owned: Vocab = ids
        .into_iter()
        .map(|(token, id)| (token.to_owned(), id))
        .collect();
    let mut builder = BPE::builder()
        .vocab_and_merges(owned, merges)
        .fuse_unk(true)
        .byte_fallback(true);
    if let Some(unknown) = vocabulary.named(metadata, UNKNOWN)? {
        builder = builder.unk_token(vocabulary.tokens[unknown].clone());
    }
    let failed = |error: tokenizers::Error| {
        format!("`{TOKENS}` makes no tokenizer ({error}); get another conversion of the model")
    };
    let mut tokenizer = Tokenizer::new(builder.build().map_err(failed)?);
    add_surroundings(&mut tokenizer).map_err(failed)?;
    tokenizer
        .add_tokens(added_tokens(metadata, vocabulary)?)
        .map_err(failed)?;
    if let Some(bos) = bos {
        tokenizer.with_post_processor(Some(beginning(&vocabulary.tokens[bos], bos)?));
    }
    Ok(tokenizer)
}

/// What the tokenizer.json of such a model has around its BPE.
fn add_surroundings(tokenizer: &mut Tokenizer) -> tokenizers::Result<()> {
    tokenizer.with_normalizer(Some(Replace::new(" ", SPACE)?))?;
    let behavior = SplitDelimiterBehavior::MergedWithPrevious;
    tokenizer.with_pre_tokenizer(Some(Split::new(
        SplitPattern::String(" ".to_owned()),
        behavior,
        false,
    )?));
    tokenizer.with_decoder(Some(Sequence::new(vec![
        Replace::new(SPACE, " ")?.into(),
        ByteFallback::new().into(),
        Fuse::new().into(),
    ])));
    Ok(())
}

/// The tokens that are found in a text before anything is merged. All are added at once, since each
/// addition rebuilds the search.
fn added_tokens(metadata: &Metadata, vocabulary: &Vocabulary) -> Result<Vec<AddedToken>, String> {
    let mut named = Vec::new();
    for key in [BOS, EOS, UNKNOWN, PADDING] {
        named.extend(vocabulary.named(metadata, key)?);
    }
    let entries = vocabulary.tokens.iter().zip(&vocabulary.kinds).enumerate();
    let added = entries.filter_map(|(id, (text, kind))| {
        let special = *kind == TokenKind::Control || named.contains(&id);
        let added = special || *kind == TokenKind::UserDefined;
        added.then(|| AddedToken::from(text.as_str(), special).normalized(false))
    });
    Ok(added.collect())
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
