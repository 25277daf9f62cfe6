//! Teacher-forced log-probabilities: what a model gives the tokens of an existing
//! text, and how far two of its versions differ there. No logits are stored: each is used where the
//! head gives it.

use std::ops::Range;

use anyhow::Result;
use burn::tensor::Tensor;
use interventions::norm;
use model::{Batch, Network, ResidualTap, TextToken, read_numbers};
use progress::progress_bar;
use rayon::prelude::*;

use crate::directions::projection;

/// A text after a prompt.
#[derive(Clone, Debug)]
pub struct Sequence {
    pub tokens: Vec<u32>,
    /// Where the text begins; at least 1.
    pub start: usize,
}

impl Sequence {
    pub fn new(prompt: &[u32], text: &[u32]) -> Self {
        Sequence {
            tokens: [prompt, text].concat(),
            start: prompt.len(),
        }
    }

    pub fn text(&self) -> &[u32] {
        &self.tokens[self.start..]
    }

    /// The positions whose logits are those of the text's tokens.
    fn positions(&self) -> Range<usize> {
        self.start - 1..self.tokens.len() - 1
    }
}

/// What a model makes of a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Score {
    /// Of every token, in nats.
    pub log_probabilities: Vec<f64>,
    /// The mean over the text's tokens of `h . v / ||v||`, h being the residual stream after the last layer, without the
    /// text's last token, which nothing is predicted from. Of a text of one token, where it is predicted.
    pub projection: f64,
}

/// [`scores`] without a direction.
pub fn log_probabilities(
    network: &Network,
    sequences: &[Sequence],
    what: &'static str,
) -> Result<Vec<Vec<f64>>> {
    let none = vec![0.0; network.config().hidden_size];
    let scores = scores(network, sequences, &none, what)?;
    Ok(scores.into_iter().map(|score| score.log_probabilities).collect())
}

/// Every text under the model as it is, and how far it reaches along a direction `[hidden]` after the last layer.
///
/// `what` is what the progress bar counts. Sequences go through the model in order of their
/// tokens, since common beginnings are computed once. The logits are in f32, their sums as
/// [`Network::log_probabilities`] has them; projections are in f64.
pub fn scores(
    network: &Network,
    sequences: &[Sequence],
    direction: &[f32],
    what: &'static str,
) -> Result<Vec<Score>> {
    let bar = progress_bar(sequences.len() as u64, "dose", what);
    let mut order: Vec<usize> = (0..sequences.len()).collect();
    order.sort_by_key(|index| &sequences[*index].tokens);
    let mut results = vec![Score::default(); sequences.len()];
    let mut rest = order.into_iter().peekable();
    let mut next = || -> Result<Option<Pass>> {
        let mut pass = Pass::for_tap(&());
        while let Some(index) = rest.next_if(|_| pass.has_room()) {
            pass.push(index, &sequences[index])?;
            bar.inc(1);
        }
        Ok((!pass.numbers.is_empty()).then_some(pass))
    };
    let run = |pass: Pass| pass.scores(network, sequences, direction);
    for (index, score) in side_by_side(network, &mut next, run)?.into_iter().flatten() {
        results[index] = score;
    }
    bar.finish_and_clear();
    Ok(results)
}

/// `KL(unchanged || changed)` of the next token, in nats, before every token of each sequence's
/// text, for each of several ways to change the model: `[change][sequence][token]`.
///
/// The tap sees the n-th sequence under change c as the row `c * sequences + n`; the first change
/// is none. Passes that run side by side have copies of it.
pub fn divergences<T: ResidualTap + Clone + Sync>(
    network: &Network,
    sequences: &[Sequence],
    changes: usize,
    tap: &T,
    what: &'static str,
) -> Result<Vec<Vec<Vec<f64>>>> {
    let bar = progress_bar((changes * sequences.len()) as u64, "dose", what);
    let mut results = vec![vec![Vec::new(); sequences.len()]; changes];
    let all = (0..sequences.len()).flat_map(|number| (0..changes).map(move |change| (number, change)));
    let mut rest = all.peekable();
    let mut next = || -> Result<Option<Pass>> {
        let Some((number, _)) = rest.peek().copied() else {
            return Ok(None);
        };
        let mut pass = Pass::for_tap(tap);
        // What the others are compared with.
        pass.push(number, &sequences[number])?;
        let has_room = |pass: &Pass| pass.numbers.len() == 1 || pass.has_room();
        while let Some((_, change)) = rest.next_if(|(of, _)| *of == number && has_room(&pass)) {
            pass.push(change * sequences.len() + number, &sequences[number])?;
            bar.inc(1);
        }
        Ok(Some(pass))
    };
    let run = |pass: Pass| pass.divergences(network, &mut tap.clone());
    for (row, values) in side_by_side(network, &mut next, run)?.into_iter().flatten() {
        results[row / sequences.len()][row % sequences.len()] = values;
    }
    bar.finish_and_clear();
    Ok(results)
}

