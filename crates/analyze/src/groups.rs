//! One layer's rows, checked as they come and summed by pooling and condition: everything after
//! this may rely on it.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

use results::{Activation, Error, Result};
use terms::Pooling;

use crate::prompt_ids::{Leader, PromptIds};
use crate::sums::ConditionSums;

/// The sums of one layer under one pooling.
#[derive(Debug)]
pub struct PooledSums {
    pub layer: usize,
    pub pooling: Pooling,
    /// The prompts' ids: row `i` of every condition belongs to prompt `i`.
    pub prompts: Arc<Vec<String>>,
    /// In the order of the pipeline file.
    pub conditions: Vec<ConditionSums>,
    /// `[condition][prompt]`: the same for rows that are equal to the last bit.
    hashes: Vec<Vec<u64>>,
}

impl PooledSums {
    pub fn hidden_size(&self) -> usize {
        self.conditions.first().map_or(0, ConditionSums::hidden_size)
    }

    pub fn condition(&self, name: &str) -> Option<&ConditionSums> {
        self.conditions.iter().find(|condition| condition.name == name)
    }

    /// For each prompt, a number for its rows in these conditions: prompts whose rows are equal to
    /// the last bit have the same.
    pub fn hashes_of(&self, names: [&str; 2]) -> Vec<u64> {
        let wanted = self.conditions.iter().zip(&self.hashes);
        let wanted = wanted.filter(|(condition, _)| names.contains(&condition.name.as_str()));
        let columns: Vec<&Vec<u64>> = wanted.map(|(_, hashes)| hashes).collect();
        let of_prompt = |prompt: usize| hash_of(columns.iter().map(|hashes| hashes[prompt]));
        (0..self.prompts.len()).map(of_prompt).collect()
    }
}

/// 64 bits: two rows that differ share a hash in fewer than one in 1e19 cases.
pub fn hash_of<T: Hash>(values: impl Iterator<Item = T>) -> u64 {
    let mut hasher = DefaultHasher::new();
    values.for_each(|value| value.hash(&mut hasher));
    hasher.finish()
}

/// Sums the rows of `layer` by pooling, in the order in which poolings first occur, and by
/// condition.
///
/// Only the prompts' ids and a hash of each row stay in memory. Errors name `file`, the layer and
/// the condition: a condition that `conditions` doesn't list or that has fewer than two prompts,
/// prompts that differ between conditions, a vector of another length, of norm 0, or with a number
/// that is not finite.
pub fn sum_by_pooling(
    file: &Path,
    layer: usize,
    conditions: &[&str],
    batches: impl IntoIterator<Item = Result<Vec<Activation>>>,
) -> Result<Vec<PooledSums>> {
    sum_beside(file, layer, conditions, Leader::open(), batches)
}

/// The same, with the ids of a layer that was read before: those that are equal are not held again.
pub fn sum_beside(
    file: &Path,
    layer: usize,
    conditions: &[&str],
    mut leader: Leader,
    batches: impl IntoIterator<Item = Result<Vec<Activation>>>,
) -> Result<Vec<PooledSums>> {
    let mut groups: Vec<Group> = Vec::new();
    for batch in batches {
        for row in batch? {
            let hidden_size = groups.first().map_or(row.activation.len(), Group::hidden_size);
            let condition = checked_condition(&row, hidden_size, conditions)
                .map_err(|problem| Error::invalid(file, place_of(layer, &row) + &problem))?;
            group_of(&mut groups, row.pooling, conditions, hidden_size).add(condition, row, &mut leader);
        }
    }
    if groups.is_empty() {
        let message = format!("layer {layer}: there is no activation; {MAKE_AGAIN}");
        return Err(Error::invalid(file, message));
    }
    let checked = |group: Group| {
        let pooling = group.pooling.as_str();
        let problem = |problem| Error::invalid(file, format!("layer {layer}, pooling {pooling}: {problem}"));
        group.checked(layer, &leader).map_err(problem)
    };
    groups.into_iter().map(checked).collect()
}

const MAKE_AGAIN: &str = "run `cargo xtask extract --force`";

/// The rows of one pooling so far.
struct Group {
    pooling: Pooling,
    conditions: Vec<ConditionRows>,
}

/// What is kept of a condition's rows.
struct ConditionRows {
    prompts: PromptIds,
    hashes: Vec<u64>,
    sums: ConditionSums,
}

