//! The answers against the prompts that they are answers to, and the positions that were read in them.

use std::collections::HashMap;

use results::{Answer, RenderedPrompt, Result, Run, Table, missing};
use terms::Pooling;

use crate::problem::Problem;

/// For runs with a pooling that reads answers.
pub fn check(run: &Run, problems: &mut Vec<Problem>) -> Result<()> {
    let path = run.layout().table::<Answer>();
    let file = run.layout().inside(&path);
    if !path.is_file() {
        problems.push(Problem::of_file(&file, missing(run.layout(), &file)));
        return Ok(());
    }
    let (answers, _) = Answer::read(&path)?;
    let (prompts, _) = RenderedPrompt::read(&run.layout().table::<RenderedPrompt>())?;
    let is_of = |(answer, prompt): (&Answer, &RenderedPrompt)| {
        (&answer.prompt_id, &answer.condition) == (&prompt.prompt_id, &prompt.condition)
    };
    if answers.len() != prompts.len() || !answers.iter().zip(&prompts).all(is_of) {
        let message = "its rows are not those of extract/prompts.parquet, prompt by prompt";
        problems.push(Problem::of_file(&file, message));
        return Ok(());
    }
    for (index, answer) in answers.iter().enumerate() {
        if answer.token_ids.is_empty() {
            let message = "an answer that is read has a token at least";
            problems.push(Problem::of_value(&file, "token_ids", index, message));
        }
    }
    check_positions(run, &prompts, problems)
}

/// The first token of an answer comes after the last one of its prompt.
fn check_positions(run: &Run, prompts: &[RenderedPrompt], problems: &mut Vec<Problem>) -> Result<()> {
    let lengths: HashMap<(&str, &str), usize> = prompts
        .iter()
        .map(|prompt| {
            (
                (prompt.prompt_id.as_str(), prompt.condition.as_str()),
                prompt.n_tokens,
            )
        })
        .collect();
    let is_wrong = |read: &&results::ReadPosition| {
        let length = lengths.get(&(read.prompt_id.as_str(), read.condition.as_str()));
        let read = read.position.and_then(|position| usize::try_from(position).ok());
        length.is_some_and(|length| read != Some(*length))
    };
    let positions = run.positions()?;
    let mut first = positions
        .iter()
        .filter(|read| read.pooling == Pooling::AnswerFirst);
    if let Some(read) = first.find(is_wrong) {
        let folder = run.layout().inside(&run.layout().activations());
        let (prompt, condition) = (&read.prompt_id, &read.condition);
        let message = format!(
            "prompt \"{prompt}\" in condition \"{condition}\": `answer_first` was not read right after the prompt"
        );
        problems.push(Problem::of_file(&folder, message));
    }
    Ok(())
}