/// Runs all passes that `next` makes, as many side by side as the network wants, and returns what they
/// give, in order.
fn side_by_side<T: Send>(
    network: &Network,
    next: &mut dyn FnMut() -> Result<Option<Pass>>,
    run: impl Fn(Pass) -> Result<T> + Sync + Send,
) -> Result<Vec<T>> {
    let mut results = Vec::new();
    loop {
        let mut passes = Vec::new();
        while passes.len() < network.passes_at_once()
            && let Some(pass) = next()?
        {
            passes.push(pass);
        }
        if passes.is_empty() {
            return Ok(results);
        }
        let given: Vec<T> = passes.into_par_iter().map(&run).collect::<Result<_>>()?;
        results.extend(given);
    }
}

/// Tokens beyond which a larger pass gains nothing, and a block of their logits leaves the cache.
const TOKENS_AT_ONCE: usize = 1024;

/// Sequences that go through the model together.
struct Pass {
    batch: Batch,
    /// Their numbers.
    numbers: Vec<usize>,
    /// For each the places in the batch where its text's tokens are predicted.
    positions: Vec<Range<usize>>,
}

impl Pass {
    fn for_tap(tap: &dyn ResidualTap) -> Self {
        Pass {
            batch: Batch::with_forks(tap.forks()),
            numbers: Vec::new(),
            positions: Vec::new(),
        }
    }

    fn has_room(&self) -> bool {
        self.batch.len() < TOKENS_AT_ONCE
    }

    fn push(&mut self, number: usize, sequence: &Sequence) -> Result<()> {
        let before_last = &sequence.tokens[..sequence.tokens.len() - 1];
        self.batch.push(number, 0, before_last)?;
        self.numbers.push(number);
        self.positions.push(sequence.positions());
        Ok(())
    }

    /// The places after the last layer that logits are wanted of, ascending, and for each sequence
    /// which of these are its own.
    fn wanted(&self) -> (Vec<usize>, Vec<Vec<usize>>) {
        let places = self.positions.iter().enumerate();
        let places: Vec<&[usize]> = places
            .map(|(row, positions)| &self.batch.places(row)[positions.clone()])
            .collect();
        let mut wanted = places.concat();
        wanted.sort_unstable();
        wanted.dedup();
        let index_of = |place: &usize| wanted.partition_point(|known| known < place);
        let own = places
            .iter()
            .map(|places| places.iter().map(index_of).collect())
            .collect();
        (wanted, own)
    }

    /// Each sequence's number and score.
    fn scores(
        self,
        network: &Network,
        sequences: &[Sequence],
        direction: &[f32],
    ) -> Result<Vec<(usize, Score)>> {
        let (wanted, own) = self.wanted();
        let texts = self.numbers.iter().map(|number| sequences[*number].text());
        let tokens: Vec<TextToken> = own
            .iter()
            .zip(texts)
            .flat_map(|(rows, text)| rows.iter().zip(text))
            .map(|(row, id)| TextToken {
                row: *row,
                id: *id as usize,
            })
            .collect();
        let h = network.forward(&self.batch.with_wanted(wanted), None, &mut ())?;
        let reaches = reaches(h.clone(), direction)?;
        let mut values = network.log_probabilities(h, &tokens)?.into_iter();
        let of_sequence = |(number, rows): (usize, &Vec<usize>)| {
            // The first row is the prompt's last token.
            let of_text = if rows.len() > 1 { &rows[1..] } else { rows };
            let sum: f64 = of_text.iter().map(|row| reaches[*row]).sum();
            let score = Score {
                log_probabilities: values.by_ref().take(rows.len()).collect(),
                projection: sum / of_text.len() as f64,
            };
            (number, score)
        };
        Ok(self.numbers.into_iter().zip(&own).map(of_sequence).collect())
    }

    /// Of each sequence after the first its number and its divergences from the first.
    fn divergences(self, network: &Network, tap: &mut dyn ResidualTap) -> Result<Vec<(usize, Vec<f64>)>> {
        let (wanted, own) = self.wanted();
        let (base, others) = own.split_at(1);
        let pairs: Vec<(usize, usize)> = others
            .iter()
            .flat_map(|rows| base[0].iter().zip(rows))
            .map(|(p, q)| (*p, *q))
            .collect();
        let h = network.forward(&self.batch.with_wanted(wanted), None, tap)?;
        let values = network.divergences(h, &pairs)?;
        let others = self.numbers.into_iter().skip(1);
        Ok(others
            .zip(values.chunks(base[0].len()).map(<[f64]>::to_vec))
            .collect())
    }
}

/// How far each row of `h: [rows, hidden]` reaches along the direction.
fn reaches(h: Tensor<2>, direction: &[f32]) -> Result<Vec<f64>> {
    let length = norm(direction);
    if length == 0.0 {
        return Ok(vec![0.0; h.dims()[0]]);
    }
    let numbers = read_numbers(h)?;
    let rows = numbers.chunks(direction.len());
    Ok(rows.map(|row| projection(row, direction, length)).collect())
}
