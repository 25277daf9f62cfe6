//! How the next token is chosen.
//!
//! `reference` defines that token in the plainest way. A [`Sampler`] finds the same one in one or
//! two passes over the logits: a vocabulary has a quarter of a million of them, and all rows of a
//! batch wait for each other.

mod candidates;
mod not_a_number;
mod reference;
mod scan;
mod settings;
mod shortlist;
mod softmax_mass;
mod tail;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use candidates::Candidates;
pub use not_a_number::NotANumber;
pub use reference::process_logits;
pub use settings::Sampling;
pub(crate) use shortlist::Shortlist;
use softmax_mass::SoftmaxMass;
pub(crate) use tail::Tail;
use tail::Whole;

/// How many of the largest logits are listed where all tokens can be drawn.
const OF_ALL: usize = 240;

/// One row's choices: its settings and its own random generator, so that a row's text does not
/// depend on which other rows are generated with it.
pub struct Sampler {
    sampling: Sampling,
    generator: ChaCha8Rng,
    /// A choice's scratch space; kept here so that its memory is allocated only once.
    candidates: Candidates,
    softmax_mass: SoftmaxMass,
}

impl Sampler {
    /// Starts a row's choices; the same seed gives the same choices.
    pub fn new(sampling: Sampling, seed: u64) -> Self {
        Sampler {
            sampling,
            generator: ChaCha8Rng::seed_from_u64(seed),
            candidates: Candidates::default(),
            softmax_mass: SoftmaxMass::default(),
        }
    }

    /// The next token after `history` (prompt and generated tokens); 0 if all are ruled out.
    /// `logits` are changed.
    ///
    /// # Errors
    /// A logit that is not a number.
    pub fn next(&mut self, logits: &mut [f32], history: &[u32]) -> Result<u32, NotANumber> {
        reference::penalize_and_suppress(logits, history, &self.sampling);
        self.choose(logits)
    }

    /// How many of the largest logits are enough for most choices, or `None` where none are.
    pub(crate) fn candidates(&self) -> Option<usize> {
        let Sampling {
            greedy,
            top_k,
            repetition_penalty,
            ref suppress,
            ..
        } = self.sampling;
        let kept = match (greedy, top_k) {
            (true, _) => 1,
            (false, 0) => OF_ALL,
            (false, kept) => kept,
        };
        // A penalty below 1 lifts logits, of which none is known that was small.
        (repetition_penalty >= 1.0).then(|| kept + suppress.len())
    }

    /// The temperature of a choice among all tokens, which needs to know what the small logits have together.
    pub(crate) fn temperature_of_all(&self) -> Option<f32> {
        let is_open = !self.sampling.greedy && self.sampling.top_k == 0;
        is_open.then_some(self.sampling.temperature as f32)
    }

    /// The token that [`next`](Self::next) gives of all logits, from the largest ones; `None` where another one might be
    /// among those that are kept.
    pub(crate) fn next_of(&mut self, list: &Shortlist, history: &[u32]) -> Option<Result<u32, NotANumber>> {
        self.candidates()?;
        let mut logits = list.logits();
        let sampling = Sampling {
            suppress: list.places(&self.sampling.suppress),
            ..self.sampling.clone()
        };
        reference::penalize_and_suppress(&mut logits, &list.places(history), &sampling);
        if let Some(temperature) = self.temperature_of_all() {
            let penalised = if sampling.repetition_penalty == 1.0 {
                &[]
            } else {
                history
            };
            let outside = list.outside(&[penalised, &self.sampling.suppress]);
            let whole = Whole::new(list, &logits, temperature, outside)?;
            return self.draw_of(&whole).map(|place| list.token(Ok(place)));
        }
        let (kept, temperature) = match sampling.greedy {
            true => (1, 1.0),
            false => (sampling.top_k, sampling.temperature as f32),
        };
        if kept >= logits.len() {
            return None;
        }
        let mut sorted = logits.clone();
        let (_, least, _) = sorted.select_nth_unstable_by(kept - 1, |a, b| b.total_cmp(a));
        let is_certain = *least / temperature > list.limit / temperature;
        is_certain.then(|| list.token(self.choose(&mut logits)))
    }

    /// The place in a list of a token that is drawn from all, where it is certain; else nothing is drawn.
    fn draw_of(&mut self, whole: &Whole<'_>) -> Option<u32> {
        let mut generator = self.generator.clone();
        let at = generator.random();
        let place = match self.sampling.top_p {
            top_p if top_p >= 1.0 => whole.draw(at),
            top_p => {
                let is_certain = whole.collect_top_p(top_p, &mut self.candidates);
                is_certain.then(|| self.candidates.draw(at))
            }
        };
        if place.is_some() {
            self.generator = generator;
        }
        place
    }

    /// The choice among logits that are penalised and suppressed already.
    fn choose(&mut self, logits: &mut [f32]) -> Result<u32, NotANumber> {
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
