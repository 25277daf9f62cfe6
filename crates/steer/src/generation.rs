//! Rows to texts: all rows at once, whatever their sets.

use anyhow::Result;
use model::{Generated, GenerationRequest, Sampling, generate};
use pipeline::{Decoding, Pipeline};
use progress::progress_bar;
use rayon::prelude::*;
use results::{Generation, Layout, Summary, Table};
use session::{OpenModel, suppressed_tokens};
use terms::{FinishReason, GenerationStyle};

use crate::intervention::Intervention;
use crate::sets::Row;
use crate::steer::Steer;

/// The mean norm of the residuals after each layer, under the contrast's pooling.
pub fn residual_norms(pipeline: &Pipeline, layout: &Layout) -> Result<Vec<f64>> {
    let (summaries, _) = Summary::read(&layout.table::<Summary>())?;
    let pooling = pipeline.contrast.pooling;
    let rows = summaries.iter().filter(|row| row.pooling == pooling);
    Ok(rows.map(|row| row.mean_residual_norm).collect())
}

/// Generates all rows at once, whatever their sets; the result is in the order given.
pub fn generate_rows(
    model: &OpenModel,
    decoding: &Decoding,
    max_new_tokens: usize,
    rows: &[Row],
) -> Result<Vec<Generation>> {
    let texts = generate_tokens(model, decoding, max_new_tokens, rows)?;
    rows.iter()
        .zip(texts)
        .map(|(row, generated)| generation(model, row, generated))
        .collect()
}

/// The same, as tokens. A small model has several parts of the rows side by side; each row's tokens
/// are the same in any part.
pub fn generate_tokens(
    model: &OpenModel,
    decoding: &Decoding,
    max_new_tokens: usize,
    rows: &[Row],
) -> Result<Vec<Generated>> {
    let bar = progress_bar((rows.len() * max_new_tokens) as u64, "generate", "tokens at most");
    let parts = parts(rows, model.resident()?.passes_at_once());
    let generated = parts
        .par_iter()
        .map(|part| {
            let rows: Vec<&Row> = part.iter().map(|row| &rows[*row]).collect();
            generate_part(model, decoding, max_new_tokens, &rows, &|tokens| {
                bar.inc(tokens as u64)
            })
        })
        .collect::<Result<Vec<_>>>()?;
    bar.finish_and_clear();
    let mut texts: Vec<(usize, Generated)> = parts.concat().into_iter().zip(generated.concat()).collect();
    texts.sort_by_key(|(row, _)| *row);
    Ok(texts.into_iter().map(|(_, text)| text).collect())
}

/// Cuts the rows into so many parts at most, each in the order of the rows. Rows with the same prompt
/// are in the same part or in neighbouring ones, since what they share is computed once in each.
fn parts(rows: &[Row], count: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|row| &rows[*row].tokens);
    let mut parts: Vec<Vec<usize>> = order
        .chunks(rows.len().div_ceil(count).max(1))
        .map(<[usize]>::to_vec)
        .collect();
    parts.iter_mut().for_each(|part| part.sort_unstable());
    parts
}

fn generate_part(
    model: &OpenModel,
    decoding: &Decoding,
    max_new_tokens: usize,
    rows: &[&Row],
    progress: &dyn Fn(usize),
) -> Result<Vec<Generated>> {
    let network = model.resident()?;
    let config = network.config();
    let requests = rows
        .iter()
        .map(|row| request(model, decoding, row))
        .collect::<Result<Vec<_>>>()?;
    let interventions: Vec<&[Intervention]> = rows.iter().map(|row| row.interventions.as_slice()).collect();
    let mut tap = Steer::new(
        &interventions,
        config.layers.len(),
        config.hidden_size,
        &network.device(),
    )?;
    Ok(generate(
        network,
        &requests,
        max_new_tokens,
        &mut tap,
        &mut |tokens| progress(tokens),
    )?)
}

fn request(model: &OpenModel, decoding: &Decoding, row: &Row) -> Result<GenerationRequest> {
    let sampling = Sampling {
        greedy: row.greedy,
        temperature: decoding.temperature,
        top_k: decoding.top_k,
        top_p: decoding.top_p,
        repetition_penalty: decoding.repetition_penalty,
        suppress: suppressed_tokens(&model.tokenizer, &row.set, &row.suppress)?,
    };
    Ok(GenerationRequest {
        prompt: row.tokens.clone(),
        sampling,
        seed: row.seed,
    })
}

fn generation(model: &OpenModel, row: &Row, generated: Generated) -> Result<Generation> {
    Ok(Generation {
        set: row.set.clone(),
        prompt_id: row.prompt_id.clone(),
        prompt: row.prompt.clone(),
        condition: row.condition.clone(),
        coefficient: row.coefficient,
        sample: row.sample,
        seed: row.seed,
        text: model.tokenizer.decode(&generated.tokens)?.trim().to_owned(),
        n_tokens: generated.tokens.len(),
        finish_reason: generated.finish.unwrap_or(FinishReason::Length),
        interventions: row.description.clone(),
        decoding: match row.greedy {
            true => GenerationStyle::Greedy,
            false => GenerationStyle::Sampled,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_with_one_prompt_stay_together_and_each_is_in_one_part() {
        let row = |prompt: u32| Row {
            set: String::new(),
            prompt_id: String::new(),
            prompt: String::new(),
            condition: String::new(),
            coefficient: None,
            sample: 0,
            seed: 0,
            greedy: true,
            suppress: Vec::new(),
            tokens: vec![2, prompt],
            interventions: Vec::new(),
            description: String::new(),
        };
        let rows: Vec<Row> = [9, 5, 7, 9, 5, 7].into_iter().map(row).collect();
        assert_eq!(parts(&rows, 3), [[1, 4], [2, 5], [0, 3]]);
        assert_eq!(parts(&rows, 1), [[0, 1, 2, 3, 4, 5]]);
        assert_eq!(parts(&rows, 4).concat().len(), 6);
        assert!(parts(&[], 2).is_empty());
    }
}
