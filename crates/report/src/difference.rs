//! Which words of a text another text does not have there.

use crate::pieces::{Piece, pieces};

/// The text in pieces; those that a longest common sequence of words with `reference` leaves over are marked as different.
/// Words end at white space and at control tokens.
pub fn compared(reference: &str, text: &str) -> Vec<Piece> {
    let (old, new) = (units(reference), units(text));
    let words = |units: &[Piece]| -> Vec<usize> {
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

/// Every word, stretch of white space and control token.
fn units(text: &str) -> Vec<Piece> {
    let mut units = Vec::new();
    for piece in pieces(text) {
        if piece.special {
            units.push(piece);
            continue;
        }
        let mut rest = piece.text.as_str();
        while let Some(first) = rest.chars().next() {
            let is_other = |letter: char| letter.is_whitespace() != first.is_whitespace();
            let end = rest.find(is_other).unwrap_or(rest.len());
            units.push(Piece::plain(&rest[..end]));
            rest = &rest[end..];
        }
    }
    units
}

fn is_space(piece: &Piece) -> bool {
    piece.text.chars().all(char::is_whitespace)
}

/// The places in `new` of a longest common sequence, by the usual table.
fn common(old: &[usize], new: &[usize], equal: impl Fn(usize, usize) -> bool) -> Vec<usize> {
    let mut lengths = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
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

/// Neighbours of one kind in one piece; white space between two marked words is marked with them.
fn joined(mut units: Vec<Piece>) -> Vec<Piece> {
    for place in 1..units.len().saturating_sub(1) {
        let neighbours = [&units[place - 1], &units[place + 1]];
        if is_space(&units[place]) && neighbours.iter().all(|piece| piece.differs && !piece.special) {
            units[place].differs = true;
        }
    }
    let mut pieces: Vec<Piece> = Vec::new();
    for unit in units {
        match pieces.last_mut() {
            Some(last) if !unit.special && !last.special && last.differs == unit.differs => {
                last.text.push_str(&unit.text);
            }
            _ => pieces.push(unit),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Marked words in brackets.
    fn shown(reference: &str, text: &str) -> String {
        let piece = |piece: &Piece| match piece.differs {
            true => format!("[{}]", piece.text),
            false => piece.text.clone(),
        };
        compared(reference, text).iter().map(piece).collect()
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
            ("yes.<end_of_turn>", "no.<end_of_turn>", "[no.]<end_of_turn>"),
            ("yes.", "yes.<end_of_turn>", "yes.[<end_of_turn>]"),
        ] {
            assert_eq!(shown(reference, text), expected, "{reference:?} {text:?}");
        }
    }

    #[test]
    fn the_pieces_are_the_text() {
        let text = "Ha, <b>I</b> am\n\n a  teacher.<end_of_turn>";
        let whole: String = compared("Ha, you are", text)
            .into_iter()
            .map(|piece| piece.text)
            .collect();
        assert_eq!(whole, text);
    }
}
