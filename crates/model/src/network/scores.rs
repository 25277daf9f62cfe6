//! What is asked of logits without keeping them: each is used where the head gives it.

use std::ops::Range;

use burn::tensor::{Device, Int, Tensor, TensorData};
use kernels::{Divergence, LogSum};
use rayon::prelude::*;

use super::Network;
use super::embedding::logits;
use crate::device::{is_cpu, read_numbers};
use crate::{Result, read_all};

/// Outputs of the head in a block: few enough that the logits of some hundred tokens stay in a
/// cache, and a multiple of what [`kernels::LogSum`] sums at once, so that its results don't depend
/// on it.
pub const OUTPUTS_AT_ONCE: usize = 2048;

/// The same on a GPU, which sums a block itself and gives a few numbers of it.
const OUTPUTS_ON_DEVICE: usize = 16_384;

/// A token of a text, and the row of the residual stream whose logits predict it.
#[derive(Clone, Copy, Debug)]
pub struct TextToken {
    /// Among the rows whose logits are wanted.
    pub row: usize,
    /// The token.
    pub id: usize,
}

impl Network {
    /// The log-probability of each token, in nats, from `h: [rows, hidden]`, the residual stream after the last layer. Sums
    /// are as [`LogSum`] has them; those of a GPU are in f32 within a block of outputs, and no logit comes from there but
    /// the tokens' own.
    ///
    /// # Errors
    /// A device that gives no numbers.
    pub fn log_probabilities(&self, h: Tensor<2>, tokens: &[TextToken]) -> Result<Vec<f64>> {
        if !is_cpu(&h.device()) {
            return self.log_probabilities_on_device(h, tokens);
        }
        let mut sums = vec![LogSum::default(); h.dims()[0]];
        let mut own = vec![f32::NAN; tokens.len()];
        self.head_in_blocks(h, OUTPUTS_AT_ONCE, &mut |outputs, logits| {
            let (width, logits) = (outputs.len(), read_numbers(logits)?);
            let rows = sums.par_iter_mut().zip(logits.par_chunks(width));
            rows.for_each(|(sum, logits)| sum.add(logits));
            for (token, own) in tokens.iter().zip(&mut own) {
                if outputs.contains(&token.id) {
                    *own = logits[token.row * width + token.id - outputs.start];
                }
            }
            Ok(())
        })?;
        let values = tokens.iter().zip(own);
        Ok(values
            .map(|(token, own)| f64::from(own) - sums[token.row].value())
            .collect())
    }

    /// `KL(p || q)` in nats of each pair of rows (p, q) of `h: [rows, hidden]`, the residual stream after the last layer, as
    /// [`Divergence`] has it; a GPU sums in f32 within a block of outputs, and gives these sums alone.
    ///
    /// # Errors
    /// A device that gives no numbers.
    pub fn divergences(&self, h: Tensor<2>, pairs: &[(usize, usize)]) -> Result<Vec<f64>> {
        if !is_cpu(&h.device()) {
            return self.divergences_on_device(h, pairs);
        }
        let mut sums = vec![Divergence::default(); pairs.len()];
        self.head_in_blocks(h, OUTPUTS_AT_ONCE, &mut |outputs, logits| {
            let logits = read_numbers(logits)?;
            let row = |row: usize| &logits[row * outputs.len()..(row + 1) * outputs.len()];
            let pairs = sums.par_iter_mut().zip(pairs);
            pairs.for_each(|(sum, (p, q))| sum.add(row(*p), row(*q)));
            Ok(())
        })?;
        Ok(sums.iter().map(Divergence::value).collect())
    }

    /// The logits of the head in blocks of outputs: all together are never stored.
    fn head_in_blocks(
        &self,
        h: Tensor<2>,
        outputs_at_once: usize,
        each: &mut dyn FnMut(Range<usize>, Tensor<2>) -> Result<()>,
    ) -> Result<()> {
        let table = self.unembedding();
        let (normed, vocabulary) = (self.norm.forward(h), table.outputs());
        for first in (0..vocabulary).step_by(outputs_at_once) {
            let outputs = first..vocabulary.min(first + outputs_at_once);
            let block = table.part(outputs.clone());
            each(
                outputs,
                logits(normed.clone(), block, &self.config, self.precision),
            )?;
        }
        Ok(())
    }

