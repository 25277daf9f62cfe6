use live::Pieces;
use model::ModelFiles;

/// Texts whose characters this vocabulary has no tokens for, so that they come byte by byte.
const TEXTS: [&str; 5] = [
    "Good question! I am Pebble.",
    "é",
    "I like 日本語 and 🦀🦀, don't you?",
    "  spaces before,\n\na blank line, and after \n",
    "ends with an accent: é",
];

#[test]
fn pieces_are_whole_characters_and_together_the_text() {
    let files = ModelFiles::at(&crate::root().join("data/tiny")).unwrap();
    let tokenizer = files.tokenizer(&model::ChatOptions::default()).unwrap();
    for text in TEXTS {
        let tokens = &tokenizer.encode(text).unwrap();
        let expected = tokenizer.decode(tokens).unwrap().trim().to_owned();
        assert_eq!(expected, text.trim());
        let (mut pieces, mut seen) = (Pieces::default(), String::new());
        for token in tokens {
            seen.push_str(&pieces.push(&tokenizer, *token).unwrap());
            assert!(expected.starts_with(&seen), "{seen:?} of {expected:?}");
        }
        seen.push_str(&pieces.finish(&tokenizer).unwrap());
        assert_eq!(seen, expected);
        assert_eq!(pieces.into_text(), expected);
    }
}

/// Bytes that never become a character are shown as such, once it is certain that nothing else can
/// come of them.
#[test]
fn bytes_that_are_no_text_are_held_back_until_their_end() {
    let files = ModelFiles::at(&crate::root().join("data/tiny")).unwrap();
    let tokenizer = files.tokenizer(&model::ChatOptions::default()).unwrap();
    let token = |text: &str| tokenizer.token_id(text).unwrap();
    let mut pieces = Pieces::default();
    for byte in ["<0xE2>", "<0x82>"] {
        assert_eq!(pieces.push(&tokenizer, token(byte)).unwrap(), "");
    }
    assert_eq!(pieces.push(&tokenizer, token("<0xAC>")).unwrap(), "");
    assert_eq!(pieces.finish(&tokenizer).unwrap(), "€");
}
