//! SentencePiece vocabularies, as of Llama 2, Mistral and Gemma: spaces are a letter of their own,
//! bytes stand in for characters without a token, and scores give the order of merges.

use ::gguf::Metadata;
use tokenizers::decoders::byte_fallback::ByteFallback;
use tokenizers::decoders::fuse::Fuse;
use tokenizers::decoders::sequence::Sequence;
use tokenizers::decoders::strip::Strip;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::{Prepend, Replace, Sequence as Normalizers};
use tokenizers::pre_tokenizers::metaspace::{Metaspace, PrependScheme};
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{DecoderWrapper, SplitDelimiterBehavior, Tokenizer};

use super::bare::Bare;
use super::gemma;
use super::implied_merges::implied_merges;
use super::keys::{ADDS_SPACE, MODEL, SCORES, TEMPLATE, TOKENS, UNKNOWN};
use super::listed_merges::listed_merges;
use super::vocabulary::{OwnTokens, TokenKind, Vocabulary, check_length};
use crate::gguf::present;

/// The character for a space within tokens.
const SPACE: &str = "\u{2581}";
const SPACE_CHARACTER: char = '\u{2581}';

/// Where a space is put before texts that have none.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Prefix {
    Nowhere,
    /// Before each stretch of text between added tokens.
    EachStretch,
    /// Before the text as a whole, unless it begins with an added token.
    Beginning,
}

/// The tokenizer without added tokens.
pub(super) fn build(metadata: &Metadata, own: OwnTokens) -> Result<Bare, String> {
    refuse_normalizers(metadata)?;
    let (vocabulary, merges) = vocabulary(metadata, own)?;
    let owned: Vocab = vocabulary
        .ids()?
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
    add_surroundings(&mut tokenizer, prefix(metadata, &vocabulary)?).map_err(failed)?;
    Ok(Bare {
        tokenizer,
        vocabulary,
        adds_bos: true,
    })
}

/// Whether the vocabulary is Gemma's. No key says so but the architecture's name.
fn is_gemma(metadata: &Metadata) -> Result<bool, String> {
    let name = metadata.text("general.architecture")?;
    Ok(name.is_some_and(|name| name.starts_with("gemma")))
}

/// Texts are tokenized as they are. llama.cpp would change them first where a file says so.
fn refuse_normalizers(metadata: &Metadata) -> Result<(), String> {
    const BLANKS: &str = "tokenizer.ggml.remove_extra_whitespaces";
    const CHARACTERS: &str = "tokenizer.ggml.precompiled_charsmap";
    let set = |key: &str| Ok::<_, String>(metadata.flag(key)? == Some(true));
    let changing = [
        (ADDS_SPACE, is_gemma(metadata)? && set(ADDS_SPACE)?),
        (BLANKS, set(BLANKS)?),
        (CHARACTERS, metadata.get(CHARACTERS).is_some()),
    ];
    match changing.iter().find(|(_, changes)| *changes) {
        None => Ok(()),
        Some((key, _)) => Err(format!(
            "`{key}` changes texts before they are tokenized, which the tokenizer of such a model doesn't; get another \
             conversion of the model"
        )),
    }
}

/// The vocabulary and its merges, best first.
fn vocabulary(metadata: &Metadata, own: OwnTokens) -> Result<(Vocabulary, Vec<(String, String)>), String> {
    if metadata.text(MODEL)? == Some("gemma4") {
        let mut vocabulary = Vocabulary::read(metadata, own, |_| false)?;
        gemma::spell(&mut vocabulary, SPACE);
        let merges = listed_merges(metadata, &vocabulary.ids()?)?;
        return Ok((vocabulary, merges));
    }
    let scores = present(SCORES, metadata.numbers(SCORES)?)?;
    let is_learned = |id: usize| scores.get(id).is_some_and(|score| *score < 0.0);
    let mut vocabulary = Vocabulary::read(metadata, own, is_learned)?;
    check_length(SCORES, scores.len(), vocabulary.tokens.len())?;
    check_scores(&scores, &vocabulary.kinds)?;
    if is_gemma(metadata)? {
        gemma::correct_kinds(&mut vocabulary, &scores);
        gemma::spell(&mut vocabulary, SPACE);
    }
    // Converters put other numbers where SentencePiece has 0: tokens that were not learned merge
    // first.
    let learned = |(score, kind)| if kind == TokenKind::Normal { score } else { 0.0 };
    let pairs = scores.into_iter().zip(vocabulary.kinds.iter().copied());
    let scores: Vec<f64> = pairs.map(learned).collect();
    let merges = implied_merges(&vocabulary.tokens, &scores, &vocabulary.ids()?)?;
    Ok((vocabulary, merges))
}

