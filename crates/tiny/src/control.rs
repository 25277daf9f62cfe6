//! The positive control: how often the embedded model answers in its role, and how often steering
//! turns one speaker into the other, by the grammar's own judge.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::sync::LazyLock;

use analyze::ConditionSums;
use anyhow::{Context, Result};
use burn::tensor::{Int, Tensor, TensorData};
use extract::capture;
use files::HashMemo;
use interventions::addition;
use model::{Batch, Network};
use pipeline::{Decoding, ModelTable, Pipeline, read_prompts};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use results::{Activation, Generation, RenderedPrompt};
use session::{OpenModel, open_for_generation, render_prompts};
use steer::{Intervention, Row, generate_rows};
use terms::{Device, Dtype, FinishReason, Positions};

use crate::grammar::conversations;
use crate::judge::{Role, judge};
use crate::random::normal;

/// A model that is ready to be judged: the prompts of a pipeline in both conditions, and the
/// contrast at every layer.
pub struct Control {
    model: OpenModel,
    prompts: Vec<RenderedPrompt>,
    conditions: [String; 2],
    decoding: Decoding,
    max_new_tokens: usize,
    /// `[layers][hidden]`: mean(positive) - mean(negative).
    pub contrast: Vec<Vec<f32>>,
    /// Within minus cross, by layer.
    pub similarity_difference: Vec<f64>,
}

/// The limit for fluent texts. Held-out conversations have 0.43 nats per token on average; what
/// names somebody and what they do has up to three times that, broken words have far more.
const MOST_NATS_PER_TOKEN: f64 = 1.5;

/// One side's count: texts of the speaker that is wanted there (where it is steered, the other
/// one), and those of them that are fluent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turned {
    pub texts: usize,
    pub turned: usize,
    pub fluent: usize,
}

/// What came of the prompts in the positive condition (the normal format) and in the negative one
/// (the swapped format).
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub normal: Turned,
    pub swapped: Turned,
    pub texts: Vec<Generation>,
}

impl Control {
    /// Opens the model in `folder` with the prompts, conditions and decoding of `pipeline`.
    pub fn open(folder: &Path, pipeline: &Pipeline) -> Result<Self> {
        let table = ModelTable {
            source: folder.to_owned(),
            dtype: Dtype::F32,
            device: Device::Cpu,
            ..pipeline.model.clone()
        };
        let model = open_for_generation(&table, &HashMemo::default())?;
        let prompts = read_prompts(&pipeline.prompts.file)?;
        let prompts = render_prompts(
            &model.tokenizer,
            &pipeline.prompts.file,
            &prompts,
            &pipeline.conditions,
        )?;
        let conditions = [
            pipeline.contrast.positive.clone(),
            pipeline.contrast.negative.clone(),
        ];
        let layers = capture(&model, &prompts, &[pipeline.contrast.pooling])?;
        let mut control = Control {
            model,
            prompts,
            conditions,
            decoding: pipeline.steer.decoding,
            max_new_tokens: pipeline.steer.max_new_tokens,
            contrast: Vec::new(),
            similarity_difference: Vec::new(),
        };
        for layer in &layers {
            let [positive, negative] = [control.sums(layer, 0), control.sums(layer, 1)];
            let difference = analyze::difference(&positive.mean(), &negative.mean());
            control
                .contrast
                .push(difference.iter().map(|value| *value as f32).collect());
            let within = (positive.mean_within() + negative.mean_within()) / 2.0;
            control
                .similarity_difference
                .push(within - positive.mean_across(&negative));
        }
        Ok(control)
    }

    /// The model's network.
    ///
    /// # Errors
    /// A model that was opened for one pass only.
    pub fn network(&self) -> Result<&Network> {
        self.model.resident()
    }

    /// Unsteered greedy texts: prompts answered as the assistant in the normal format, as a human
    /// in the swapped one.
    pub fn roles(&self) -> Result<Outcome> {
        self.outcome(None, [Role::Assistant, Role::Human])
    }

    /// Adds `-coefficient * direction` on the normal prompts and `+coefficient * direction` on the
    /// swapped ones.
    pub fn steered(&self, layer: usize, direction: &[f32], coefficient: f64) -> Result<Outcome> {
        self.outcome(
            Some((layer, direction, coefficient)),
            [Role::Human, Role::Assistant],
        )
    }

    /// A random direction with the norm of the contrast at a layer.
    pub fn random_direction(&self, layer: usize, seed: u64) -> Vec<f32> {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        let contrast = &self.contrast[layer];
        let values: Vec<f64> = contrast.iter().map(|_| normal(&mut generator)).collect();
        let length: Vec<f64> = contrast.iter().map(|value| f64::from(*value)).collect();
        let scale = analyze::norm(&length) / analyze::norm(&values);
        values.into_iter().map(|value| (value * scale) as f32).collect()
    }

    /// Whether a steered text is the other speaker's.
    pub fn is_turned(&self, text: &Generation) -> bool {
        let wanted = if text.condition == self.conditions[0] {
            Role::Human
        } else {
            Role::Assistant
        };
        judge(&text.text) == wanted
    }