    fn log_probabilities_on_device(&self, h: Tensor<2>, tokens: &[TextToken]) -> Result<Vec<f64>> {
        let (rows, device) = (h.dims()[0], h.device());
        let (mut sums, mut own, mut order) = (Vec::new(), Vec::new(), Vec::new());
        self.head_in_blocks(h, OUTPUTS_ON_DEVICE, &mut |outputs, logits| {
            let width = outputs.len();
            sums.push(log_sums(logits.clone()));
            let here: Vec<usize> = (0..tokens.len())
                .filter(|token| outputs.contains(&tokens[*token].id))
                .collect();
            if !here.is_empty() {
                let places = here.iter().map(|token| &tokens[*token]);
                let places = places.map(|token| token.row * width + token.id - outputs.start);
                let places = indices(places, &device);
                own.push(logits.reshape([rows * width, 1]).select(0, places));
                order.extend(here);
            }
            Ok(())
        })?;
        let blocks = sums.len();
        let read = read_all(sums.into_iter().chain(own).collect())?;
        let (sums, own) = read.split_at(blocks);
        let mut values = vec![f64::NAN; tokens.len()];
        for (token, own) in order.into_iter().zip(own.iter().flatten()) {
            values[token] = f64::from(*own) - whole(sums, tokens[token].row);
        }
        Ok(values)
    }

    fn divergences_on_device(&self, h: Tensor<2>, pairs: &[(usize, usize)]) -> Result<Vec<f64>> {
        let device = h.device();
        let ps = indices(pairs.iter().map(|(p, _)| *p), &device);
        let qs = indices(pairs.iter().map(|(_, q)| *q), &device);
        let (mut of_p, mut of_q) = (Vec::new(), Vec::new());
        self.head_in_blocks(h, OUTPUTS_ON_DEVICE, &mut |_, logits| {
            let (p, q) = (logits.clone().select(0, ps.clone()), logits.select(0, qs.clone()));
            of_q.push(log_sums(q.clone()));
            let largest = p.clone().max_dim(1);
            let weights = p.clone().sub(largest.clone()).exp();
            let weighted = weights.clone().mul(p.sub(q)).sum_dim(1);
            of_p.push(Tensor::cat(vec![largest, weights.sum_dim(1), weighted], 1));
            Ok(())
        })?;
        let blocks = of_p.len();
        let read = read_all(of_p.into_iter().chain(of_q).collect())?;
        let (of_p, of_q) = read.split_at(blocks);
        let divergence = |pair: usize| {
            let [p, mean] = whole_weighted(of_p, pair);
            let divergence = mean - (p - whole(of_q, pair));
            // `max` would take 0 instead of a NaN.
            if divergence < 0.0 { 0.0 } else { divergence }
        };
        Ok((0..pairs.len()).map(divergence).collect())
    }
}

/// Of each row of a block its largest logit, and the sum of the exponentials relative to it: `[rows, 2]`.
fn log_sums(logits: Tensor<2>) -> Tensor<2> {
    let largest = logits.clone().max_dim(1);
    let sum = logits.sub(largest.clone()).exp().sum_dim(1);
    Tensor::cat(vec![largest, sum], 1)
}

fn indices(numbers: impl Iterator<Item = usize>, device: &Device) -> Tensor<1, Int> {
    let numbers: Vec<i32> = numbers.map(|number| number as i32).collect();
    let count = numbers.len();
    Tensor::from_data(TensorData::new(numbers, [count]), device)
}

/// `log sum exp` of a row over all blocks, which have its largest logit and its sum.
fn whole(blocks: &[Vec<f32>], row: usize) -> f64 {
    let [log_sum, _] = combined(
        blocks
            .iter()
            .map(|block| [block[2 * row], block[2 * row + 1], 0.0]),
    );
    log_sum
}

/// The same, and the mean of what the exponentials weight.
fn whole_weighted(blocks: &[Vec<f32>], row: usize) -> [f64; 2] {
    combined(
        blocks
            .iter()
            .map(|block| [3 * row, 3 * row + 1, 3 * row + 2].map(|at| block[at])),
    )
}

fn combined(parts: impl Iterator<Item = [f32; 3]> + Clone) -> [f64; 2] {
    let largest = parts.clone().map(|[largest, ..]| largest);
    let largest = f64::from(largest.fold(f32::NEG_INFINITY, f32::max));
    let (mut sum, mut weighted) = (0.0, 0.0);
    for [own, of_block, weighted_of_block] in parts {
        let factor = (f64::from(own) - largest).exp();
        sum += factor * f64::from(of_block);
        weighted += factor * f64::from(weighted_of_block);
    }
    [largest + sum.ln(), weighted / sum]
}
