use serde::Deserialize;
use tokenizers::Tokenizer;

/// What Hugging Face's tokenizer makes of a text.
#[derive(Deserialize)]
pub struct Encoded {
    pub text: String,
    pub ids: Vec<u32>,
    /// The text that the ids make.
    pub decoded: Option<String>,
}

/// The texts of which a tokenizer makes something else, in words.
pub fn differences(tokenizer: &Tokenizer, expected: &[Encoded]) -> Vec<String> {
    let differs = |Encoded { text, ids, decoded }: &Encoded| {
        let encoding = tokenizer.encode(text.as_str(), false).unwrap();
        if encoding.get_ids() != ids {
            return Some(format!("{text:?}: {:?}, not {ids:?}", encoding.get_ids()));
        }
        let made = tokenizer.decode(ids, false).unwrap();
        let wrong = decoded.as_ref().is_some_and(|decoded| *decoded != made);
        wrong.then(|| format!("{text:?} is decoded as {made:?}"))
    };
    expected.iter().filter_map(differs).collect()
}
