//! The rendered prompts as tokens, with the places that were read.

use pages::Markup;
use results::{ReadPosition, RenderedPrompt};
use serde::Serialize;

#[derive(Debug, PartialEq, Serialize)]
pub struct TokenView {
    text: String,
    special: bool,
    /// Whether the token consists of line breaks: the next one begins a new line.
    breaks: bool,
    /// The poolings that read the residual of this token.
    read_by: Vec<&'static str>,
}

/// The tokens of a prompt; `positions` are those of this prompt in this condition.
pub fn token_views(markup: &Markup, prompt: &RenderedPrompt, positions: &[&ReadPosition]) -> Vec<TokenView> {
    let view = |(place, text): (usize, &String)| TokenView {
        text: seen(text),
        special: markup.is_token(text),
        breaks: !text.is_empty() && text.chars().all(|letter| letter == '\n'),
        read_by: positions
            .iter()
            .filter(|read| read.position == Some(place as i32))
            .map(|read| read.pooling.as_str())
            .collect(),
    };
    prompt.token_texts.iter().enumerate().map(view).collect()
}

/// A token as a reader can see it: spaces are spaces again, a line break is an arrow.
fn seen(text: &str) -> String {
    text.replace('\u{2581}', " ").replace('\n', "\u{21b5}")
}
