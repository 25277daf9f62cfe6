//! What the model answers, for the poolings that read it.

use anyhow::{Context, Result, bail};
use model::{Generated, GenerationRequest, Sampling, generate};
use pipeline::AnswerTable;
use progress::progress_bar;
use results::{Answer, RenderedPrompt};
use session::{OpenModel, other_texts};

/// The first tokens of the model's answer to each prompt in each condition, in the order of `rendered`:
/// at most `table.tokens`, up to the token that ends the text or the turn, which is left out. An answer
/// depends on its own prompt, condition and seed alone.
///
/// # Errors
/// An empty answer, which has nothing to read; a model that is streamed; those of [`generate`].
pub fn answers(model: &OpenModel, rendered: &[RenderedPrompt], table: &AnswerTable) -> Result<Vec<Answer>> {
    let network = model.resident().context(
        "extract.poolings: answers are generated, which needs all weights in memory; set model.residency = \"resident\"",
    )?;
    let mut ends = network.config().end_tokens.clone();
    ends.extend(model.tokenizer.end_of_turn());
    let requests: Vec<GenerationRequest> = rendered.iter().map(|prompt| request(prompt, table)).collect();
    let bar = progress_bar(
        (rendered.len() * table.tokens) as u64,
        "extract",
        "tokens at most",
    );
    let generated = generate(network, &requests, table.tokens, &mut (), &mut |tokens| {
        bar.inc(tokens as u64)
    })?;
    bar.finish_and_clear();
    let ids: Vec<Vec<u32>> = generated
        .into_iter()
        .map(|text| before_end(text, &ends))
        .collect();
    refuse_empty(rendered, &ids)?;
    let pairs = rendered.iter().zip(ids);
    pairs.map(|(prompt, ids)| answer(model, prompt, &ids)).collect()
}

/// Draws are made from the distribution as it is.
fn request(prompt: &RenderedPrompt, table: &AnswerTable) -> GenerationRequest {
    GenerationRequest {
        prompt: prompt.token_ids.iter().map(|id| id.cast_unsigned()).collect(),
        sampling: Sampling {
            greedy: table.greedy,
            ..Sampling::greedy()
        },
        seed: seed_of(table.seed, prompt),
    }
}

/// Each answer's own, whatever is generated beside it.
fn seed_of(seed: u64, prompt: &RenderedPrompt) -> u64 {
    let key = format!("{seed}\n{}\n{}\nanswer", prompt.condition, prompt.prompt_id);
    let hash = blake3::hash(key.as_bytes());
    let first = hash.as_bytes().iter().take(8);
    first.fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// Some formats end a turn with a token that ends no text; what follows it is not the answer either.
fn before_end(generated: Generated, ends: &[u32]) -> Vec<u32> {
    let is_answer = |id: &u32| !ends.contains(id);
    generated.tokens.into_iter().take_while(is_answer).collect()
}

fn refuse_empty(rendered: &[RenderedPrompt], ids: &[Vec<u32>]) -> Result<()> {
    let mut empty = rendered.iter().zip(ids).filter(|(_, ids)| ids.is_empty());
    if let Some((prompt, _)) = empty.next() {
        let (id, condition) = (&prompt.prompt_id, &prompt.condition);
        bail!(
            "prompt \"{id}\" in condition \"{condition}\": the model ends its turn at once{}, and an empty answer has nothing to read; \
             leave out the prompt, or the poolings that read answers (extract.poolings)",
            other_texts(1 + empty.count())
        );
    }
    Ok(())
}

fn answer(model: &OpenModel, prompt: &RenderedPrompt, ids: &[u32]) -> Result<Answer> {
    Ok(Answer {
        prompt_id: prompt.prompt_id.clone(),
        condition: prompt.condition.clone(),
        text: model.tokenizer.decode(ids)?,
        n_tokens: ids.len(),
        token_ids: ids.iter().map(|id| id.cast_signed()).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(prompt: &str, condition: &str) -> RenderedPrompt {
        RenderedPrompt {
            prompt_id: prompt.to_owned(),
            prompt: String::new(),
            condition: condition.to_owned(),
            text: String::new(),
            n_tokens: 1,
            token_ids: vec![2],
            token_texts: Vec::new(),
            opening: 0,
        }
    }

    #[test]
    fn an_answer_ends_before_what_ends_a_text_or_a_turn() {
        let answer = |tokens: &[u32]| {
            let generated = Generated {
                tokens: tokens.to_vec(),
                finish: None,
            };
            before_end(generated, &[1, 7])
        };
        assert_eq!(answer(&[5, 6, 8]), [5, 6, 8]);
        assert_eq!(answer(&[5, 6, 1]), [5, 6]);
        assert_eq!(answer(&[5, 7, 6, 1]), [5]);
        assert!(answer(&[7, 5]).is_empty());
    }

    #[test]
    fn an_empty_answer_is_told_with_its_prompt_and_condition() {
        let rendered = [prompt("who", "normal"), prompt("who", "swapped")];
        assert!(refuse_empty(&rendered, &[vec![5], vec![6]]).is_ok());
        let told = refuse_empty(&rendered, &[vec![5], vec![]])
            .unwrap_err()
            .to_string();
        assert!(told.contains("\"who\" in condition \"swapped\""), "{told}");
        assert!(told.contains("extract.poolings"), "{told}");
    }

    #[test]
    fn each_answer_has_a_seed_of_its_own() {
        let seeds = [
            seed_of(0, &prompt("who", "normal")),
            seed_of(0, &prompt("who", "swapped")),
            seed_of(0, &prompt("what", "normal")),
            seed_of(1, &prompt("who", "normal")),
        ];
        let mut different = seeds.to_vec();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), 4);
        assert_eq!(seeds[0], seed_of(0, &prompt("who", "normal")));
    }
}
