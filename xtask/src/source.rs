//! Where a pipeline's model lies: in a local folder or file, or in the cache of the Hugging Face hub.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};

use crate::{pipeline::Pipeline, project::Project};

/// What `model.source` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A path that exists.
    Local(PathBuf),
    /// A repository of the hub.
    Hub(Repository),
    /// Neither.
    Unknown(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// `owner/name`
    pub id: String,
    /// A branch, a tag or a commit.
    pub revision: String,
    /// The one file that is wanted, where the source names a GGUF file in a repository.
    pub file: Option<String>,
}

/// `None` if the pipeline names no model.
pub fn source(project: &Project, pipeline: &Pipeline) -> Option<Source> {
    let value = pipeline.text("model.source")?;
    let path = project.resolve(value);
    if path.exists() {
        return Some(Source::Local(path));
    }
    let revision = pipeline.text("model.revision").unwrap_or("main");
    Some(match repository(project, value, revision) {
        Some(repository) => Source::Hub(repository),
        None => Source::Unknown(value.to_owned()),
    })
}

/// The path that stages are told, as far as it is there: the local one, or the snapshot in the hub's cache.
pub fn place(project: &Project, source: &Source) -> Option<PathBuf> {
    match source {
        Source::Local(path) => Some(path.clone()),
        Source::Hub(repository) => snapshot(project.hub_cache(), repository),
        Source::Unknown(_) => None,
    }
}

/// An error where a model could never be found there.
pub fn require(pipeline: &Pipeline, source: &Source) -> Result<()> {
    let Source::Unknown(value) = source else {
        return Ok(());
    };
    bail!(
        "{}: model.source = \"{value}\" names neither a folder nor a .gguf file here (paths start at the project root), nor a \
         repository of the Hugging Face hub (owner/name)",
        pipeline.file
    );
}

/// `owner/name`, or `owner/name/file.gguf`. Where a local folder bears the owner's name, a path was meant.
fn repository(project: &Project, value: &str, revision: &str) -> Option<Repository> {
    let plain = |part: &&str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        !part.is_empty() && !part.starts_with('.') && part.chars().all(allowed)
    };
    let parts: Vec<&str> = value.split('/').collect();
    if !parts.iter().all(plain) || project.resolve(parts[0]).exists() {
        return None;
    }
    let file = match parts[..] {
        [_, _] => None,
        [_, _, file] if file.ends_with(".gguf") => Some(file.to_owned()),
        _ => return None,
    };
    Some(Repository {
        id: parts[..2].join("/"),
        revision: revision.to_owned(),
        file,
    })
}

/// The layout is that of Python's `huggingface_hub`: `models--owner--name/refs/<revision>` holds a commit, and
/// `snapshots/<commit>` its files.
fn snapshot(cache: &Path, repository: &Repository) -> Option<PathBuf> {
    let folder = cache.join(format!("models--{}", repository.id.replace('/', "--")));
    let named = fs_err::read_to_string(folder.join("refs").join(&repository.revision));
    let commit = named.map_or(repository.revision.clone(), |text| text.trim().to_owned());
    let snapshot = folder.join("snapshots").join(commit);
    let place = match &repository.file {
        Some(file) => snapshot.join(file),
        None => snapshot,
    };
    place.exists().then_some(place)
}

/// The hub's cache as its own tools find it: HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME, the home folder.
pub fn hub_cache_of_the_environment() -> PathBuf {
    let set = |name: &str| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let home = || env::home_dir().unwrap_or_default();
    set("HF_HUB_CACHE").unwrap_or_else(|| {
        let hub = set("HF_HOME").unwrap_or_else(|| {
            let caches = set("XDG_CACHE_HOME").unwrap_or_else(|| home().join(".cache"));
            caches.join("huggingface")
        });
        hub.join("hub")
    })
}
