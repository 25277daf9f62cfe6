use artifacts::Pooling;
use model::ChatTokenizer;

/// What of a sequence becomes its vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The residual at this position, counted from the first token.
    Position(usize),
    /// The mean over all positions.
    Mean,
}

/// The token ids of one and of two newlines, where the vocabulary has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newlines {
    pub single: Option<i32>,
    pub double: Option<i32>,
}

impl Newlines {
    pub fn of(tokenizer: &ChatTokenizer) -> Self {
        let id = |text| tokenizer.token_id(text).map(u32::cast_signed);
        Newlines {
            single: id("\n"),
            double: id("\n\n"),
        }
    }
}

/// Where a pooling reads in a sequence of at least one token.
///
/// `newline` is the method's rule: the last `"\n\n"` token if there is one, else the last `"\n"` token, else the
/// last token.
pub fn pooled_position(newlines: &Newlines, pooling: Pooling, token_ids: &[i32]) -> Wanted {
    let last = token_ids.len() - 1;
    let last_of = |id: Option<i32>| token_ids.iter().rposition(|token| Some(*token) == id);
    match pooling {
        Pooling::Newline => Wanted::Position(
            last_of(newlines.double)
                .or_else(|| last_of(newlines.single))
                .unwrap_or(last),
        ),
        Pooling::Last => Wanted::Position(last),
        Pooling::Mean => Wanted::Mean,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEWLINES: Newlines = Newlines {
        single: Some(6),
        double: Some(7),
    };

    fn check(token_ids: &[i32], expected: usize) {
        assert_eq!(
            pooled_position(&NEWLINES, Pooling::Newline, token_ids),
            Wanted::Position(expected)
        );
    }

    #[test]
    fn hazard_10_newline_prefers_a_blank_line_as_the_method_does() {
        check(&[2, 6, 9, 6], 3);
        check(&[2, 7, 9, 6], 1);
        check(&[2, 7, 7, 9], 2);
        check(&[2, 9, 9], 2);
    }

    #[test]
    fn a_vocabulary_without_newlines_falls_back_to_the_last_token() {
        let none = Newlines {
            single: None,
            double: None,
        };
        assert_eq!(
            pooled_position(&none, Pooling::Newline, &[2, 6, 7, 9]),
            Wanted::Position(3)
        );
    }

    #[test]
    fn last_and_mean() {
        assert_eq!(
            pooled_position(&NEWLINES, Pooling::Last, &[2, 6, 9]),
            Wanted::Position(2)
        );
        assert_eq!(
            pooled_position(&NEWLINES, Pooling::Mean, &[2, 6, 9]),
            Wanted::Mean
        );
    }
}
