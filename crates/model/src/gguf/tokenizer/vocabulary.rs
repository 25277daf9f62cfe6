use std::collections::HashMap;

use ::gguf::Metadata;

use super::keys::{TOKENS, TYPES};
use crate::gguf::ends::ends_texts;
use crate::gguf::present;

/// The tokens of a vocabulary by id: texts as tokenizer.json spells them, and kinds.
pub(super) struct Vocabulary {
    pub tokens: Vec<String>,
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
    /// A row of the embeddings without a token; tokenizer.json has nothing for it.
    Padding,
}

/// Tokens of a family's format, whatever a file calls them.
#[derive(Clone, Copy, Default)]
pub(super) struct OwnTokens {
    /// Those that open turns.
    pub control: &'static [&'static str],
    /// Those that end texts and turns.
    pub end: &'static [&'static str],
}

impl Vocabulary {
    /// `is_learned` says for a token that the file calls normal whether it was learned from texts
    /// beyond doubt, so that it is one whatever it looks like.
    pub fn read(
        metadata: &Metadata,
        own: OwnTokens,
        is_learned: impl Fn(usize) -> bool,
    ) -> Result<Self, String> {
        let texts = present(TOKENS, metadata.texts(TOKENS)?)?;
        let types = present(TYPES, metadata.counts(TYPES)?)?;
        check_length(TYPES, types.len(), texts.len())?;
        let entries = texts.iter().zip(types).enumerate();
        let kinds = entries.map(|(id, (text, number))| {
            let kind = kind(number);
            let learned = kind == TokenKind::Normal && is_learned(id);
            if own.control.contains(text) || ends_texts(own.end, text, learned) {
                TokenKind::Control
            } else if is_padding(text) {
                TokenKind::Padding
            } else {
                kind
            }
        });
        Ok(Vocabulary {
            kinds: kinds.collect(),
            tokens: texts.into_iter().map(str::to_owned).collect(),
        })
    }

    /// The id of each token.
    pub fn ids(&self) -> Result<HashMap<&str, u32>, String> {
        let mut ids = HashMap::new();
        for (id, (token, kind)) in (0u32..).zip(self.tokens.iter().zip(&self.kinds)) {
            if *kind != TokenKind::Padding && ids.insert(token.as_str(), id).is_some() {
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

/// That a list has an entry for each token.
pub(super) fn check_length(key: &str, length: usize, tokens: usize) -> Result<(), String> {
    if length == tokens {
        return Ok(());
    }
    Err(format!(
        "`{key}` has {length} entries for {tokens} tokens; download the file again"
    ))
}

/// The kind that llama.cpp's number denotes (`llama_token_type`).
fn kind(number: usize) -> TokenKind {
    match number {
        1 => TokenKind::Normal,
        3 => TokenKind::Control,
        4 => TokenKind::UserDefined,
        _ => TokenKind::Other,
    }
}

/// `[PAD0]`, `[PAD1]` and so on.
fn is_padding(text: &str) -> bool {
    let number = text.strip_prefix("[PAD").and_then(|rest| rest.strip_suffix(']'));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}
