//! A text cut at its special tokens, so that they can be shown as what they are.

use serde::Serialize;

/// A stretch of plain text, or one special token.
#[derive(Debug, PartialEq, Serialize)]
pub struct Piece {
    pub special: bool,
    /// Whether the text that this one is compared with doesn't have it.
    pub differs: bool,
    pub text: String,
}

impl Piece {
    pub fn plain(text: &str) -> Self {
        Piece {
            special: false,
            differs: false,
            text: text.to_owned(),
        }
    }
}

/// Cuts at the control tokens of Gemma's vocabulary. Other words in angle brackets, such as HTML that a model
/// wrote, are plain text.
pub fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let (mut plain_start, mut at) = (0, 0);
    while let Some(open) = text[at..].find('<').map(|offset| at + offset) {
        let Some(end) = special_end(&text[open..]).map(|length| open + length) else {
            at = open + 1;
            continue;
        };
        push_plain(&mut pieces, &text[plain_start..open]);
        pieces.push(Piece {
            special: true,
            differs: false,
            text: text[open..end].to_owned(),
        });
        (plain_start, at) = (end, end);
    }
    push_plain(&mut pieces, &text[plain_start..]);
    pieces
}

fn push_plain(pieces: &mut Vec<Piece>, text: &str) {
    if !text.is_empty() {
        pieces.push(Piece::plain(text));
    }
}

/// The length of the special token that `text` begins with.
fn special_end(text: &str) -> Option<usize> {
    let end = text.find('>')?;
    let name = &text[1..end];
    let is_unused = || {
        name.strip_prefix("unused")
            .is_some_and(|number| number.parse::<u32>().is_ok())
    };
    (SPECIAL.contains(&name) || is_unused()).then_some(end + 1)
}

const SPECIAL: [&str; 8] = [
    "pad",
    "eos",
    "bos",
    "unk",
    "mask",
    "start_of_turn",
    "end_of_turn",
    "2mass",
];