fn group_of<'a>(
    groups: &'a mut Vec<Group>,
    pooling: Pooling,
    conditions: &[&str],
    hidden_size: usize,
) -> &'a mut Group {
    let known = groups.iter().position(|group| group.pooling == pooling);
    let place = known.unwrap_or_else(|| {
        let empty = |name: &&str| ConditionRows {
            prompts: PromptIds::AsLeader(0),
            hashes: Vec::new(),
            sums: ConditionSums::new(name, hidden_size),
        };
        groups.push(Group {
            pooling,
            conditions: conditions.iter().map(empty).collect(),
        });
        groups.len() - 1
    });
    &mut groups[place]
}

impl Group {
    fn hidden_size(&self) -> usize {
        self.conditions.first().map_or(0, |rows| rows.sums.hidden_size())
    }

    fn add(&mut self, condition: usize, row: Activation, leader: &mut Leader) {
        let rows = &mut self.conditions[condition];
        rows.sums.add(&row.activation);
        rows.hashes
            .push(hash_of(row.activation.iter().map(|value| value.to_bits())));
        rows.prompts.push(row.prompt_id, leader);
    }

    fn checked(self, layer: usize, leader: &Leader) -> Result<PooledSums, String> {
        let first = &self.conditions[0];
        let expected = first.prompts.list(leader);
        for own in &self.conditions {
            let found = own.prompts.list(leader);
            if !own.prompts.are_known(leader)
                && let Some(problem) = prompts_problem(found, &own.sums.name)
            {
                return Err(problem);
            }
            if found != expected {
                let (expected, found) = difference_of(expected, found);
                let (first, name) = (&first.sums.name, &own.sums.name);
                return Err(format!(
                    "conditions must have the same prompts in the same order, but \"{first}\" has {expected} and \"{name}\" has {found}; {MAKE_AGAIN}"
                ));
            }
        }
        let prompts = first.prompts.shared(leader);
        let rows = self.conditions.into_iter();
        let (conditions, hashes) = rows.map(|rows| (rows.sums, rows.hashes)).unzip();
        Ok(PooledSums {
            layer,
            pooling: self.pooling,
            prompts,
            conditions,
            hashes,
        })
    }
}

fn place_of(layer: usize, row: &Activation) -> String {
    let (condition, prompt, pooling) = (&row.condition, &row.prompt_id, row.pooling.as_str());
    format!("layer {layer}, condition \"{condition}\", prompt \"{prompt}\", pooling {pooling}: ")
}

/// The place of the row's condition among `conditions`, or what is wrong with the row.
fn checked_condition(row: &Activation, hidden_size: usize, conditions: &[&str]) -> Result<usize, String> {
    let Some(condition) = conditions.iter().position(|name| *name == row.condition) else {
        let known = conditions.join(", ");
        return Err(format!(
            "the pipeline has no such condition (it has: {known}); {MAKE_AGAIN}"
        ));
    };
    if row.activation.len() != hidden_size {
        let length = row.activation.len();
        return Err(format!(
            "{length} numbers, but other rows have {hidden_size}; {MAKE_AGAIN}"
        ));
    }
    if let Some(index) = row.activation.iter().position(|value| !value.is_finite()) {
        let value = row.activation[index];
        return Err(format!(
            "number {index} of the activation is {value}; check the weights and the dtype"
        ));
    }
    if row.activation.iter().all(|&value| value == 0.0) {
        return Err("the activation is zero, so it has no direction; check the weights".to_owned());
    }
    Ok(condition)
}

fn prompts_problem(prompts: &[String], condition: &str) -> Option<String> {
    let count = prompts.len();
    if count < 2 {
        return Some(format!(
            "condition \"{condition}\" has {count} prompt(s), and at least 2 are needed to compare; add prompts to the prompt file"
        ));
    }
    let is_repeated = prompts.iter().collect::<HashSet<_>>().len() != count;
    is_repeated.then(|| format!("condition \"{condition}\" has two rows for one prompt; {MAKE_AGAIN}"))
}

/// Both lists around the first place where they differ, short enough for a message.
fn difference_of(expected: &[String], found: &[String]) -> (String, String) {
    const BEFORE: usize = 4;
    const SHOWN: usize = 8;
    let same = expected.iter().zip(found).take_while(|(a, b)| a == b).count();
    let start = same.saturating_sub(BEFORE);
    let part = |prompts: &[String]| {
        let end = prompts.len().min(start + SHOWN);
        let (before, after) = (
            if start > 0 { "…, " } else { "" },
            if end < prompts.len() { ", …" } else { "" },
        );
        format!("{before}{}{after}", prompts[start..end].join(", "))
    };
    (part(expected), part(found))
}
