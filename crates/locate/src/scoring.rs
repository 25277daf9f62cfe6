//! Many changes of one context at once: what each does to two answers' log-probabilities, and to the
//! distribution of the next token.

use anyhow::{Result, bail};
use burn::tensor::{Int, Tensor, TensorData};
use model::{Batch, Network, ResidualTap, TextToken};
use rayon::prelude::*;

use crate::changes::{Change, Changes};

/// What the model says of two answers after a context.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    /// Nats per token: the first answer's mean log-probability less the second's.
    pub log_odds: f64,
    /// `KL(unchanged || changed)` of the next token, in nats.
    pub kl: f64,
}

/// A text, whose tokens the model is given one after the other, and two answers to it.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// The tokens before the answers.
    pub tokens: &'a [u32],
    /// At least one token each.
    pub answers: [&'a [u32]; 2],
}

/// Tokens beyond which a larger pass gains nothing.
const TOKENS_AT_ONCE: usize = 1024;

/// Texts of each change: one for each answer.
const ANSWERS: usize = 2;

/// The scores of the context as it is, and under each of the changes, which concern only its own tokens and
/// those of the answers after it.
///
/// All changes share what comes before them: a pass has as many as it has room for, and the context's
/// tokens up to the first changed layer or position are computed once in it.
pub fn scores(network: &Network, context: &Context<'_>, changes: &[Change]) -> Result<(Score, Vec<Score>)> {
    if context.tokens.is_empty() || context.answers.iter().any(|answer| answer.is_empty()) {
        bail!("a context and its answers must have tokens");
    }
    let dims = network.config().layers.iter().map(|layer| layer.head_dim);
    let dims: Vec<usize> = dims.collect();
    let mut passes = Vec::new();
    let mut rest = changes;
    loop {
        let (taken, pass) = Pass::of(context, rest, &dims)?;
        passes.push(pass);
        rest = &rest[taken..];
        if rest.is_empty() {
            break;
        }
    }
    let mut all = Vec::with_capacity(changes.len());
    let mut unchanged = Score::default();
    for side_by_side in passes.chunks_mut(network.passes_at_once().max(1)) {
        let run = |pass: &mut Pass| pass.run(network, context);
        let scored: Vec<Vec<Score>> = side_by_side.par_iter_mut().map(run).collect::<Result<_>>()?;
        for scores in scored {
            unchanged = scores[0];
            all.extend_from_slice(&scores[1..]);
        }
    }
    Ok((unchanged, all))
}

/// The unchanged context and some changes of it.
struct Pass {
    batch: Batch,
    tap: Changes,
    /// Changes, and one for none.
    count: usize,
}

impl Pass {
    /// With as many of the changes as there is room for, at least one if there are some; and how many those are.
    fn of(context: &Context<'_>, changes: &[Change], head_dims: &[usize]) -> Result<(usize, Self)> {
        // An upper bound: no token of a change is shared.
        let own = |change: &Change| {
            let first = match change {
                Change::Values { values, .. } => values.iter().map(|(position, _)| *position).min(),
                Change::Hidden { queries_from, .. } => Some(*queries_from),
            };
            let answers: usize = context.answers.iter().map(|answer| answer.len()).sum();
            context.tokens.len() - first.unwrap_or(context.tokens.len()).min(context.tokens.len()) + answers
        };
        let mut tokens = 0;
        let fits = |change: &&Change| {
            tokens += own(change);
            tokens <= TOKENS_AT_ONCE
        };
        let taken = changes.iter().take_while(fits).count();
        let taken = taken.max(1).min(changes.len());
        let tap = Changes::new(changes[..taken].to_vec(), ANSWERS, head_dims.to_vec());
        let mut batch = Batch::with_forks(tap.forks());
        for row in 0..ANSWERS * (taken + 1) {
            let answer = context.answers[row % ANSWERS];
            let text = [context.tokens, &answer[..answer.len() - 1]].concat();
            batch.push(row, 0, &text)?;
        }
        let count = taken + 1;
        Ok((taken, Pass { batch, tap, count }))
    }

    /// For each row the places after the last layer where its answer's tokens are predicted.
    fn predictions(&self, context: &Context<'_>) -> Vec<&[usize]> {
        let first = context.tokens.len() - 1;
        let of_row = |row: usize| {
            let range = first..first + context.answers[row % ANSWERS].len();
            &self.batch.places(row)[range]
        };
        (0..ANSWERS * self.count).map(of_row).collect()
    }

    /// The scores of the unchanged context and of each change.
    fn run(&mut self, network: &Network, context: &Context<'_>) -> Result<Vec<Score>> {
        let predictions = self.predictions(context);
        let mut wanted = predictions.concat();
        wanted.sort_unstable();
        wanted.dedup();
        let index_of = |place: &usize| wanted.partition_point(|known| known < place);
        let of_row = |(row, places): (usize, &&[usize])| {
            let pairs = places.iter().zip(context.answers[row % ANSWERS]);
            let token = |(place, id): (&usize, &u32)| TextToken {
                row: index_of(place),
                id: *id as usize,
            };
            pairs.map(token).collect::<Vec<TextToken>>()
        };
        let tokens: Vec<Vec<TextToken>> = predictions.iter().enumerate().map(of_row).collect();
        let firsts: Vec<usize> = (0..self.count)
            .map(|change| tokens[ANSWERS * change][0].row)
            .collect();
        let batch = self.batch.clone().with_wanted(wanted.clone());
        let h = network.forward(&batch, None, &mut self.tap)?;
        let divergences = next_token_divergences(network, &h, &firsts)?;
        let mut values = network.log_probabilities(h, &tokens.concat())?.into_iter();
        let means: Vec<f64> = tokens
            .iter()
            .map(|tokens| values.by_ref().take(tokens.len()).sum::<f64>() / tokens.len() as f64)
            .collect();
        let score = |change: usize| Score {
            log_odds: means[ANSWERS * change] - means[ANSWERS * change + 1],
            kl: divergences[change],
        };
        Ok((0..self.count).map(score).collect())
    }
}

/// `KL(first || each)` of the next token, of these rows of `h`.
fn next_token_divergences(network: &Network, h: &Tensor<2>, rows: &[usize]) -> Result<Vec<f64>> {
    let indices: Vec<i32> = rows.iter().map(|row| *row as i32).collect();
    let indices = Tensor::<1, Int>::from_data(TensorData::new(indices, [rows.len()]), &h.device());
    let pairs: Vec<(usize, usize)> = (0..rows.len()).map(|row| (0, row)).collect();
    Ok(network.divergences(h.clone().select(0, indices), &pairs)?)
}
