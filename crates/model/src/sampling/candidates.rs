//! The tokens that top-k or top-p keep: usually few, so that the exact arithmetic of the
//! reference costs little.

use std::cmp::Ordering;

use super::not_a_number::NotANumber;
use super::scan::{BLOCK, scan};

/// A token that may be drawn, and its logit after the division by the temperature.
#[derive(Clone, Copy)]
pub(super) struct Candidate {
    pub token: u32,
    pub logit: f32,
}

impl Candidate {
    /// The more likely first, and of equal ones the later: top-p drops the earlier first.
    fn descending(&self, other: &Self) -> Ordering {
        let by_logit = other.logit.total_cmp(&self.logit);
        by_logit.then(other.token.cmp(&self.token))
    }

    fn exponential(&self, largest: f32) -> f64 {
        f64::from(self.logit - largest).exp()
    }
}

/// Candidates in the order of their tokens. All others have probability 0, so leaving them out
/// of a sum changes nothing in it.
#[derive(Default)]
pub(super) struct Candidates {
    candidates: Vec<Candidate>,
}

impl Candidates {
    /// The k largest logits, and those that equal the k-th once they are divided, but none of
    /// negative infinity.
    pub fn collect_top_k(&mut self, logits: &[f32], temperature: f32, k: usize) -> Result<(), NotANumber> {
        self.candidates.clear();
        // A lower bound of the k-th, which rises as more logits are seen.
        let mut smallest = f32::MIN;
        let mut limit = k + BLOCK;
        scan(logits, |first, block, largest| {
            if largest / temperature < smallest {
                return;
            }
            self.add(first, block, temperature, smallest);
            if self.candidates.len() > limit {
                smallest = self.drop_below_kth(k);
                // Many may equal the k-th. The limit stays well above them, or each block would
                // sort them all.
                limit = limit.max(2 * self.candidates.len());
            }
        })?;
        self.drop_below_kth(k);
        self.order();
        let infinite = |candidate: &&Candidate| candidate.logit == f32::INFINITY;
        match self.candidates.iter().find(infinite) {
            Some(candidate) => Err(NotANumber {
                token: candidate.token as usize,
            }),
            None => Ok(()),
        }
    }

    /// Keeps the smallest set of most likely candidates whose probabilities reach p, at least one.
    pub fn keep_top_p(&mut self, p: f64) {
        if p >= 1.0 || self.candidates.is_empty() {
            return;
        }
        let softmax = Softmax::over(&self.candidates);
        self.candidates.sort_unstable_by(|a, b| b.descending(a));
        let most_likely = self.candidates.len() - 1;
        let mut sum = 0.0;
        let kept = self.candidates[..most_likely].iter().position(|candidate| {
            sum += softmax.probability(candidate);
            sum > 1.0 - p
        });
        self.candidates.drain(..kept.unwrap_or(most_likely));
        self.order();
    }

    /// The token at which the running sum of probabilities passes `at`, a number from 0 up to 1.
    pub fn draw(&self, at: f64) -> u32 {
        let softmax = Softmax::over(&self.candidates);
        let (mut sum, mut last) = (0.0, 0);
        for candidate in &self.candidates {
            let probability = softmax.probability(candidate);
            if probability > 0.0 {
                sum += probability;
                last = candidate.token;
                if at < sum {
                    break;
                }
            }
        }
        last
    }

    pub fn clear(&mut self) {
        self.candidates.clear();
    }

    /// Adds a block's tokens, from `first` on, whose divided logits are not below `smallest`.
    pub fn add(&mut self, first: usize, block: &[f32], temperature: f32, smallest: f32) {
        for (token, logit) in (first as u32..).zip(block) {
            let logit = logit / temperature;
            if logit >= smallest {
                self.candidates.push(Candidate { token, logit });
            }
        }
    }

    /// The sum of all exponentials.
    pub fn mass(&self, largest: f32) -> f64 {
        mass(&self.candidates, largest)
    }

    /// The last of the most likely candidates that together reach the mass `low`; none if they
    /// don't reach `high` with it, too. The candidates lose their order.
    pub fn border(&mut self, largest: f32, low: f64, high: f64) -> Option<Candidate> {
        let mut rest = self.candidates.as_mut_slice();
        let mut above = 0.0;
        // There may be very many. They are halved around the border until few enough are left to be
        // sorted.
        while rest.len() > BLOCK {
            let half = rest.len() / 2;
            rest.select_nth_unstable_by(half, Candidate::descending);
            let (upper, lower) = rest.split_at_mut(half);
            let sum = above + mass(upper, largest);
            if sum >= low {
                rest = upper;
            } else {
                rest = lower;
                above = sum;
            }
        }
        rest.sort_unstable_by(Candidate::descending);
        let border = rest.iter().find(|candidate| {
            above += candidate.exponential(largest);
            above >= low
        });
        border.copied().filter(|_| above >= high)
    }

    /// Drops those that are less likely than the border.
    pub fn drop_beyond(&mut self, border: &Candidate) {
        self.candidates
            .retain(|candidate| candidate.descending(border).is_le());
    }

    /// Gives the k-th largest logit, or the smallest number if there are no more than k.
    fn drop_below_kth(&mut self, k: usize) -> f32 {
        if self.candidates.len() <= k {
            return f32::MIN;
        }
        let (_, kth, _) = self
            .candidates
            .select_nth_unstable_by(k - 1, Candidate::descending);
        let smallest = kth.logit;
        self.candidates.retain(|candidate| candidate.logit >= smallest);
        smallest
    }

    fn order(&mut self) {
        self.candidates.sort_unstable_by_key(|candidate| candidate.token);
    }
}

/// What turns logits into probabilities. The sum is over candidates in the order of their tokens.
struct Softmax {
    largest: f32,
    sum: f64,
}

impl Softmax {
    fn over(candidates: &[Candidate]) -> Self {
        let logits = candidates.iter().map(|candidate| candidate.logit);
        let largest = logits.fold(f32::NEG_INFINITY, f32::max);
        let sum = mass(candidates, largest);
        Softmax { largest, sum }
    }

    fn probability(&self, candidate: &Candidate) -> f64 {
        candidate.exponential(self.largest) / self.sum
    }
}

fn mass(candidates: &[Candidate], largest: f32) -> f64 {
    candidates
        .iter()
        .map(|candidate| candidate.exponential(largest))
        .sum()
}
