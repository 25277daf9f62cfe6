use anyhow::Result;
use model::ChatTokenizer;

/// A text that grows token by token, handed out as it becomes certain. All that is handed out, one
/// after the other, is the text in the end: the tokens' text without white space at both ends.
#[derive(Default)]
pub struct Pieces {
    tokens: Vec<u32>,
    /// What was handed out.
    text: String,
}

impl Pieces {
    /// What a further token makes certain. A character may be spread over several tokens, each of
    /// them a byte, and what those say is not known before they end; white space at the end may
    /// turn out to be the text's.
    pub fn push(&mut self, tokenizer: &ChatTokenizer, token: u32) -> Result<String> {
        self.tokens.push(token);
        let is_whole = |token: &u32| !is_byte(&tokenizer.token_text(*token));
        let whole = self.tokens.iter().rposition(is_whole).map_or(0, |last| last + 1);
        self.hand_out(&tokenizer.decode(&self.tokens[..whole])?)
    }

    /// The rest.
    pub fn finish(&mut self, tokenizer: &ChatTokenizer) -> Result<String> {
        self.hand_out(&tokenizer.decode(&self.tokens)?)
    }

    /// All that was handed out.
    pub fn into_text(self) -> String {
        self.text
    }

    fn hand_out(&mut self, text: &str) -> Result<String> {
        let new = text.trim().strip_prefix(&self.text).unwrap_or_default();
        self.text.push_str(new);
        Ok(new.to_owned())
    }
}

/// Bytes that aren't tokens themselves are spelled like `<0x0A>`.
fn is_byte(token: &str) -> bool {
    let digits = token.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>'));
    digits.is_some_and(|digits| digits.len() == 2 && u8::from_str_radix(digits, 16).is_ok())
}
