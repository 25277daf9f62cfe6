use diff::{Word, words};

fn text(words: &[Word]) -> String {
    words.iter().map(|word| word.text.as_str()).collect()
}

fn own(words: &[Word]) -> Vec<&str> {
    words
        .iter()
        .filter(|word| word.is_own)
        .map(|word| word.text.trim())
        .collect()
}

#[test]
fn only_what_the_other_text_lacks_is_marked() {
    let (a, b) = words(
        "I am an AI assistant called Pebble.",
        "I am a tired teacher called Lena.",
    );
    assert_eq!(own(&a), ["an AI assistant", "Pebble."]);
    assert_eq!(own(&b), ["a tired teacher", "Lena."]);
}

/// Whatever is marked, the texts are still the texts: blanks, line ends and letters of several bytes.
#[test]
fn no_letter_is_lost_or_moved() {
    let texts = [
        "",
        " ",
        "one",
        "  two  words\n\nand a line ",
        "Grüße, 世界! ok",
        "<end_of_turn>\n<start_of_turn>user\nx",
        "a b c d e f",
        "a c b d f e",
    ];
    for a in texts {
        for b in texts {
            let (of_a, of_b) = words(a, b);
            assert_eq!((text(&of_a).as_str(), text(&of_b).as_str()), (a, b));
            if a == b {
                assert!(of_a.iter().chain(&of_b).all(|word| !word.is_own), "{a:?}");
            }
        }
    }
}
