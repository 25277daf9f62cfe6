use terms::FinishReason;

use crate::sampling::Shortlist;
use crate::{Error, NotANumber, Result, Sampler, Sampling};

/// One row to generate: its prompt, how its tokens are chosen, and the seed of its own random
/// generator.
#[derive(Clone, Debug)]
pub struct GenerationRequest {
    /// Token ids; at least one.
    pub prompt: Vec<u32>,
    /// How its tokens are chosen.
    pub sampling: Sampling,
    /// The seed of its random generator.
    pub seed: u64,
}

/// What came out: the new tokens, an end token included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// Token ids.
    pub tokens: Vec<u32>,
    /// Why the text ended; `None` where the callback stopped generation before it did.
    pub finish: Option<FinishReason>,
}

impl Generated {
    /// The result where no token may be generated.
    pub(crate) fn nothing() -> Self {
        Generated {
            tokens: Vec::new(),
            finish: Some(FinishReason::Length),
        }
    }
}

/// A row that is generated.
pub(crate) struct Row {
    pub number: usize,
    sampler: Sampler,
    /// Prompt and generated tokens.
    pub history: Vec<u32>,
    pub prompt_length: usize,
    pub finish: Option<FinishReason>,
}

impl Row {
    pub fn new(number: usize, request: &GenerationRequest) -> Self {
        Row {
            number,
            sampler: Sampler::new(request.sampling.clone(), request.seed),
            history: request.prompt.clone(),
            prompt_length: request.prompt.len(),
            finish: None,
        }
    }

    /// How many of the largest logits are enough for most choices, or `None` where none are.
    pub fn candidates(&self) -> Option<usize> {
        self.sampler.candidates()
    }

    /// The temperature of a choice among all tokens.
    pub fn temperature_of_all(&self) -> Option<f32> {
        self.sampler.temperature_of_all()
    }

    /// Chooses the next token, by its end tokens and the most tokens that it may have. `logits` are changed.
    pub fn advance(&mut self, logits: &mut [f32], ends: (&[u32], usize)) -> Result<()> {
        let token = self.sampler.next(logits, &self.history);
        self.take(token, ends)
    }

    /// The same from the largest logits, where the choice is certain.
    pub fn advance_from(&mut self, list: &Shortlist, ends: (&[u32], usize)) -> Result<bool> {
        match self.sampler.next_of(list, &self.history) {
            Some(token) => self.take(token, ends).map(|()| true),
            None => Ok(false),
        }
    }

    fn take(
        &mut self,
        token: std::result::Result<u32, NotANumber>,
        (end_tokens, max_new_tokens): (&[u32], usize),
    ) -> Result<()> {
        let token = token.map_err(|NotANumber { token }| {
            let step = self.history.len() - self.prompt_length;
            Error::Request(format!(
                "the logit of token {token} is not a finite number after {step} generated tokens; a steering coefficient may be far too large"
            ))
        })?;
        self.history.push(token);
        if end_tokens.contains(&token) {
            self.finish = Some(FinishReason::Stop);
        } else if self.history.len() - self.prompt_length == max_new_tokens {
            self.finish = Some(FinishReason::Length);
        }
        Ok(())
    }

    pub fn into_generated(mut self) -> Generated {
        let tokens = self.history.split_off(self.prompt_length);
        Generated {
            tokens,
            finish: self.finish,
        }
    }
}
