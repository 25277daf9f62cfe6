//! Generates the texts of all doses at once, and scores them.

use std::collections::HashMap;

use anyhow::{Context, Result, bail};
use model::Generated;
use pipeline::{Decoding, DoseTable};
use results::DoseText;
use session::OpenModel;
use steer::{Intervention, Row, Steer, generate_tokens};
use terms::FinishReason;

use crate::plan::Planned;
use crate::prompts::PromptPair;
use crate::scoring::{Sequence, divergences, log_probabilities};

/// What was generated: a text for each dose, side of the dose and prompt, in this order.
#[derive(Debug)]
pub struct Sweep {
    /// `[dose][side of the dose][prompt]`
    pub texts: Vec<Vec<Vec<DoseText>>>,
    /// The mean divergence on the neutral prompts, by dose.
    pub divergences: Vec<f64>,
}

/// Runs all doses; the first one must be the unsteered model. `conditions` are the names of the
/// positive and the negative condition.
///
/// The most likely token is taken each time, so a text depends on its dose and not on a random
/// draw.
pub fn sweep(
    model: &OpenModel,
    doses: &[Planned],
    prompts: &[PromptPair],
    neutral: &[Vec<u32>],
    conditions: [&str; 2],
    table: &DoseTable,
) -> Result<Sweep> {
    let mut rows: Vec<Row> = Vec::new();
    for planned in doses {
        for side in &planned.sides {
            rows.extend(
                prompts
                    .iter()
                    .map(|prompt| row(&prompt.tokens[*side], &planned.interventions)),
            );
        }
    }
    let steered = rows.len();
    rows.extend(neutral.iter().map(|tokens| row(tokens, &[])));
    let greedy = Decoding {
        temperature: 1.0,
        top_k: 0,
        top_p: 1.0,
        repetition_penalty: table.repetition_penalty,
    };
    let generated = generate_tokens(model, &greedy, table.max_new_tokens, &rows)?;
    let (generated, answers) = generated.split_at(steered);
    require_identity(doses, prompts.len(), generated)?;

    let texts = scored(model, doses, prompts, generated, conditions)?;
    let divergences = mean_divergences(model, doses, neutral, answers)?;
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

/// Every text under the unsteered model in both formats. Equal texts of one prompt are scored once.
fn scored(
    model: &OpenModel,
    doses: &[Planned],
    prompts: &[PromptPair],
    generated: &[Generated],
    conditions: [&str; 2],
) -> Result<Vec<Vec<Vec<DoseText>>>> {
    let mut places: HashMap<(usize, &[u32]), usize> = HashMap::new();
    let mut sequences = Vec::new();
    for (index, text) in generated.iter().enumerate() {
        let prompt = index % prompts.len();
        places.entry((prompt, &text.tokens)).or_insert_with(|| {
            let tokens = &prompts[prompt].tokens;
            sequences.extend(tokens.iter().map(|tokens| Sequence::new(tokens, &text.tokens)));
            sequences.len() / 2 - 1
        });
    }
    let scored = log_probabilities(model.resident()?, &sequences, "texts scored")?;
    let surprises: Vec<f64> = scored
        .iter()
        .map(|tokens| -tokens.iter().sum::<f64>() / tokens.len() as f64)
        .collect();
    let mut all = generated.iter().enumerate();
    let mut next = |planned: &Planned, side: usize| -> Result<DoseText> {
        let (index, generated) = all.next().context("a text is missing")?;
        let prompt = index % prompts.len();
        let place = places[&(prompt, generated.tokens.as_slice())];
        Ok(DoseText {
            dose: planned.dose.clone(),
            condition: conditions[side].to_owned(),
            prompt_id: prompts[prompt].id.clone(),
            prompt: prompts[prompt].text.clone(),
            text: model.tokenizer.decode(&generated.tokens)?.trim().to_owned(),
            n_tokens: generated.tokens.len(),
            token_ids: generated.tokens.iter().map(|id| id.cast_signed()).collect(),
            finish_reason: generated.finish.unwrap_or(FinishReason::Length),
            log_odds: surprises[2 * place + 1] - surprises[2 * place],
            surprise_positive: surprises[2 * place],
            surprise_negative: surprises[2 * place + 1],
            distinct_2: distinct_pairs(&generated.tokens),
        })
    };
    let mut texts = Vec::with_capacity(doses.len());
    for planned in doses {
        let mut sides = Vec::new();
        for side in &planned.sides {
            sides.push(
                prompts
                    .iter()
                    .map(|_| next(planned, *side))
                    .collect::<Result<Vec<_>>>()?,
            );
        }
        texts.push(sides);
    }
    Ok(texts)
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
