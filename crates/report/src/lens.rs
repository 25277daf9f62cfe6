//! The tokens that the contrast of each layer stands for, as the page shows them.

use artifacts::LensToken;
use serde::Serialize;

use crate::format::number;
use crate::pieces::pieces;

#[derive(Debug, PartialEq, Serialize)]
pub struct LensRow {
    layer: usize,
    promoted: Vec<Chip>,
    suppressed: Vec<Chip>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Chip {
    text: String,
    special: bool,
    logit: String,
}

/// A row a layer, the most extreme token first.
pub fn lens_rows(tokens: &[LensToken]) -> Vec<LensRow> {
    let mut layers: Vec<usize> = tokens.iter().map(|token| token.layer).collect();
    layers.sort_unstable();
    layers.dedup();
    let side = |layer: usize, is_promoted: bool| {
        let is_own = |token: &&LensToken| token.layer == layer && token.is_promoted == is_promoted;
        let mut own: Vec<&LensToken> = tokens.iter().filter(is_own).collect();
        own.sort_by_key(|token| token.rank);
        own.into_iter().map(chip).collect()
    };
    let row = |layer| LensRow {
        layer,
        promoted: side(layer, true),
        suppressed: side(layer, false),
    };
    layers.into_iter().map(row).collect()
}

fn chip(token: &LensToken) -> Chip {
    let special = matches!(pieces(&token.token_text).as_slice(), [piece] if piece.special);
    Chip {
        text: seen(&token.token_text),
        special,
        logit: number(token.logit, 2),
    }
}

/// Spaces as the vocabulary writes them, and control characters by their escapes: on the page both would be
/// nothing.
fn seen(text: &str) -> String {
    let letter = |letter: char| match letter {
        ' ' => "\u{2581}".to_owned(),
        letter if letter.is_control() => letter.escape_default().to_string(),
        letter => letter.to_string(),
    };
    text.chars().map(letter).collect()
}
