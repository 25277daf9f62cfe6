//! The tokens of a chat format, which no text inside it may contain.

use terms::Speaker;
use tokenizers::Tokenizer;

use super::message::Message;
use super::opening::Format;

/// Added tokens that are special, and those that the template writes itself, whether they are
/// called special or not. The longest come first.
pub(super) fn tokens(tokenizer: &Tokenizer, template: &str) -> Vec<String> {
    let added = tokenizer.get_added_tokens_decoder();
    let is_blank = |text: &str| text.chars().all(|c| c.is_whitespace() || c == '\u{2581}');
    let mut tokens: Vec<String> = added
        .values()
        .filter(|token| !is_blank(&token.content))
        .filter(|token| token.special || (is_tag(&token.content) && template.contains(&token.content)))
        .map(|token| token.content.clone())
        .collect();
    tokens.sort();
    tokens.sort_by_key(|token| std::cmp::Reverse(token.len()));
    tokens
}

/// The same, plus the tags that are plain text to the tokenizer (`[INST]`, `<|user|>` of OLMo 2).
pub(super) fn with_tags(mut tokens: Vec<String>, format: &Format) -> Vec<String> {
    let messages = [
        Message::new(Speaker::User, "Question"),
        Message::new(Speaker::Model, "Answer"),
    ];
    let opened = [(&messages[..1], Speaker::Model), (&messages[..], Speaker::User)];
    for (messages, opens) in opened {
        let Ok(rendered) = format.render(messages, opens) else {
            continue;
        };
        // Default instructions may contain anything; what follows the question belongs to the
        // format.
        let after = rendered.text.find("Question").unwrap_or(0);
        for tag in tags(&rendered.text[after..]).chain(tags(&rendered.text[rendered.opening..])) {
            if !tokens.iter().any(|token| token == tag) {
                tokens.push(tag.to_owned());
            }
        }
    }
    tokens
}

/// Words in brackets.
fn tags(text: &str) -> impl Iterator<Item = &str> {
    let starts = text.match_indices(['<', '[']);
    starts.filter_map(|(start, _)| {
        let rest = &text[start..];
        let end = rest.find(['>', ']'])? + 1;
        let tag = &rest[..end];
        is_tag(tag).then_some(tag)
    })
}

/// `<…>` or `[…]` around something without spaces.
fn is_tag(text: &str) -> bool {
    let is_closed =
        (text.starts_with('<') && text.ends_with('>')) || (text.starts_with('[') && text.ends_with(']'));
    is_closed && text.chars().any(char::is_alphanumeric) && !text.contains(char::is_whitespace)
}
