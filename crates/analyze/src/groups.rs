//! One layer's rows, sorted by pooling and condition, and checked: everything after this may rely on it.

use std::path::Path;

use artifacts::{Activation, Error, Pooling, Result};

/// The activations of one layer under one pooling.
#[derive(Debug)]
pub struct PooledLayer {
    pub layer: usize,
    pub pooling: Pooling,
    /// The prompts' ids: row `i` of every condition belongs to prompt `i`.
    pub prompts: Vec<String>,
    /// In the order of the pipeline file.
    pub conditions: Vec<ConditionRows>,
}

/// The activations of one condition: `[prompts, hidden]`.
#[derive(Debug)]
pub struct ConditionRows {
    pub name: String,
    pub rows: Vec<Vec<f32>>,
}

impl PooledLayer {
    pub fn hidden_size(&self) -> usize {
        self.conditions
            .first()
            .and_then(|condition| condition.rows.first())
            .map_or(0, Vec::len)
    }

    pub fn condition(&self, name: &str) -> Option<&ConditionRows> {
        self.conditions.iter().find(|condition| condition.name == name)
    }
}

/// Sorts the rows of `layer` by pooling, in the order in which poolings first occur, and by condition.
///
/// Errors name `file`, the layer and the condition: a condition that `conditions` doesn't list or that has
/// fewer than two prompts, prompts that differ between conditions, a vector of another length, of norm 0, or
/// with a number that is not finite.
pub fn group_by_pooling(
    file: &Path,
    layer: usize,
    conditions: &[&str],
    rows: Vec<Activation>,
) -> Result<Vec<PooledLayer>> {
    let hidden_size = rows.first().map_or(0, |row| row.activation.len());
    for row in &rows {
        if let Some(problem) = row_problem(row, hidden_size, conditions) {
            let Activation {
                prompt_id,
                condition,
                pooling,
                ..
            } = row;
            let place = format!("layer {layer}, condition \"{condition}\", prompt \"{prompt_id}\"");
            return Err(Error::invalid(
                file,
                format!("{place}, pooling {}: {problem}", pooling.as_str()),
            ));
        }
    }
    let mut groups: Vec<PooledLayer> = Vec::new();
    for pooling in distinct(rows.iter().map(|row| row.pooling)) {
        let rows: Vec<&Activation> = rows.iter().filter(|row| row.pooling == pooling).collect();
        groups.push(one_pooling(layer, pooling, conditions, &rows).map_err(|problem| {
            Error::invalid(
                file,
                format!("layer {layer}, pooling {}: {problem}", pooling.as_str()),
            )
        })?);
    }
    if groups.is_empty() {
        return Err(Error::invalid(
            file,
            format!("layer {layer}: there is no activation; {MAKE_AGAIN}"),
        ));
    }
    Ok(groups)
}

const MAKE_AGAIN: &str = "run `cargo xtask extract --force`";

fn row_problem(row: &Activation, hidden_size: usize, conditions: &[&str]) -> Option<String> {
    if !conditions.contains(&row.condition.as_str()) {
        let known = conditions.join(", ");
        return Some(format!(
            "the pipeline has no such condition (it has: {known}); {MAKE_AGAIN}"
        ));
    }
    if row.activation.len() != hidden_size {
        let length = row.activation.len();
        return Some(format!(
            "{length} numbers, but other rows have {hidden_size}; {MAKE_AGAIN}"
        ));
    }
    if let Some(index) = row.activation.iter().position(|value| !value.is_finite()) {
        let value = row.activation[index];
        return Some(format!(
            "number {index} of the activation is {value}; check the weights and the dtype"
        ));
    }
    let is_zero = row.activation.iter().all(|&value| value == 0.0);
    is_zero.then(|| "the activation is zero, so it has no direction; check the weights".to_owned())
}

fn one_pooling(
    layer: usize,
    pooling: Pooling,
    conditions: &[&str],
    rows: &[&Activation],
) -> Result<PooledLayer, String> {
    let mut prompts: Vec<String> = Vec::new();
    let mut groups = Vec::new();
    for (index, &name) in conditions.iter().enumerate() {
        let own: Vec<&Activation> = rows.iter().copied().filter(|row| row.condition == name).collect();
        let own_prompts: Vec<String> = own.iter().map(|row| row.prompt_id.clone()).collect();
        if own.len() < 2 {
            let count = own.len();
            return Err(format!(
                "condition \"{name}\" has {count} prompt(s), and at least 2 are needed to compare; add prompts to the prompt file"
            ));
        }
        if distinct(own_prompts.iter()).len() != own_prompts.len() {
            return Err(format!(
                "condition \"{name}\" has two rows for one prompt; {MAKE_AGAIN}"
            ));
        }
        if index == 0 {
            prompts = own_prompts;
        } else if own_prompts != prompts {
            let (first, expected, found) = (conditions[0], prompts.join(", "), own_prompts.join(", "));
            return Err(format!(
                "conditions must have the same prompts in the same order, but \"{first}\" has {expected} and \"{name}\" has {found}; {MAKE_AGAIN}"
            ));
        }
        let vectors = own.iter().map(|row| row.activation.clone()).collect();
        groups.push(ConditionRows {
            name: name.to_owned(),
            rows: vectors,
        });
    }
    Ok(PooledLayer {
        layer,
        pooling,
        prompts,
        conditions: groups,
    })
}

/// The values without repetitions, in the order in which they first occur.
fn distinct<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = Vec::new();
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen
}
