//! Generates the texts of all doses at once, and scores them.

use std::collections::HashMap;

use anyhow::{Result, bail};
use model::Generated;
use pipeline::{Decoding, DoseTable};
use results::{Dose, DoseText};
use session::OpenModel;
use steer::{Intervention, Row, Steer, generate_tokens};
use terms::FinishReason;

use crate::plan::Planned;
use crate::prompts::PromptPair;
use crate::scoring::{Score, Sequence, divergences, scores};

/// What was generated: a text for each dose, side of the dose and prompt, in this order.
#[derive(Debug)]
pub struct Sweep {
    /// `[dose][side of the dose][prompt]`
    pub texts: Vec<Vec<Vec<DoseText>>>,
    /// The mean divergence on the neutral prompts, by dose.
    pub divergences: Vec<f64>,
}

/// What all texts have in common.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    pub model: &'a OpenModel,
    pub prompts: &'a [PromptPair],
    /// The names of the positive and the negative condition.
    pub conditions: [&'a str; 2],
    /// The contrast after the last layer, `[hidden]`, on which texts are projected.
    pub last_contrast: &'a [f32],
    pub table: &'a DoseTable,
}

/// A text to generate.
pub struct Wanted {
    pub dose: Dose,
    pub interventions: Vec<Intervention>,
    pub side: usize,
    pub prompt: usize,
}

/// Runs all doses; the first one must be the unsteered model.
///
/// The most likely token is taken each time, so a text depends on its dose and not on a random
/// draw.
pub fn sweep(setting: &Setting<'_>, doses: &[Planned], neutral: &[Vec<u32>]) -> Result<Sweep> {
    let mut wanted = Vec::new();
    for planned in doses {
        for side in &planned.sides {
            wanted.extend((0..setting.prompts.len()).map(|prompt| Wanted {
                dose: planned.dose.clone(),
                interventions: planned.interventions.clone(),
                side: *side,
                prompt,
            }));
        }
    }
    let mut rows: Vec<Row> = wanted.iter().map(|wanted| setting.row(wanted)).collect();
    rows.extend(neutral.iter().map(|tokens| row(tokens, &[])));
    let generated = setting.generated(&rows)?;
    let (generated, answers) = generated.split_at(wanted.len());
    require_identity(doses, setting.prompts.len(), generated)?;

    let mut scored = setting.scored(&wanted, generated)?.into_iter();
    let mut texts = Vec::with_capacity(doses.len());
    for planned in doses {
        let of_side = |_: &usize| scored.by_ref().take(setting.prompts.len()).collect();
        texts.push(planned.sides.iter().map(of_side).collect());
    }
    let divergences = mean_divergences(setting.model, doses, neutral, answers)?;
    Ok(Sweep { texts, divergences })
}

/// The most tokens of a neutral answer on which distributions are compared.
pub const NEUTRAL_TOKENS: usize = 16;

fn row(tokens: &[u32], interventions: &[Intervention]) -> Row {
    Row {
        set: "dose".to_owned(),
        prompt_id: String::new(),
        prompt: String::new(),
        condition: String::new(),
        coefficient: None,
        sample: 0,
        seed: 0,
        greedy: true,
        suppress: Vec::new(),
        tokens: tokens.to_vec(),
        interventions: interventions.to_vec(),
        description: String::new(),
    }
}

/// A coefficient of 0 goes through the same arithmetic as every other and must change nothing, to
/// the last token.
fn require_identity(doses: &[Planned], prompts: usize, generated: &[Generated]) -> Result<()> {
    let unsteered = &generated[..2 * prompts];
    let mut start = 0;
    for planned in doses {
        let count = planned.sides.len() * prompts;
        if planned.dose.coefficient == Some(0.0) && generated[start..start + count] != *unsteered {
            bail!(
                "layer {}: texts with coefficient 0 differ from the unsteered ones; the engine has an error, please report it",
                planned.dose.layer.unwrap_or_default()
            );
        }
        start += count;
    }
    Ok(())
}

