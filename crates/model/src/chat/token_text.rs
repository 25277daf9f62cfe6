//! What one token is as text.

use tokenizers::{Decoder, DecoderWrapper, Tokenizer};

/// As the vocabulary spells it. A byte-level vocabulary spells bytes as letters ("Ġare" for
/// " are"); its tokens are what they stand for, where that is whole letters.
pub(super) fn token_text(tokenizer: &Tokenizer, id: u32) -> String {
    let spelled = tokenizer.id_to_token(id).unwrap_or_default();
    let Some(DecoderWrapper::ByteLevel(decoder)) = tokenizer.get_decoder() else {
        return spelled;
    };
    let added = tokenizer.get_added_vocabulary().get_added_tokens_decoder();
    if added.contains_key(&id) {
        return spelled;
    }
    let parts = decoder.decode_chain(vec![spelled.clone()]).unwrap_or_default();
    let text = parts.concat();
    match text.is_empty() || text.contains(char::REPLACEMENT_CHARACTER) {
        true => spelled,
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use tokenizers::AddedToken;
    use tokenizers::models::bpe::BPE;
    use tokenizers::pre_tokenizers::byte_level::ByteLevel;

    use super::*;

    #[test]
    fn byte_level_tokens_are_what_they_stand_for() {
        let words = ["Ġare", "Ċ", "æĹ", "æĹ¥"];
        let vocabulary: Vec<(String, u32)> = (0u32..)
            .zip(words)
            .map(|(id, word)| (word.to_owned(), id))
            .collect();
        let model = BPE::builder().vocab_and_merges(
            vocabulary.into_iter().collect::<tokenizers::models::bpe::Vocab>(),
            vec![],
        );
        let mut tokenizer = Tokenizer::new(model.build().unwrap());
        let texts =
            |tokenizer: &Tokenizer| -> Vec<String> { (0..5).map(|id| token_text(tokenizer, id)).collect() };
        tokenizer.add_tokens([AddedToken::from("<Ġ>", true)]).unwrap();
        assert_eq!(texts(&tokenizer), ["Ġare", "Ċ", "æĹ", "æĹ¥", "<Ġ>"]);
        tokenizer.with_decoder(Some(ByteLevel::default()));
        // The third is a part of a letter.
        assert_eq!(texts(&tokenizer), [" are", "\n", "æĹ", "日", "<Ġ>"]);
    }
}
