//! What files of Gemma's vocabulary need beyond others.

use super::vocabulary::{TokenKind, Vocabulary};

/// Early files, and those of Ollama's converter, call user-defined tokens normal ones. They are
/// recognised by the score 0, which otherwise only the first learned token has: the one before that
/// of the score -1. Tokens of the format may have any kind.
pub(super) fn correct_kinds(vocabulary: &mut Vocabulary, scores: &[f64]) {
    for (id, kind) in vocabulary.kinds.iter_mut().enumerate() {
        let first_learned = scores.get(id + 1) == Some(&-1.0);
        if *kind == TokenKind::Normal && scores[id] == 0.0 && !first_learned {
            *kind = TokenKind::UserDefined;
        }
    }
}

/// Spells tokens as tokenizer.json does. Converters write the user-defined runs of spaces with real
/// spaces, and Hugging Face's converter renames the byte token of a tab to a tab where a vocabulary
/// has runs of tabs and no tab.
pub(super) fn spell(vocabulary: &mut Vocabulary, space: &str) {
    for (token, kind) in vocabulary.tokens.iter_mut().zip(&vocabulary.kinds) {
        if *kind == TokenKind::UserDefined && !token.is_empty() && token.bytes().all(|byte| byte == b' ') {
            *token = space.repeat(token.len());
        }
    }
    if vocabulary.tokens.iter().any(|token| token == "\t") {
        return;
    }
    if let Some(byte) = vocabulary.tokens.iter_mut().find(|token| *token == "<0x09>") {
        "\t".clone_into(byte);
    }
}