impl Setting<'_> {
    /// Generates and scores these texts.
    pub fn texts(&self, wanted: &[Wanted]) -> Result<Vec<DoseText>> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<Row> = wanted.iter().map(|wanted| self.row(wanted)).collect();
        self.scored(wanted, &self.generated(&rows)?)
    }

    fn row(&self, wanted: &Wanted) -> Row {
        row(
            &self.prompts[wanted.prompt].tokens[wanted.side],
            &wanted.interventions,
        )
    }

    fn generated(&self, rows: &[Row]) -> Result<Vec<Generated>> {
        let greedy = Decoding {
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            repetition_penalty: self.table.repetition_penalty,
        };
        generate_tokens(self.model, &greedy, self.table.max_new_tokens, rows)
    }

    /// Every text under the unsteered model in both formats. Equal texts of one prompt are scored once.
    fn scored(&self, wanted: &[Wanted], generated: &[Generated]) -> Result<Vec<DoseText>> {
        let mut places: HashMap<(usize, &[u32]), usize> = HashMap::new();
        let mut sequences = Vec::new();
        for (wanted, text) in wanted.iter().zip(generated) {
            places.entry((wanted.prompt, &text.tokens)).or_insert_with(|| {
                let tokens = &self.prompts[wanted.prompt].tokens;
                sequences.extend(tokens.iter().map(|tokens| Sequence::new(tokens, &text.tokens)));
                sequences.len() / 2 - 1
            });
        }
        let network = self.model.resident()?;
        let scores = scores(network, &sequences, self.last_contrast, "texts scored")?;
        let text = |(wanted, generated): (&Wanted, &Generated)| {
            let place = places[&(wanted.prompt, generated.tokens.as_slice())];
            let [positive, negative] = [&scores[2 * place], &scores[2 * place + 1]];
            let [surprise_positive, surprise_negative] = [positive, negative].map(surprise);
            let prompt = &self.prompts[wanted.prompt];
            Ok(DoseText {
                dose: wanted.dose.clone(),
                condition: self.conditions[wanted.side].to_owned(),
                prompt_id: prompt.id.clone(),
                prompt: prompt.text.clone(),
                text: self.model.tokenizer.decode(&generated.tokens)?.trim().to_owned(),
                n_tokens: generated.tokens.len(),
                token_ids: generated.tokens.iter().map(|id| id.cast_signed()).collect(),
                finish_reason: generated.finish.unwrap_or(FinishReason::Length),
                log_odds: surprise_negative - surprise_positive,
                surprise_positive,
                surprise_negative,
                projection_positive: positive.projection,
                projection_negative: negative.projection,
                distinct_2: distinct_pairs(&generated.tokens),
            })
        };
        wanted.iter().zip(generated).map(text).collect()
    }
}

/// Nats per token.
fn surprise(score: &Score) -> f64 {
    let tokens = &score.log_probabilities;
    -tokens.iter().sum::<f64>() / tokens.len() as f64
}

/// Distinct pairs of neighbouring tokens, divided by all pairs. Source: distinct-n of Li et al.
/// (2016), "A Diversity-Promoting Objective Function for Neural Conversation Models", n = 2, over
/// one text.
fn distinct_pairs(tokens: &[u32]) -> f64 {
    let pairs = tokens.windows(2);
    let count = pairs.len();
    let mut different: Vec<&[u32]> = pairs.collect();
    different.sort_unstable();
    different.dedup();
    if count == 0 {
        1.0
    } else {
        different.len() as f64 / count as f64
    }
}

/// For each dose the mean over neutral prompts and answer tokens of `KL(unsteered || steered)` of
/// the next token, in nats. The answers are the unsteered model's own, so both are compared on
/// the same text.
fn mean_divergences(
    model: &OpenModel,
    doses: &[Planned],
    neutral: &[Vec<u32>],
    answers: &[Generated],
) -> Result<Vec<f64>> {
    let network = model.resident()?;
    let sequences: Vec<Sequence> = neutral
        .iter()
        .zip(answers)
        .map(|(prompt, answer)| {
            Sequence::new(prompt, &answer.tokens[..answer.tokens.len().min(NEUTRAL_TOKENS)])
        })
        .collect();
    let interventions: Vec<&[Intervention]> = doses
        .iter()
        .flat_map(|planned| std::iter::repeat_n(planned.interventions.as_slice(), sequences.len()))
        .collect();
    let config = network.config();
    let tap = Steer::new(
        &interventions,
        config.layers.len(),
        config.hidden_size,
        &network.device(),
    )?;
    let divergences = divergences(network, &sequences, doses.len(), &tap, "neutral answers")?;
    let mean = |answers: &Vec<Vec<f64>>| {
        let tokens = answers.iter().map(Vec::len).sum::<usize>();
        let sums = answers.iter().map(|tokens| tokens.iter().sum::<f64>());
        sums.sum::<f64>() / tokens as f64
    };
    Ok(divergences.iter().map(mean).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinct_pairs_of_repetitions() {
        assert_eq!(distinct_pairs(&[1, 2, 3]), 1.0);
        assert_eq!(distinct_pairs(&[1, 2, 1, 2, 1]), 0.5);
        assert_eq!(distinct_pairs(&[7]), 1.0);
    }
}