/// Without an order of merges, the tokenizer would be wrong.
fn check_scores(scores: &[f64], kinds: &[TokenKind]) -> Result<(), String> {
    if scores.iter().any(|score| score.is_nan()) {
        return Err(format!(
            "`{SCORES}` holds a value that is not a number; download the file again"
        ));
    }
    let pairs = scores.iter().zip(kinds);
    let mut learned = pairs.filter(|(_, kind)| **kind == TokenKind::Normal);
    let first = learned.next();
    let mut others = learned.peekable();
    if others.peek().is_some() && others.all(|(score, _)| Some(score) == first.map(|(score, _)| score)) {
        return Err(format!(
            "`{SCORES}` has the same score for all tokens, so that no order of merges follows; get another conversion of the model"
        ));
    }
    Ok(())
}

/// Where the model's own tokenizer puts a space. The file says only whether it does.
///
/// Mistral's tokenizers with the token `[INST]` do so at the beginning of a text, and so does the
/// first one since its chat template writes the space between `<s>` and `[INST]`; Llama 2's, and
/// the others made from it, before each stretch.
fn prefix(metadata: &Metadata, vocabulary: &Vocabulary) -> Result<Prefix, String> {
    let usual = !is_gemma(metadata)?;
    if !metadata.flag(ADDS_SPACE)?.unwrap_or(usual) {
        return Ok(Prefix::Nowhere);
    }
    let template = metadata.text(TEMPLATE)?.unwrap_or_default();
    let writes_space = ["' [INST]", "\" [INST]"]
        .iter()
        .any(|text| template.contains(text));
    let of_mistral = writes_space || vocabulary.tokens.iter().any(|token| token == "[INST]");
    Ok(if of_mistral {
        Prefix::Beginning
    } else {
        Prefix::EachStretch
    })
}

/// What the tokenizer.json of such a model has around its BPE.
fn add_surroundings(tokenizer: &mut Tokenizer, prefix: Prefix) -> tokenizers::Result<()> {
    let spaces = Replace::new(" ", SPACE)?;
    match prefix {
        Prefix::Nowhere => {
            tokenizer.with_normalizer(Some(spaces))?;
            // No text has a space left: this cuts nothing, as in Gemma's.
            let pattern = SplitPattern::String(" ".to_owned());
            let behavior = SplitDelimiterBehavior::MergedWithPrevious;
            tokenizer.with_pre_tokenizer(Some(Split::new(pattern, behavior, false)?));
        }
        Prefix::EachStretch => {
            let prepend = Prepend::new(SPACE.to_owned());
            tokenizer.with_normalizer(Some(Normalizers::new(vec![prepend.into(), spaces.into()])))?;
        }
        Prefix::Beginning => {
            let metaspace = Metaspace::new(SPACE_CHARACTER, PrependScheme::First, false);
            tokenizer.with_pre_tokenizer(Some(metaspace));
        }
    }
    let mut decoders: Vec<DecoderWrapper> = vec![
        Replace::new(SPACE, " ")?.into(),
        ByteFallback::new().into(),
        Fuse::new().into(),
    ];
    if prefix != Prefix::Nowhere {
        decoders.push(Strip::new(' ', 1, 0).into());
    }
    tokenizer.with_decoder(Some(Sequence::new(decoders)));
    Ok(())
}
