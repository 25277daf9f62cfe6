//! Which words of a text another text does not have there.

use crate::markup::{Markup, Span};

/// The text in spans; words that are not in a longest common subsequence with `reference` are
/// marked as different. Words end at white space and at the tokens of `markup`. The spans one after
/// the other are the text. Time and memory grow with the product of the numbers of words.
pub fn compared(markup: &Markup, reference: &str, text: &str) -> Vec<Span> {
    let (old, new) = (units(markup, reference), units(markup, text));
    let words = |units: &[Span]| -> Vec<usize> {
        (0..units.len())
            .filter(|place| !is_space(&units[*place]))
            .collect()
    };
    let (old_words, new_words) = (words(&old), words(&new));
    let common = common(&old_words, &new_words, |a, b| old[a].text == new[b].text);
    let mut marked = new;
    for place in new_words {
        marked[place].differs = !common.contains(&place);
    }
    joined(marked)
}

/// Every word, stretch of white space and token of the format.
fn units(markup: &Markup, text: &str) -> Vec<Span> {
    let mut units = Vec::new();
    for span in markup.spans(text) {
        if span.special {
            units.push(span);
            continue;
        }
        let mut rest = span.text.as_str();
        while let Some(first) = rest.chars().next() {
            let is_other = |letter: char| letter.is_whitespace() != first.is_whitespace();
            let end = rest.find(is_other).unwrap_or(rest.len());
            units.push(Span::plain(&rest[..end]));
            rest = &rest[end..];
        }
    }
    units
}

fn is_space(span: &Span) -> bool {
    span.text.chars().all(char::is_whitespace)
}

/// The places in `new` of a longest common subsequence, by the usual table.
fn common(old: &[usize], new: &[usize], equal: impl Fn(usize, usize) -> bool) -> Vec<usize> {
    let mut lengths = vec![vec![0_u32; new.len() + 1]; old.len() + 1];
    for (i, &a) in old.iter().enumerate().rev() {
        for (j, &b) in new.iter().enumerate().rev() {
            lengths[i][j] = if equal(a, b) {
                lengths[i + 1][j + 1] + 1
            } else {
                lengths[i + 1][j].max(lengths[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut places) = (0, 0, Vec::new());
    while i < old.len() && j < new.len() {
        if equal(old[i], new[j]) {
            places.push(new[j]);
            (i, j) = (i + 1, j + 1);
        } else if lengths[i + 1][j] >= lengths[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    places
}

/// Neighbours of one kind merged into one span; white space between two marked words is marked with
/// them.
fn joined(mut units: Vec<Span>) -> Vec<Span> {
    for place in 1..units.len().saturating_sub(1) {
        let neighbours = [&units[place - 1], &units[place + 1]];
        if is_space(&units[place]) && neighbours.iter().all(|span| span.differs && !span.special) {
            units[place].differs = true;
        }
    }
    let mut spans: Vec<Span> = Vec::new();
    for unit in units {
        match spans.last_mut() {
            Some(last) if !unit.special && !last.special && last.differs == unit.differs => {
                last.text.push_str(&unit.text);
            }
            _ => spans.push(unit),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn markup() -> Markup {
        let mut markup = Markup::default();
        markup.learn_from_end("<end_of_turn>");
        markup
    }

    /// Marked words in brackets.
    fn shown(reference: &str, text: &str) -> String {
        let span = |span: &Span| match span.differs {
            true => format!("[{}]", span.text),
            false => span.text.clone(),
        };
        compared(&markup(), reference, text).iter().map(span).collect()
    }

    #[test]
    fn words_that_are_not_in_the_other_text_are_marked() {
        for (reference, text, expected) in [
            ("I am a model.", "I am a teacher.", "I am a [teacher.]"),
            ("a b c", "a x y c", "a [x y] c"),
            ("a b", "b a b", "[b] a b"),
            ("same  text\n", "same text", "same text"),
            ("", "all of it", "[all of it]"),
            ("all of it", "", ""),
            ("a", " b\n c ", " [b\n c] "),
            ("yes.<end_of_turn>", "no.<end_of_turn>", "[no.]<end_of_turn>"),
            ("yes.", "yes.<end_of_turn>", "yes.[<end_of_turn>]"),
        ] {
            assert_eq!(shown(reference, text), expected, "{reference:?} {text:?}");
        }
    }

    #[test]
    fn the_spans_are_the_text() {
        let text = "Ha, <b>I</b> am\n\n a  teacher.<end_of_turn>";
        let whole: String = compared(&markup(), "Ha, you are", text)
            .into_iter()
            .map(|span| span.text)
            .collect();
        assert_eq!(whole, text);
    }
}
