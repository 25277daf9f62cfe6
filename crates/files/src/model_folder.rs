//! Which files of a model's folder decide what it computes: what is downloaded, what must be there,
//! what is hashed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::text::read_text;

/// All weights in one file. It wins over an index beside it, which an older save may have left, as
/// in transformers.
pub const SINGLE: &str = "model.safetensors";
/// Names the file of each tensor.
pub const INDEX: &str = "model.safetensors.index.json";
/// No model runs without these.
pub const REQUIRED: [&str; 2] = ["config.json", "tokenizer.json"];
/// Read where they are there.
pub const OPTIONAL: [&str; 6] = [
    "generation_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
];
/// An adapter of PEFT: what it is, and its tensors. Nothing else of its folder decides what a model
/// with it computes.
pub const ADAPTER: [&str; 2] = ["adapter_config.json", "adapter_model.safetensors"];
/// Holds chat templates with names of their own, `NAME.jinja`.
pub const TEMPLATES: &str = "additional_chat_templates";

/// Whether a file, by its path below the folder, is one of the additional chat templates.
pub fn is_template(file: &str) -> bool {
    let name = file
        .strip_prefix(TEMPLATES)
        .and_then(|rest| rest.strip_prefix('/'));
    name.is_some_and(|name| name.ends_with(".jinja") && !name.contains('/'))
}

/// The files that an index names, each once.
///
/// # Errors
/// A text that is not an index, and a name that leads out of the model's folder; the message goes
/// behind the index's path.
pub fn shards(index: &str) -> Result<BTreeSet<String>, String> {
    const ADVICE: &str = "download the model again, or choose another revision";
    let index: Value =
        serde_json::from_str(index).map_err(|error| format!("is not JSON ({error}); {ADVICE}"))?;
    let map = index["weight_map"].as_object();
    let map = map.filter(|map| !map.is_empty());
    let map = map.ok_or_else(|| format!("its `weight_map` names no file; {ADVICE}"))?;
    let shards = map.iter().map(|(tensor, shard)| match shard.as_str() {
        Some(shard) if is_inside(shard) => Ok(shard.to_owned()),
        _ => Err(format!(
            "{shard}, which tensor `{tensor}` is said to be in, is not the name of a file in the model's folder; \
             take weights whose index names files beside it"
        )),
    });
    shards.collect()
}

/// A relative path that stays below the folder that it is joined to.
pub fn is_inside(path: &str) -> bool {
    path.split('/').all(|part| !matches!(part, "" | "." | ".."))
        && !path.chars().any(|c| c.is_control() || matches!(c, '\\' | ':'))
}

/// The files below a model's folder, or beside a model's file, that decide what it computes: the
/// configuration, the tokenizer, the templates, and those weights that are loaded. Other formats,
/// readmes and pictures don't count.
///
/// # Errors
/// An index that can't be used, and a link whose target is gone; the message names the file.
pub fn deciding_files(place: &Path) -> Result<Vec<String>, String> {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    if place.is_file() {
        let parts = GgufPart::of(&name).map_or_else(|| vec![name.into_owned()], |part| part.all());
        let folder = place.parent().unwrap_or(Path::new(""));
        return Ok(parts
            .into_iter()
            .filter(|part| folder.join(part).is_file())
            .collect());
    }
    let mut files: Vec<String> = REQUIRED.map(str::to_owned).into();
    files.extend(optional(place));
    files.extend(weights(place)?);
    if let Some(broken) = files.iter().find(|file| is_broken_link(&place.join(file))) {
        return Err(format!(
            "{} is a link to a file that isn't there; copy the file itself (`cp -L`), or download the model again",
            place.join(broken).display()
        ));
    }
    files.retain(|file| place.join(file).is_file());
    files.sort();
    Ok(files)
}

/// The same of the folder of an adapter.
pub fn deciding_files_of_adapter(folder: &Path) -> Vec<String> {
    let there = ADAPTER.iter().filter(|file| folder.join(file).is_file());
    there.map(|file| (*file).to_owned()).collect()
}

/// The paths of the same of the folder of a sparse autoencoder, as SAELens and Gemma Scope call them.
pub fn deciding_files_of_sae(folder: &Path) -> Vec<PathBuf> {
    let names = [
        "cfg.json",
        "config.json",
        "params.npz",
        "params.safetensors",
        "sae_weights.safetensors",
    ];
    let paths = names.map(|name| folder.join(name));
    paths.into_iter().filter(|path| path.is_file()).collect()
}

