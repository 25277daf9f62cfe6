//! Texts with the chat format's own tokens marked, so that they can be shown as what they are.
//!
//! No token of any format is listed here: which ones a run has follows from its rendered prompts
//! and its generated texts.

use serde::Serialize;

/// A stretch of plain text, or one token of the chat format.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Span {
    pub special: bool,
    /// Whether the text that this one is compared with does not have it.
    pub differs: bool,
    pub text: String,
}

impl Span {
    /// Plain text that does not differ.
    pub fn plain(text: &str) -> Self {
        Span {
            special: false,
            differs: false,
            text: text.to_owned(),
        }
    }
}

/// The tokens that a run's chat format is made of, such as `<start_of_turn>` or `<|im_end|>`. Other
/// words in brackets, such as HTML that a model wrote, are plain text.
#[derive(Clone, Debug, Default)]
pub struct Markup {
    /// The longest first, so that a token that begins another is not mistaken for it.
    tokens: Vec<String>,
}

impl Markup {
    /// Learns from a rendered prompt: the bracketed ones among its `tokens` that are not within
    /// what is `said`, the texts of its turns, are the format's own. Formats trim turns, so each is
    /// looked for without white space at both ends. A text in which one of them is not found
    /// teaches nothing.
    pub fn learn_from_prompt(&mut self, text: &str, tokens: &[String], said: &[String]) {
        let Some(format) = outside(text, said) else {
            return;
        };
        for token in tokens.iter().filter(|token| is_bracketed(token)) {
            if format.iter().any(|part| part.contains(token.as_str())) {
                self.add(token);
            }
        }
    }

    /// Learns from a generated text that ended by itself: it ends with the token that ends turns.
    pub fn learn_from_end(&mut self, text: &str) {
        let Some(close) = text.chars().next_back() else {
            return;
        };
        let Some((open, _)) = BRACKETS.into_iter().find(|(_, own)| *own == close) else {
            return;
        };
        if let Some(start) = text.rfind(open).filter(|start| is_bracketed(&text[*start..])) {
            self.add(&text[start..]);
        }
    }

    fn add(&mut self, token: &str) {
        if !self.is_token(token) {
            self.tokens.push(token.to_owned());
            self.tokens.sort_by_key(|token| std::cmp::Reverse(token.len()));
        }
    }

    /// Whether `text` is exactly one token of the format.
    pub fn is_token(&self, text: &str) -> bool {
        self.tokens.iter().any(|token| token == text)
    }

    /// The text cut at the format's tokens; the spans one after the other are the text.
    pub fn spans(&self, text: &str) -> Vec<Span> {
        let mut spans = Vec::new();
        let mut plain_start = 0;
        for (at, _) in text.char_indices() {
            let own = self
                .tokens
                .iter()
                .find(|token| text[at..].starts_with(token.as_str()));
            let Some(token) = own.filter(|_| at >= plain_start) else {
                continue;
            };
            push_plain(&mut spans, &text[plain_start..at]);
            spans.push(Span {
                special: true,
                differs: false,
                text: token.clone(),
            });
            plain_start = at + token.len();
        }
        push_plain(&mut spans, &text[plain_start..]);
        spans
    }
}

fn push_plain(spans: &mut Vec<Span>, text: &str) {
    if !text.is_empty() {
        spans.push(Span::plain(text));
    }
}

/// The parts of `text` around what is said; none where one of the turns is not found.
fn outside<'a>(text: &'a str, said: &[String]) -> Option<Vec<&'a str>> {
    let mut parts = vec![text];
    for turn in said.iter().map(|turn| turn.trim()) {
        let (place, at) = parts
            .iter()
            .enumerate()
            .find_map(|(place, part)| Some((place, part.find(turn)?)))?;
        let (before, after) = (&parts[place][..at], &parts[place][at + turn.len()..]);
        parts.splice(place..=place, [before, after]);
    }
    Some(parts)
}

