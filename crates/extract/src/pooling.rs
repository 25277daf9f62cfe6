use model::ChatTokenizer;
use results::RenderedPrompt;
use terms::Pooling;

/// The part of a sequence that becomes its vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The residual at this position, counted from the first token.
    Position(usize),
    /// The mean over the positions from `first` on and before `end`.
    Mean { first: usize, end: usize },
}

/// Where a pooling reads in a rendered prompt of at least one token, after which come `answer`
/// tokens of the model's answer.
///
/// `newline` reads the newline that ends the header of the opened turn, whatever was said before;
/// in a format whose header has none, the last token. `opening` is the mean over the tokens of that
/// header. These, `last` and `mean` read the prompt alone. `answer` is the mean over the answer's tokens,
/// each read where it was fed in, and `answer_first` reads the first of them: both need one at least.
pub fn pooled_position(pooling: Pooling, prompt: &RenderedPrompt, answer: usize) -> Wanted {
    let end = prompt.token_ids.len();
    let last = end.saturating_sub(1);
    let opening = usize::try_from(prompt.opening).map_or(last, |opening| opening.min(last));
    match pooling {
        Pooling::Newline => {
            let header = prompt.token_texts.get(opening..).unwrap_or_default();
            let newline = header.iter().rposition(|token| holds_newline(token));
            Wanted::Position(newline.map_or(last, |place| opening + place))
        }
        Pooling::Last => Wanted::Position(last),
        Pooling::Mean => Wanted::Mean { first: 0, end },
        Pooling::Opening => Wanted::Mean { first: opening, end },
        Pooling::Answer => Wanted::Mean {
            first: end,
            end: end + answer,
        },
        Pooling::AnswerFirst => Wanted::Position(end),
    }
}

/// As vocabularies spell it: literally, in the letters of byte-level vocabularies, or as a byte.
fn holds_newline(token: &str) -> bool {
    token.contains(['\n', '\u{10a}']) || token == "<0x0A>"
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

    /// Where the notebook that the method comes from reads: the last `"\n\n"` token of the whole
    /// text if there is one, else the last `"\n"` token, else the last token. A blank line in a
    /// prompt or in instructions moves it there.
    pub fn read_by_the_notebook(&self, token_ids: &[i32]) -> usize {
        let last_of = |id: Option<i32>| id.and_then(|id| token_ids.iter().rposition(|token| *token == id));
        last_of(self.double)
            .or_else(|| last_of(self.single))
            .unwrap_or(token_ids.len().saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(tokens: &[&str], opening: i32) -> RenderedPrompt {
        RenderedPrompt {
            prompt_id: String::new(),
            prompt: String::new(),
            condition: String::new(),
            text: String::new(),
            n_tokens: tokens.len(),
            token_ids: (0..tokens.len() as i32).collect(),
            token_texts: tokens.iter().map(|token| (*token).to_owned()).collect(),
            opening,
        }
    }

    #[test]
    fn newline_reads_in_the_header_of_the_opened_turn_alone() {
        let read = |tokens: &[&str], opening| pooled_position(Pooling::Newline, &prompt(tokens, opening), 0);
        let told = [
            "<bos>",
            "Be brief.",
            "\n\n",
            "Hi.",
            "<end>",
            "\n",
            "<start>",
            "user",
            "\n",
        ];
        assert_eq!(read(&told, 6), Wanted::Position(8));
        let thinks = [
            "<bos>", "Hi.", "<start>", "\n", "<think>", "\n\n", "</think>", "\n\n",
        ];
        assert_eq!(read(&thinks, 2), Wanted::Position(7));
        let followed = ["<bos>", "Hi.", "<start>", "\u{10a}", "<answer>"];
        assert_eq!(read(&followed, 2), Wanted::Position(3));
        assert_eq!(read(&["<bos>", "\n", "Hi.", "[/INST]"], 3), Wanted::Position(3));
    }

    #[test]
    fn the_other_poolings() {
        let tokens = ["<bos>", "Hi.", "<start>", "user", "\n"];
        for answer in [0, 3] {
            let read = |pooling| pooled_position(pooling, &prompt(&tokens, 2), answer);
            assert_eq!(read(Pooling::Last), Wanted::Position(4));
            assert_eq!(read(Pooling::Mean), Wanted::Mean { first: 0, end: 5 });
            assert_eq!(read(Pooling::Opening), Wanted::Mean { first: 2, end: 5 });
        }
        let read = |pooling| pooled_position(pooling, &prompt(&tokens, 2), 3);
        assert_eq!(read(Pooling::Answer), Wanted::Mean { first: 5, end: 8 });
        assert_eq!(read(Pooling::AnswerFirst), Wanted::Position(5));
    }

    #[test]
    fn hazard_10_the_notebook_prefers_a_blank_line() {
        let newlines = Newlines {
            single: Some(6),
            double: Some(7),
        };
        assert_eq!(newlines.read_by_the_notebook(&[2, 6, 9, 6]), 3);
        assert_eq!(newlines.read_by_the_notebook(&[2, 7, 9, 6]), 1);
        assert_eq!(newlines.read_by_the_notebook(&[2, 7, 7, 9]), 2);
        assert_eq!(newlines.read_by_the_notebook(&[2, 9, 9]), 2);
        let none = Newlines {
            single: None,
            double: None,
        };
        assert_eq!(none.read_by_the_notebook(&[2, 6, 7, 9]), 3);
    }
}
