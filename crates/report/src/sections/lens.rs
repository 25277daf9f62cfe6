//! The tokens that the contrast of each layer promotes and suppresses, as the page shows them.

use pages::Markup;
use pages::format::number;
use results::LensToken;
use serde::Serialize;
use terms::LensSide;

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

/// One row per layer, the most extreme token first.
pub fn lens_rows(markup: &Markup, tokens: &[LensToken]) -> Vec<LensRow> {
    let mut layers: Vec<usize> = tokens.iter().map(|token| token.layer).collect();
    layers.sort_unstable();
    layers.dedup();
    let tokens_of = |layer: usize, side: LensSide| {
        let is_own = |token: &&LensToken| token.layer == layer && token.side == side;
        let mut own: Vec<&LensToken> = tokens.iter().filter(is_own).collect();
        own.sort_by_key(|token| token.rank);
        own.into_iter().map(|token| chip(markup, token)).collect()
    };
    let row = |layer| LensRow {
        layer,
        promoted: tokens_of(layer, LensSide::Promoted),
        suppressed: tokens_of(layer, LensSide::Suppressed),
    };
    layers.into_iter().map(row).collect()
}

fn chip(markup: &Markup, token: &LensToken) -> Chip {
    Chip {
        text: seen(&token.token_text),
        special: markup.is_token(&token.token_text),
        logit: number(token.logit, 2),
    }
}

/// Spaces as the vocabulary writes them, and control characters by their escapes: otherwise both
/// would be invisible on the page.
fn seen(text: &str) -> String {
    let letter = |letter: char| match letter {
        ' ' => "\u{2581}".to_owned(),
        letter if letter.is_control() => letter.escape_default().to_string(),
        letter => letter.to_string(),
    };
    text.chars().map(letter).collect()
}
