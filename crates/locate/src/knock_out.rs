//! Which layers read what: the last tokens are kept from seeing a part of the text, in a window of layers.

use std::ops::RangeInclusive;

use anyhow::Result;
use model::Network;
use results::Knockout;
use statistics::{BOOTSTRAP_DRAWS, Interval, bootstrap_mean};
use terms::HiddenTokens;

use crate::changes::Change;
use crate::effects::{mean, share_of_way};
use crate::pairs::Pair;
use crate::scoring::{Context, Score, scores};

/// Windows of a sixth of the layers, from each layer on, and all layers.
fn windows(layers: usize) -> Vec<RangeInclusive<usize>> {
    let width = (layers / 6).max(1);
    let mut windows: Vec<RangeInclusive<usize>> = (0..=layers - width)
        .map(|first| first..=first + width - 1)
        .collect();
    if width < layers {
        windows.push(0..=layers - 1);
    }
    windows
}

/// Where these tokens are in one of the pair's texts, and the first query that doesn't see them. The text's first
/// token stays visible, since attention rests on it where it has nothing to read (Xiao et al. 2023).
fn hidden(pair: &Pair, side: usize, hidden: HiddenTokens) -> (Vec<usize>, usize) {
    let own = |tokens: &[[usize; 2]]| tokens.iter().map(|token| token[side]).collect::<Vec<usize>>();
    let opening = pair.alignment.turn.last().map_or(0, |token| token[side]);
    let first_of_prompt = own(&pair.alignment.prompt).into_iter().min().unwrap_or(opening);
    let (mut keys, queries_from) = match hidden {
        HiddenTokens::Speaker => {
            let differs = |[a, b]: &&[usize; 2]| pair.tokens[0][*a] != pair.tokens[1][*b];
            let tokens: Vec<[usize; 2]> = pair.alignment.turn.iter().filter(differs).copied().collect();
            let keys = own(&tokens);
            let after = keys.iter().max().map_or(opening, |last| last + 1);
            (keys, after)
        }
        HiddenTokens::Prompt => (own(&pair.alignment.prompt), opening),
        HiddenTokens::Before => ((0..first_of_prompt).collect(), opening),
    };
    keys.retain(|key| *key > 0);
    keys.sort_unstable();
    (keys, queries_from)
}

/// A row for each condition, part of the text and window that all prompts have. `ways`: from one condition's log-odds
/// to the other's, of each prompt.
pub fn knockouts(
    network: &Network,
    pairs: &[Pair],
    answers: &[[Vec<u32>; 2]],
    conditions: [&str; 2],
    ways: &[f64],
    seed: u64,
) -> Result<Vec<Knockout>> {
    let windows = windows(network.config().layers.len());
    let mut rows = Vec::new();
    for (side, condition) in conditions.into_iter().enumerate() {
        let is_there =
            |part: &&HiddenTokens| pairs.iter().all(|pair| !hidden(pair, side, **part).0.is_empty());
        let parts: Vec<HiddenTokens> = HiddenTokens::ALL.iter().filter(is_there).copied().collect();
        let mut moved: Vec<Vec<Score>> = vec![Vec::new(); parts.len() * windows.len()];
        for (pair, answers) in pairs.iter().zip(answers) {
            let change = |part: &HiddenTokens| {
                let (keys, queries_from) = hidden(pair, side, *part);
                let of_window = move |window: &RangeInclusive<usize>| Change::Hidden {
                    layers: window.clone(),
                    queries_from,
                    keys: keys.clone(),
                };
                windows.iter().map(of_window).collect::<Vec<Change>>()
            };
            let changes: Vec<Change> = parts.iter().flat_map(change).collect();
            let context = Context {
                tokens: &pair.tokens[side],
                answers: [&answers[0], &answers[1]],
            };
            let (unchanged, scored) = scores(network, &context, &changes)?;
            let toward = if side == 0 { -1.0 } else { 1.0 };
            for (moved, score) in moved.iter_mut().zip(scored) {
                moved.push(Score {
                    log_odds: toward * (score.log_odds - unchanged.log_odds),
                    kl: score.kl.max(0.0),
                });
            }
        }
        let places = parts
            .iter()
            .flat_map(|part| windows.iter().map(move |window| (part, window)));
        for ((part, window), scores) in places.zip(moved) {
            let own: Vec<f64> = scores.iter().map(|score| score.log_odds).collect();
            let (effect, interval) = share_of_way(&own, ways, seed);
            let whole = mean(&own);
            let of_moved = bootstrap_mean(&own, BOOTSTRAP_DRAWS, seed);
            let of_moved = of_moved.unwrap_or(Interval {
                low: whole,
                high: whole,
            });
            rows.push(Knockout {
                condition: condition.to_owned(),
                hidden: *part,
                first_layer: *window.start(),
                last_layer: *window.end(),
                prompts: scores.len(),
                effect,
                effect_low: interval.low,
                effect_high: interval.high,
                moved: whole,
                moved_low: of_moved.low,
                moved_high: of_moved.high,
                kl: mean(&scores.iter().map(|score| score.kl).collect::<Vec<f64>>()),
            });
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pairs::Alignment;

    #[test]
    fn windows_slide_over_the_layers_and_the_last_is_all_of_them() {
        assert_eq!(windows(3), [0..=0, 1..=1, 2..=2, 0..=2]);
        let of_twelve = windows(12);
        assert_eq!(of_twelve.len(), 12);
        assert_eq!((of_twelve[0].clone(), of_twelve[10].clone()), (0..=1, 10..=11));
        assert_eq!(windows(1), [0..=0]);
    }

    #[test]
    fn parts_of_a_text_are_hidden_from_what_follows_them() {
        // The first token, a greeting, the prompt 7 8 1, and a turn whose second token differs.
        let tokens = [vec![2, 9, 7, 8, 1, 4, 20, 6], vec![2, 9, 9, 9, 7, 8, 1, 4, 21, 6]];
        let alignment = Alignment::of([&tokens[0], &tokens[1]], [5, 7]);
        let pair = Pair {
            id: String::new(),
            prompt: String::new(),
            tokens,
            alignment,
            turn_texts: Vec::new(),
        };
        assert_eq!(hidden(&pair, 1, HiddenTokens::Speaker), (vec![8], 9));
        // The greeting's last token is the same in both texts, and so counts as the prompt's.
        assert_eq!(hidden(&pair, 1, HiddenTokens::Prompt), (vec![3, 4, 5, 6], 7));
        assert_eq!(hidden(&pair, 1, HiddenTokens::Before), (vec![1, 2], 7));
        assert_eq!(hidden(&pair, 0, HiddenTokens::Before), (vec![], 5));
    }
}
