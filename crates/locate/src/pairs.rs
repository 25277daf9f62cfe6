//! A prompt in both conditions, and which tokens of the two texts are each other's counterparts.

use anyhow::{Result, bail};
use pipeline::Pipeline;
use results::RenderedPrompt;
use statistics::evenly;
use terms::PatchedPositions;

/// One prompt in both conditions of the contrast.
#[derive(Clone, Debug)]
pub struct Pair {
    /// Its id in the file of prompts.
    pub id: String,
    /// Its text.
    pub prompt: String,
    /// Tokens in the positive and in the negative condition.
    pub tokens: [Vec<u32>; 2],
    /// Which belong together.
    pub alignment: Alignment,
    /// The opened turn's aligned tokens as text, from the end, in both conditions.
    pub turn_texts: Vec<[String; 2]>,
}

/// Positions in the positive condition's text, each with its counterpart in the negative one's. All count
/// from the end of their part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alignment {
    /// Tokens of the opened turn.
    pub turn: Vec<[usize; 2]>,
    /// Tokens before it that are the same in both texts.
    pub prompt: Vec<[usize; 2]>,
    /// Everything before these, as far as both have it.
    pub before: Vec<[usize; 2]>,
}

/// A token by its part of the text and its place from that part's end: what tokens of different prompts
/// have in common.
pub type Role = (PatchedPositions, usize);

impl Alignment {
    /// `openings`: where the opened turn begins in each text.
    pub fn of(texts: [&[u32]; 2], openings: [usize; 2]) -> Self {
        let counterparts = |ends: [usize; 2], count: usize| -> Vec<[usize; 2]> {
            (1..=count).map(|back| [ends[0] - back, ends[1] - back]).collect()
        };
        let ends = [texts[0].len(), texts[1].len()];
        let turn = (ends[0] - openings[0]).min(ends[1] - openings[1]);
        let before_turn = texts[0][..openings[0]].iter().rev();
        let same = before_turn.zip(texts[1][..openings[1]].iter().rev());
        let prompt = same.take_while(|(a, b)| a == b).count();
        let starts = [openings[0] - prompt, openings[1] - prompt];
        Alignment {
            turn: counterparts(ends, turn),
            prompt: counterparts(openings, prompt),
            before: counterparts(starts, starts[0].min(starts[1])),
        }
    }

    /// The tokens of a group; of [`PatchedPositions::Token`], the one of the turn that is `from_end` from the end.
    pub fn group(&self, positions: PatchedPositions, from_end: Option<usize>) -> Vec<(Role, [usize; 2])> {
        let part = |part: PatchedPositions, tokens: &[[usize; 2]]| {
            let tokens = tokens.iter().enumerate();
            tokens
                .map(|(place, token)| ((part, place), *token))
                .collect::<Vec<(Role, [usize; 2])>>()
        };
        let turn = || part(PatchedPositions::Turn, &self.turn);
        let prompt = || part(PatchedPositions::Prompt, &self.prompt);
        let before = || part(PatchedPositions::Before, &self.before);
        match positions {
            PatchedPositions::Token => from_end
                .and_then(|place| turn().get(place).copied())
                .into_iter()
                .collect(),
            PatchedPositions::Turn => turn(),
            PatchedPositions::Prompt => prompt(),
            PatchedPositions::Before => before(),
            PatchedPositions::All => [turn(), prompt(), before()].concat(),
        }
    }

    /// The positions of a token, by what it has in common with other prompts' tokens.
    pub fn token(&self, (part, place): Role) -> Option<[usize; 2]> {
        let tokens = match part {
            PatchedPositions::Prompt => &self.prompt,
            PatchedPositions::Before => &self.before,
            _ => &self.turn,
        };
        tokens.get(place).copied()
    }
}

/// The prompts of the contrast's two conditions; of more than `most`, as many evenly spaced ones.
///
/// # Errors
/// Conditions that don't have the same prompts.
pub fn pairs(pipeline: &Pipeline, rendered: &[RenderedPrompt], most: usize) -> Result<Vec<Pair>> {
    let of = |condition: &str| -> Vec<&RenderedPrompt> {
        rendered.iter().filter(|row| row.condition == condition).collect()
    };
    let contrast = &pipeline.contrast;
    let (positive, negative) = (of(&contrast.positive), of(&contrast.negative));
    let ids = |rows: &[&RenderedPrompt]| {
        rows.iter()
            .map(|row| row.prompt_id.clone())
            .collect::<Vec<String>>()
    };
    if positive.is_empty() || ids(&positive) != ids(&negative) {
        bail!(
            "the conditions \"{}\" and \"{}\" don't have the same prompts; run `cargo xtask extract --force`",
            contrast.positive,
            contrast.negative
        );
    }
    let picked = evenly(positive.len(), most);
    picked
        .into_iter()
        .map(|index| pair([positive[index], negative[index]]))
        .collect()
}

fn pair(rows: [&RenderedPrompt; 2]) -> Result<Pair> {
    let tokens = rows.map(|row| {
        row.token_ids
            .iter()
            .map(|id| id.cast_unsigned())
            .collect::<Vec<u32>>()
    });
    let mut openings = [0; 2];
    for (opening, row) in openings.iter_mut().zip(rows) {
        *opening = match usize::try_from(row.opening) {
            Ok(found) if found < row.token_ids.len() => found,
            _ => bail!(
                "prompt \"{}\": the table of prompts doesn't say where the opened turn begins; run `cargo xtask extract --force`",
                row.prompt_id
            ),
        };
    }
    let alignment = Alignment::of([&tokens[0], &tokens[1]], openings);
    let text =
        |row: &RenderedPrompt, position: usize| row.token_texts.get(position).cloned().unwrap_or_default();
    let turn = alignment.turn.iter();
    Ok(Pair {
        id: rows[0].prompt_id.clone(),
        prompt: rows[0].prompt.clone(),
        turn_texts: turn
            .map(|[a, b]| [text(rows[0], *a), text(rows[1], *b)])
            .collect(),
        tokens,
        alignment,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_aligned_from_the_end_part_by_part() {
        // 7 8 is the prompt, 1 its end; turns open at 20 and 21.
        let (a, b) = ([2, 20, 7, 8, 1, 30, 31], [2, 21, 5, 1, 20, 7, 8, 1, 40, 31]);
        let alignment = Alignment::of([&a, &b], [5, 8]);
        assert_eq!(alignment.turn, [[6, 9], [5, 8]]);
        assert_eq!(alignment.prompt, [[4, 7], [3, 6], [2, 5], [1, 4]]);
        assert_eq!(alignment.before, [[0, 3]]);
        let all = alignment.group(PatchedPositions::All, None);
        assert_eq!(all.len(), 7);
        let last = alignment.group(PatchedPositions::Token, Some(1));
        assert_eq!(last, [((PatchedPositions::Turn, 1), [5, 8])]);
        assert_eq!(alignment.token((PatchedPositions::Prompt, 3)), Some([1, 4]));
        assert_eq!(alignment.token((PatchedPositions::Before, 1)), None);
    }

    #[test]
    fn turns_of_different_lengths_have_their_last_tokens_in_common() {
        let alignment = Alignment::of([&[9, 5, 6, 7], &[9, 7]], [1, 1]);
        assert_eq!(alignment.turn, [[3, 1]]);
        assert_eq!(alignment.prompt, [[0, 0]]);
        assert!(alignment.before.is_empty());
    }
}
