use burn::tensor::Tensor;

use crate::{Batch, Error, Gemma, ResidualTap, Result, Sampler, Sampling};

/// One row to generate: its prompt, how its tokens are chosen, and the seed of its own random generator.
#[derive(Clone, Debug)]
pub struct GenerationRequest {
    pub prompt: Vec<u32>,
    pub sampling: Sampling,
    pub seed: u64,
}

/// What came out: the new tokens, an end token included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    pub tokens: Vec<u32>,
    pub finish: Finish,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// An end token was generated.
    Stop,
    /// The limit was reached.
    Length,
}

/// Generates all rows in one batch with a key/value cache, until each has met an end token of the model or has
/// `max_new_tokens` tokens. The tap works on every pass: the whole prompts first, then one position at a time.
///
/// Rows are padded on the left, so that the last index of a pass is every row's newest token.
/// `progress` is called after each pass with the number of tokens that it brought.
pub fn generate(
    model: &Gemma,
    requests: &[GenerationRequest],
    max_new_tokens: usize,
    tap: &mut dyn ResidualTap,
    progress: &mut dyn FnMut(usize),
) -> Result<Vec<Generated>> {
    if requests.is_empty() || max_new_tokens == 0 {
        return Ok(requests
            .iter()
            .map(|_| Generated {
                tokens: Vec::new(),
                finish: Finish::Length,
            })
            .collect());
    }
    let prompts: Vec<&[u32]> = requests.iter().map(|request| request.prompt.as_slice()).collect();
    let mut batch = Batch::left_padded(&prompts)?;
    let mut cache = model.cache(requests.len(), batch.width() + max_new_tokens);
    let mut rows: Vec<Row> = requests.iter().map(Row::new).collect();
    loop {
        let h = model.forward(&batch, Some(&mut cache), tap)?;
        let logits = last_logits(model, h)?;
        let vocabulary = logits.len() / rows.len();
        let mut brought = 0;
        for (row, logits) in rows.iter_mut().zip(logits.chunks(vocabulary)) {
            brought += usize::from(row.advance(logits, &model.config().end_tokens, max_new_tokens)?);
        }
        progress(brought);
        if rows.iter().all(|row| row.finish.is_some()) {
            return Ok(rows.into_iter().map(Row::into_generated).collect());
        }
        // A finished row goes on with its last token; nothing of it is kept.
        let tokens: Vec<u32> = rows
            .iter()
            .map(|row| row.history.last().copied().unwrap_or_default())
            .collect();
        let positions: Vec<usize> = rows.iter().map(|row| row.history.len() - 1).collect();
        batch = Batch::step(&tokens, &positions);
    }
}

/// Logits of the newest position of each row, row by row.
fn last_logits(model: &Gemma, h: Tensor<3>) -> Result<Vec<f32>> {
    let width = h.dims()[1];
    let logits = model.head(h.narrow(1, width - 1, 1));
    logits
        .into_data()
        .try_into_vec::<f32>()
        .map_err(|error| Error::Request(format!("the logits could not be read: {error:?}")))
}

struct Row {
    sampler: Sampler,
    /// Prompt and generated tokens.
    history: Vec<u32>,
    prompt_length: usize,
    finish: Option<Finish>,
}

impl Row {
    fn new(request: &GenerationRequest) -> Self {
        Row {
            sampler: Sampler::new(request.sampling.clone(), request.seed),
            history: request.prompt.clone(),
            prompt_length: request.prompt.len(),
            finish: None,
        }
    }

    /// Chooses the next token, unless the row has ended; says whether it did.
    fn advance(&mut self, logits: &[f32], end_tokens: &[u32], max_new_tokens: usize) -> Result<bool> {
        if self.finish.is_some() {
            return Ok(false);
        }
        if let Some(index) = logits.iter().position(|logit| logit.is_nan()) {
            let step = self.history.len() - self.prompt_length;
            let message = format!(
                "the logit of token {index} is no number after {step} generated tokens; a steering coefficient may be far too large"
            );
            return Err(Error::Request(message));
        }
        let token = self.sampler.next(&mut logits.to_vec(), &self.history);
        self.history.push(token);
        if end_tokens.contains(&token) {
            self.finish = Some(Finish::Stop);
        } else if self.history.len() - self.prompt_length == max_new_tokens {
            self.finish = Some(Finish::Length);
        }
        Ok(true)
    }

    fn into_generated(mut self) -> Generated {
        let tokens = self.history.split_off(self.prompt_length);
        Generated {
            tokens,
            finish: self.finish.unwrap_or(Finish::Length),
        }
    }
}
