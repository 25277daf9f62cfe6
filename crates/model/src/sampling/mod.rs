//! How the next token is chosen.
//!
//! `reference` says plainly which token that is. A [`Sampler`] finds the same one in one or two
//! passes over the logits: a vocabulary has a quarter of a million of them, and all the rows of a
//! batch wait for each other.

mod candidates;
mod reference;
mod scan;
mod softmax_mass;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use candidates::Candidates;
pub use reference::process_logits;
use softmax_mass::SoftmaxMass;

/// How the next token is chosen, in the order and with the semantics of Hugging Face's `generate`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampling {
    /// The most likely token; temperature, top-k and top-p don't matter then.
    pub greedy: bool,
    /// Above 0.
    pub temperature: f64,
    /// 0 keeps all.
    pub top_k: usize,
    /// 1 keeps all.
    pub top_p: f64,
    /// Above 0; 1 is none. Counts over the prompt and what was generated, once for each token that
    /// occurs.
    pub repetition_penalty: f64,
    /// Tokens that are never generated.
    pub suppress: Vec<u32>,
}

impl Sampling {
    /// The most likely token each time, without a penalty.
    pub fn greedy() -> Self {
        Sampling {
            greedy: true,
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            repetition_penalty: 1.0,
            suppress: Vec::new(),
        }
    }
}

/// No token can be chosen. The logit of `token` is the first that is NaN, whether or not the token
/// is suppressed. Or none is, but a token is to be drawn and this logit, divided by the
/// temperature, is the first that is positive infinity: it leaves no probabilities. A greedy choice
/// takes such a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotANumber {
    /// Its id.
    pub token: usize,
}

/// One row's choices: its settings and its own random generator, so that a row's text does not
/// depend on which other rows are generated with it.
pub struct Sampler {
    sampling: Sampling,
    generator: ChaCha8Rng,
    /// What a choice writes down on its way; here, so that its memory is taken only once.
    candidates: Candidates,
    softmax_mass: SoftmaxMass,
}

impl Sampler {
    /// A row's choices from the beginning; the same seed gives the same choices.
    pub fn new(sampling: Sampling, seed: u64) -> Self {
        Sampler {
            sampling,
            generator: ChaCha8Rng::seed_from_u64(seed),
            candidates: Candidates::default(),
            softmax_mass: SoftmaxMass::default(),
        }
    }

    /// The next token after `history` (prompt and generated tokens); 0 if all are out. `logits` are
    /// changed.
    ///
    /// # Errors
    /// A logit that is not a number.
    pub fn next(&mut self, logits: &mut [f32], history: &[u32]) -> Result<u32, NotANumber> {
        reference::penalize_and_suppress(logits, history, &self.sampling);
        if self.sampling.greedy {
            return scan::most_likely(logits);
        }
        let temperature = self.sampling.temperature as f32;
        let Sampling { top_k, top_p, .. } = self.sampling;
        if top_k != 0 && top_k < logits.len() {
            self.candidates.collect_top_k(logits, temperature, top_k)?;
            self.candidates.keep_top_p(top_p);
            return Ok(self.candidates.draw(self.generator.random()));
        }
        self.softmax_mass.estimate(logits, temperature)?;
        let at = self.generator.random();
        let token = if top_p >= 1.0 {
            self.softmax_mass.draw(logits, at)
        } else {
            let is_certain = self
                .softmax_mass
                .collect_top_p(logits, top_p, &mut self.candidates);
            is_certain.then(|| self.candidates.draw(at))
        };
        Ok(token.unwrap_or_else(|| reference::draw_kept(logits, &self.sampling, at)))
    }

    /// The same token as from `next`, chosen without any shortcut. For tests.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub fn next_plainly(&mut self, logits: &mut [f32], history: &[u32]) -> Result<u32, NotANumber> {
        reference::choose(logits, history, &self.sampling, || self.generator.random())
    }
}