const BRACKETS: [(char, char); 2] = [('<', '>'), ('[', ']')];

/// Whether a pair of brackets encloses it, and something is between them: the form in which
/// vocabularies spell the tokens of formats, which tells them from words such as `user`.
fn is_bracketed(token: &str) -> bool {
    BRACKETS.iter().any(|(open, close)| {
        let inner = token
            .strip_prefix(*open)
            .and_then(|rest| rest.strip_suffix(*close));
        inner.is_some_and(|inner| !inner.is_empty() && !inner.contains(char::is_whitespace))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    /// The marked tokens between bars.
    fn shown(markup: &Markup, text: &str) -> String {
        let span = |span: Span| match span.special {
            true => format!("|{}|", span.text),
            false => span.text,
        };
        markup.spans(text).into_iter().map(span).collect()
    }

    #[test]
    fn the_tokens_of_a_format_are_learned_from_a_prompt_whatever_they_are_called() {
        let mut gemma = Markup::default();
        gemma.learn_from_prompt(
            "<bos><start_of_turn>user\n<b>Hi</b>!<end_of_turn>\n<start_of_turn>model\n",
            &texts(&[
                "<bos>",
                "<start_of_turn>",
                "user",
                "\n",
                "<b>",
                "Hi",
                "</b>",
                "!",
                "<end_of_turn>",
                "\n",
                "<start_of_turn>",
                "model",
                "\n",
            ]),
            &texts(&["  <b>Hi</b>!\n"]),
        );
        let answer = "<b>I</b> [think] so.<end_of_turn>\n<start_of_turn>user";
        let expected = "<b>I</b> [think] so.|<end_of_turn>|\n|<start_of_turn>|user";
        assert_eq!(shown(&gemma, answer), expected);
        assert!(!gemma.is_token("user") && !gemma.is_token("<b>") && gemma.is_token("<bos>"));

        let mut chatml = Markup::default();
        chatml.learn_from_prompt(
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
            &texts(&["<|im_start|>", "system", "\n", "Be", "<|im_end|>", "assistant"]),
            &texts(&["Be brief.", "Hi"]),
        );
        let answer = "Yes <end_of_turn><|im_end|>";
        assert_eq!(shown(&chatml, answer), "Yes <end_of_turn>|<|im_end|>|");
    }

    #[test]
    fn a_token_of_the_format_and_of_a_turn_is_the_formats() {
        let mut markup = Markup::default();
        let tokens = texts(&["[INST]", "[note]", "[/INST]"]);
        markup.learn_from_prompt("[INST]a [note][/INST]", &tokens, &texts(&["a [note]"]));
        assert_eq!(shown(&markup, "[note][INST][/INST]"), "[note]|[INST]||[/INST]|");
    }

    #[test]
    fn a_text_whose_turns_are_not_found_teaches_nothing() {
        let mut markup = Markup::default();
        markup.learn_from_prompt("<s><b>HI</b>", &texts(&["<s>", "<b>"]), &texts(&["<b>hi</b>"]));
        assert!(!markup.is_token("<s>") && !markup.is_token("<b>"));
    }

    #[test]
    fn the_end_of_a_text_that_ended_is_a_token() {
        let mut markup = Markup::default();
        for text in [
            "Yes.<|end|>",
            "a <b>\u{e9}</s>",
            "No.",
            "",
            "2 > 1",
            "a <b c>",
            "]",
        ] {
            markup.learn_from_end(text);
        }
        assert_eq!(shown(&markup, "<|end|></s><b c> > ]"), "|<|end|>||</s>|<b c> > ]");
    }

    #[test]
    fn the_longest_token_is_taken() {
        let mut markup = Markup::default();
        markup.learn_from_end("x<a>");
        markup.learn_from_end("x[<a>]");
        assert_eq!(shown(&markup, "[<a>]<a>"), "|[<a>]||<a>|");
    }
}
