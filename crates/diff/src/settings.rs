use std::collections::{BTreeMap, BTreeSet};

use crate::Run;

/// Something that differs between the two runs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Setting {
    pub what: String,
    pub a: String,
    pub b: String,
}

/// What differs in the footers of the tables, and in the prompts and conditions.
pub fn settings(a: &Run, b: &Run) -> Vec<Setting> {
    let (of_a, of_b) = (facts(a), facts(b));
    let keys: BTreeSet<&String> = of_a.keys().chain(of_b.keys()).collect();
    let mut all = Vec::new();
    for key in keys {
        let value =
            |facts: &BTreeMap<String, String>| facts.get(key).cloned().unwrap_or_else(|| "–".to_owned());
        let (a, b) = (value(&of_a), value(&of_b));
        if a != b {
            all.push(Setting {
                what: key.clone(),
                a: shortened(&a),
                b: shortened(&b),
            });
        }
    }
    all.extend(reworded(a, b));
    all
}

/// Keys of the footers that say nothing about the experiment.
const OF_THE_FILE: &[&str] = &["schema", "schema_version", "layer", "pipeline"];

fn facts(run: &Run) -> BTreeMap<String, String> {
    let generated = run.generations.as_ref().map(|(_, metadata)| metadata);
    let mut all: BTreeMap<String, String> = generated
        .into_iter()
        .chain([&run.metadata])
        .flat_map(|metadata| metadata.iter())
        .filter(|(key, _)| !OF_THE_FILE.contains(key))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let ids: BTreeSet<&str> = run.prompts.iter().map(|row| row.prompt_id.as_str()).collect();
    let conditions: BTreeSet<&str> = run.prompts.iter().map(|row| row.condition.as_str()).collect();
    all.insert("prompts".to_owned(), ids.len().to_string());
    all.insert("prompt ids".to_owned(), listed(ids));
    all.insert("conditions".to_owned(), listed(conditions));
    if let Some((rows, _)) = &run.generations {
        all.insert("texts".to_owned(), rows.len().to_string());
    }
    all
}

fn listed(names: BTreeSet<&str>) -> String {
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// Prompts that both runs have under one id, but whose text the models read differently.
fn reworded(a: &Run, b: &Run) -> Option<Setting> {
    let texts: BTreeMap<(&str, &str), &str> = a
        .prompts
        .iter()
        .map(|row| {
            (
                (row.prompt_id.as_str(), row.condition.as_str()),
                row.text.as_str(),
            )
        })
        .collect();
    let mut differing = b.prompts.iter().filter_map(|row| {
        let other = texts.get(&(row.prompt_id.as_str(), row.condition.as_str()))?;
        (*other != row.text).then_some((*other, row))
    });
    let (text, row) = differing.next()?;
    Some(Setting {
        what: format!(
            "texts of {} prompts, first {} in {}",
            differing.count() + 1,
            row.prompt_id,
            row.condition
        ),
        a: shortened(text),
        b: shortened(&row.text),
    })
}

/// One line of at most 60 letters, or a dozen for a hash.
fn shortened(text: &str) -> String {
    let is_hash = text.len() == 64 && text.chars().all(|letter| letter.is_ascii_hexdigit());
    let letters = if is_hash { 12 } else { 60 };
    let line = text.replace('\n', "⏎");
    let mut short: String = line.chars().take(letters).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    short
}
