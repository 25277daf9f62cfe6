use std::collections::HashMap;

use ::gguf::Metadata;

use super::ends::ends_texts;
use super::present;
use super::tokenizer_keys::{SCORES, TOKENS, TYPES};
use crate::families::Family;

/// The tokens of a SentencePiece vocabulary by id: texts as tokenizer.json spells them, scores that
/// give the order of merges, and kinds.
pub(super) struct Vocabulary {
    pub tokens: Vec<String>,
    /// 0 for all tokens except those that were learned: these merge first, as in SentencePiece.
    pub scores: Vec<f64>,
    pub kinds: Vec<TokenKind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// Learned from texts.
    Normal,
    /// Part of the format of texts, such as `<bos>`.
    Control,
    /// Always one token, wherever a text has it, such as a run of line breaks.
    UserDefined,
    /// A byte, the unknown token, or an unused one.
    Other,
}

/// The character for a space within tokens.
pub(super) const SPACE: &str = "\u{2581}";

impl Vocabulary {
    pub fn read(metadata: &Metadata, family: &dyn Family) -> Result<Self, String> {
        let texts = present(TOKENS, metadata.texts(TOKENS)?)?;
        let scores = present(SCORES, metadata.numbers(SCORES)?)?;
        let types = present(TYPES, metadata.counts(TYPES)?)?;
        for (key, length) in [(SCORES, scores.len()), (TYPES, types.len())] {
            if length != texts.len() {
                return Err(format!(
                    "`{key}` has {length} entries for {} tokens; download the file again",
                    texts.len()
                ));
            }
        }
        if let Some(id) = texts.iter().position(|text| text.len() > LONGEST_TOKEN) {
            return Err(format!(
                "`{TOKENS}` has a token of more than {LONGEST_TOKEN} bytes (number {id}); download the file again"
            ));
        }
        let mut kinds: Vec<TokenKind> = types.into_iter().map(kind).collect();
        check_scores(&scores, &kinds)?;
        correct_kinds(family, &texts, &scores, &mut kinds);
        let spelled = texts.iter().zip(&kinds).map(|(text, kind)| spelled(text, *kind));
        let mut tokens: Vec<String> = spelled.collect();
        add_tab(&mut tokens);
        // Converters put other numbers where SentencePiece has 0.
        let learned = |(score, kind)| if kind == TokenKind::Normal { score } else { 0.0 };
        let pairs = scores.into_iter().zip(kinds.iter().copied());
        Ok(Vocabulary {
            tokens,
            scores: pairs.map(learned).collect(),
            kinds,
        })
    }

    /// The id of each token.
    pub fn ids(&self) -> Result<HashMap<&str, u32>, String> {
        let mut ids = HashMap::new();
        for (id, token) in (0u32..).zip(&self.tokens) {
            if ids.insert(token.as_str(), id).is_some() {
                return Err(format!(
                    "`{TOKENS}` has the token {token:?} twice; download the file again"
                ));
            }
        }
        Ok(ids)
    }

    /// The id that a key of the metadata holds, if it is there.
    pub fn named(&self, metadata: &Metadata, key: &str) -> Result<Option<usize>, String> {
        match metadata.count(key)? {
            Some(id) if id >= self.tokens.len() => Err(format!(
                "`{key}` is {id}, but there are {} tokens; download the file again",
                self.tokens.len()
            )),
            id => Ok(id),
        }
    }
}

/// Published vocabularies have tokens of under 100 bytes. Each way to cut a token is looked at, so
/// a long one would take forever.
const LONGEST_TOKEN: usize = 512;

/// The kind that llama.cpp's number denotes (`llama_token_type`).
fn kind(number: usize) -> TokenKind {
    match number {
        1 => TokenKind::Normal,
        3 => TokenKind::Control,
        4 => TokenKind::UserDefined,
        _ => TokenKind::Other,
    }
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

/// Early files, and those of Ollama's converter, call user-defined tokens normal ones. They are
/// recognised by the score 0, which otherwise only the first learned token has: the one before that
/// of the score -1. Tokens of the format may have any kind. What converters pad a vocabulary with
/// is not a token of a text.
fn correct_kinds(family: &dyn Family, texts: &[&str], scores: &[f64], kinds: &mut [TokenKind]) {
    for (id, kind) in kinds.iter_mut().enumerate() {
        let first_learned = scores.get(id + 1) == Some(&-1.0);
        let learned = *kind == TokenKind::Normal && scores[id] < 0.0;
        if family.control_tokens().contains(&texts[id]) || ends_texts(family, texts[id], learned) {
            *kind = TokenKind::Control;
        } else if is_padding(texts[id]) {
            *kind = TokenKind::Other;
        } else if *kind == TokenKind::Normal && scores[id] == 0.0 && !first_learned {
            *kind = TokenKind::UserDefined;
        }
    }
}

/// `[PAD0]`, `[PAD1]` and so on, for rows of the embeddings that have no token.
fn is_padding(text: &str) -> bool {
    let number = text.strip_prefix("[PAD").and_then(|rest| rest.strip_suffix(']'));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The text of a token in tokenizer.json. Converters write the user-defined runs of spaces with
/// real spaces.
fn spelled(text: &str, kind: TokenKind) -> String {
    if kind == TokenKind::UserDefined && !text.is_empty() && text.bytes().all(|byte| byte == b' ') {
        return SPACE.repeat(text.len());
    }
    text.to_owned()
}

/// Where a vocabulary has runs of tabs and no tab, Hugging Face's converter renames the byte token
/// to a tab.
fn add_tab(tokens: &mut [String]) {
    if tokens.iter().any(|token| token == "\t") {
        return;
    }
    if let Some(byte) = tokens.iter_mut().find(|token| *token == "<0x09>") {
        "\t".clone_into(byte);
    }
}
