//! The tables of generated texts together.

use std::path::Path;

use results::{DoseDirection, DoseEffect, DoseText, Generation, HeldOutText, LensToken, Result, Run, Shape};

use crate::numbers::{are_near, require_rows};
use crate::problem::Problem;

pub fn check_steer(run: &Run, shape: &Shape, problems: &mut Vec<Problem>) -> Result<()> {
    let generations = run.read::<Generation>()?;
    let rows = generations
        .iter()
        .map(|row| (row.prompt_id.as_str(), row.condition.as_str()));
    check_names(run, shape, &run.layout().table::<Generation>(), rows, problems);
    let lens = run.read::<LensToken>()?;
    let first = lens.iter().filter(|row| row.layer == 0).count();
    let why = "as many tokens for each layer";
    require_rows(
        run,
        &run.layout().table::<LensToken>(),
        lens.len(),
        &[first * shape.layers],
        why,
        problems,
    );
    Ok(())
}

pub fn check_dose(run: &Run, shape: &Shape, problems: &mut Vec<Problem>) -> Result<()> {
    let doses = run.read::<DoseEffect>()?;
    let texts = run.read::<DoseText>()?;
    let rows = texts
        .iter()
        .map(|row| (row.prompt_id.as_str(), row.condition.as_str()));
    check_names(run, shape, &run.layout().table::<DoseText>(), rows, problems);
    let file = run.layout().inside(&run.layout().table::<DoseEffect>());
    // Texts are in the order of the doses; each dose's are taken in turn.
    let mut rest = texts.as_slice();
    for (index, row) in doses.iter().enumerate() {
        let of_dose = |text: &DoseText| text.dose == row.dose && text.condition == row.condition;
        let own = rest.iter().take_while(|text| of_dose(text)).count();
        let (own, others) = rest.split_at(own);
        rest = others;
        if own.len() != row.texts {
            let message = format!("texts.parquet has {} texts of this dose", own.len());
            problems.push(Problem::of_value(&file, "texts", index, message));
            return Ok(());
        }
        let mean = own.iter().map(|text| text.log_odds).sum::<f64>() / own.len().max(1) as f64;
        if !are_near(mean, row.figures.log_odds, 1e-9) {
            let message = "it is not the mean of the texts' log-odds";
            problems.push(Problem::of_value(&file, "log_odds", index, message));
        }
    }
    check_held_out(run, shape, &texts, problems)?;
    let expected = doses.iter().map(|row| row.texts).sum();
    let why = "the texts of all doses";
    require_rows(
        run,
        &run.layout().table::<DoseText>(),
        texts.len(),
        &[expected],
        why,
        problems,
    );
    Ok(())
}

/// Each direction has a text for each unsteered one, or none has any.
fn check_held_out(run: &Run, shape: &Shape, texts: &[DoseText], problems: &mut Vec<Problem>) -> Result<()> {
    let held_out = run.read::<HeldOutText>()?;
    let path = run.layout().table::<HeldOutText>();
    let rows = held_out
        .iter()
        .map(|row| (row.text.prompt_id.as_str(), row.text.condition.as_str()));
    check_names(run, shape, &path, rows, problems);
    let mut directions: Vec<&DoseDirection> = Vec::new();
    for row in &held_out {
        if !directions.contains(&&row.text.dose.direction) {
            directions.push(&row.text.dose.direction);
        }
    }
    let unsteered = texts.iter().filter(|text| text.dose.operation.is_none()).count();
    let why = "for each direction as many texts as unsteered ones";
    require_rows(
        run,
        &path,
        held_out.len(),
        &[directions.len() * unsteered],
        why,
        problems,
    );
    Ok(())
}

/// Every text is of a prompt and condition that were extracted.
fn check_names<'a>(
    run: &Run,
    shape: &Shape,
    path: &Path,
    rows: impl Iterator<Item = (&'a str, &'a str)>,
    problems: &mut Vec<Problem>,
) {
    for (index, (prompt, condition)) in rows.enumerate() {
        let unknown = if !shape.prompts.iter().any(|known| known == prompt) {
            ("prompt_id", prompt)
        } else if !shape.conditions.iter().any(|known| known == condition) {
            ("condition", condition)
        } else {
            continue;
        };
        let message = format!("\"{}\" is not in extract/prompts.parquet", unknown.1);
        problems.push(Problem::of_value(
            &run.layout().inside(path),
            unknown.0,
            index,
            message,
        ));
        return;
    }
}