/// What a snapshot of an adapter in the hub's cache lacks.
pub fn missing_of_adapter(snapshot: &Path) -> Vec<String> {
    let missing = ADAPTER.iter().filter(|file| !snapshot.join(file).is_file());
    missing.map(|file| (*file).to_owned()).collect()
}

/// The single file, or the index and what it names. Where there is neither, every safetensors file
/// counts.
fn weights(folder: &Path) -> Result<Vec<String>, String> {
    if is_listed(&folder.join(SINGLE)) {
        return Ok(vec![SINGLE.to_owned()]);
    }
    let index = folder.join(INDEX);
    if index.is_file() {
        let text = read_text(&index).map_err(|error| error.to_string())?;
        let shards = shards(&text).map_err(|problem| format!("{}: {problem}", index.display()))?;
        return Ok([INDEX.to_owned()].into_iter().chain(shards).collect());
    }
    let mut others = names_in(folder);
    others.retain(|name| name.ends_with(".safetensors") && !name.starts_with('.'));
    Ok(others)
}

/// What a snapshot in the hub's cache lacks of what is needed: of the model, or of the one file
/// that is wanted, with all of its parts. A link counts when its target is there. That an optional
/// file is absent, a folder can't say; a link to one whose target is gone can.
pub fn missing(snapshot: &Path, file: Option<&str>) -> Vec<String> {
    let needed = match file {
        Some(file) => GgufPart::of(file).map_or_else(|| vec![file.to_owned()], |part| part.all()),
        None => needed(snapshot),
    };
    needed
        .into_iter()
        .filter(|file| !snapshot.join(file).is_file())
        .collect()
}

fn needed(snapshot: &Path) -> Vec<String> {
    let mut needed: Vec<String> = REQUIRED.map(str::to_owned).into();
    needed.extend(optional(snapshot));
    if !is_listed(&snapshot.join(SINGLE)) && is_listed(&snapshot.join(INDEX)) {
        needed.push(INDEX.to_owned());
        let index = read_text(&snapshot.join(INDEX)).unwrap_or_default();
        // An index that can't be read is reported where it is loaded.
        needed.extend(shards(&index).unwrap_or_default());
    } else {
        needed.push(SINGLE.to_owned());
    }
    needed
}

/// The optional files that a folder lists, with the additional templates. Links that lead nowhere
/// are among them.
fn optional(folder: &Path) -> Vec<String> {
    let names = OPTIONAL.into_iter().map(str::to_owned);
    let templates = names_in(&folder.join(TEMPLATES)).into_iter();
    let files = names.chain(
        templates
            .map(|name| format!("{TEMPLATES}/{name}"))
            .filter(|file| is_template(file)),
    );
    files.filter(|file| is_listed(&folder.join(file))).collect()
}

/// Whether the folder has such an entry, even a link that leads nowhere.
fn is_listed(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn is_broken_link(path: &Path) -> bool {
    is_listed(path) && !path.exists()
}

/// Of the entries of a folder; empty where the folder is missing.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect()
}

/// A GGUF file that is one of several, `NAME-00001-of-00003.gguf`, as llama.cpp splits them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GgufPart {
    stem: String,
    /// From 1.
    pub number: usize,
    /// How many parts there are.
    pub count: usize,
}

impl GgufPart {
    /// `None`: the file is whole by itself.
    pub fn of(file: &str) -> Option<Self> {
        let number = |text: &str| -> Option<usize> {
            let is_number = text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| text.parse().ok())?
        };
        let (rest, count) = file.strip_suffix(".gguf")?.rsplit_once("-of-")?;
        let (stem, first) = rest.rsplit_once('-')?;
        let (number, count) = (number(first)?, number(count)?);
        (1..=count).contains(&number).then(|| GgufPart {
            stem: stem.to_owned(),
            number,
            count,
        })
    }

    /// The path without the numbers and what follows them.
    pub fn stem(&self) -> &str {
        &self.stem
    }

    /// The name of the first part.
    pub fn first(&self) -> String {
        self.named(1)
    }

    /// The names of all parts, in order.
    pub fn all(&self) -> Vec<String> {
        (1..=self.count).map(|number| self.named(number)).collect()
    }

    /// What is wrong with giving this part for the whole; nothing with the first.
    pub fn problem(&self) -> Option<String> {
        (self.number > 1).then(|| {
            format!(
                "this is part {} of {}; give the first part, \"{}\"",
                self.number,
                self.count,
                self.first()
            )
        })
    }

    fn named(&self, number: usize) -> String {
        format!("{}-{number:05}-of-{:05}.gguf", self.stem, self.count)
    }
}