    fn outcome(&self, steering: Option<(usize, &[f32], f64)>, wanted: [Role; 2]) -> Result<Outcome> {
        let mut rows = Vec::new();
        for (side, sign) in [(0, -1.0), (1, 1.0)] {
            let interventions = steering.map(|(layer, direction, coefficient)| {
                let push = addition(direction, sign * coefficient);
                Intervention::new(layer, Positions::All, push)
            });
            rows.extend(
                self.of_side(side)
                    .map(|prompt| row(prompt, interventions.clone())),
            );
        }
        let texts = generate_rows(&self.model, &self.decoding, self.max_new_tokens, &rows)?;
        let mut outcome = Outcome::default();
        for text in &texts {
            let side = usize::from(text.condition != self.conditions[0]);
            let count = if side == 0 {
                &mut outcome.normal
            } else {
                &mut outcome.swapped
            };
            count.texts += 1;
            if judge(&text.text) == wanted[side] {
                count.turned += 1;
                // Fluent as a text of the speaker that it should now be: judged in the format where
                // that one speaks.
                let speaker = if steering.is_some() { 1 - side } else { side };
                count.fluent += usize::from(self.is_fluent(text, speaker)?);
            }
        }
        outcome.texts = texts;
        Ok(outcome)
    }

    /// A text is fluent if it ends by itself, repeats no four words in a row, has no word that the
    /// grammar lacks (too strong a push gives things like "aHonestly"), and if the unsteered model
    /// finds it likely as an answer to the same prompt where the speaker in question has the turn.
    fn is_fluent(&self, text: &Generation, side: usize) -> Result<bool> {
        if text.finish_reason != FinishReason::Stop
            || repeats(&text.text)
            || !words(&text.text).all(|word| WORDS.contains(word))
        {
            return Ok(false);
        }
        let prompt = self
            .of_side(side)
            .find(|prompt| prompt.prompt_id == text.prompt_id)
            .context("a prompt has no rendering")?;
        Ok(self.nats_per_token(&prompt.token_ids, &text.text)? <= MOST_NATS_PER_TOKEN)
    }

    /// The mean negative log-probability of the text's tokens after a prompt, in nats.
    fn nats_per_token(&self, prompt: &[i32], text: &str) -> Result<f64> {
        let mut tokens: Vec<u32> = prompt.iter().map(|id| id.cast_unsigned()).collect();
        let start = tokens.len();
        tokens.extend(self.model.tokenizer.encode(text)?);
        let count = tokens.len() - start;
        let network = self.model.resident()?;
        let logits = network.head(network.forward(&Batch::of(&[&tokens])?, None, &mut ())?.narrow(
            0,
            start - 1,
            count,
        ));
        let log_probabilities = burn::tensor::activation::log_softmax(logits, 1);
        let targets: Vec<i32> = tokens[start..].iter().map(|id| id.cast_signed()).collect();
        let targets = Tensor::<2, Int>::from_data(TensorData::new(targets, [count, 1]), &network.device());
        Ok(-f64::from(
            log_probabilities.gather(1, targets).mean().into_scalar::<f32>(),
        ))
    }

    fn of_side(&self, side: usize) -> impl Iterator<Item = &RenderedPrompt> {
        self.prompts
            .iter()
            .filter(move |prompt| prompt.condition == self.conditions[side])
    }

    fn sums(&self, layer: &[Activation], side: usize) -> ConditionSums {
        let condition = &self.conditions[side];
        let hidden_size = layer.first().map_or(0, |row| row.activation.len());
        let mut sums = ConditionSums::new(condition, hidden_size);
        for row in layer.iter().filter(|row| row.condition == *condition) {
            sums.add(&row.activation);
        }
        sums
    }
}

fn row(prompt: &RenderedPrompt, intervention: Option<Intervention>) -> Row {
    Row {
        set: "control".to_owned(),
        prompt_id: prompt.prompt_id.clone(),
        prompt: prompt.prompt.clone(),
        condition: prompt.condition.clone(),
        coefficient: None,
        sample: 0,
        seed: 0,
        greedy: true,
        suppress: Vec::new(),
        tokens: prompt.token_ids.iter().map(|id| id.cast_unsigned()).collect(),
        interventions: intervention.into_iter().collect(),
        description: String::new(),
    }
}

/// All words that the grammar says in a few thousand conversations.
static WORDS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let turns = conversations(0, 5000).into_iter().flatten();
    turns
        .flat_map(|turn| words(&turn.text).map(str::to_owned).collect::<Vec<_>>())
        .collect()
});

/// What is between spaces, without punctuation at the ends and control tokens.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
        .map(|word| {
            word.trim_end_matches("<end_of_turn>")
                .trim_matches(|c: char| !c.is_alphanumeric())
        })
        .filter(|word| !word.is_empty())
}

/// Whether four words in a row occur twice.
fn repeats(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut seen = HashSet::new();
    words.windows(4).any(|four| !seen.insert(four))
}

impl fmt::Display for Turned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} ({} fluent)", self.turned, self.texts, self.fluent)
    }
}
