//! Where a pipeline's model is, and an adapter on it: in a local folder or file, or in the cache of
//! the Hugging Face hub.

use std::{env, path::PathBuf};

use anyhow::{Result, bail};

use files::hub_cache;
use files::model_folder;

use crate::{pipeline::Pipeline, project::Project};

pub use files::{HubModel as Repository, ModelSource as Source};

/// `None` if the pipeline names no model.
pub fn source(project: &Project, pipeline: &Pipeline) -> Option<Source> {
    let value = pipeline.text("model.source")?;
    Some(named(project, value, pipeline.text("model.revision")))
}

/// `None` if the pipeline names no adapter.
pub fn adapter(project: &Project, pipeline: &Pipeline) -> Option<Source> {
    let (value, revision) = (
        pipeline.text("model.adapter")?,
        pipeline.text("model.adapter_revision"),
    );
    Some(Source::of_adapter(
        value,
        revision,
        project.root(),
        env::home_dir().as_deref(),
    ))
}

/// The keys under which a pipeline names its model and an adapter on it, each with the key that
/// stages are told the place under, and what they name.
pub fn sources(project: &Project, pipeline: &Pipeline) -> Vec<(Keys, Source)> {
    let model = source(project, pipeline).map(|source| (MODEL, source));
    let adapter = adapter(project, pipeline).map(|source| (ADAPTER, source));
    model.into_iter().chain(adapter).collect()
}

/// Where a pipeline says what is used, and where a stage is told the place of that.
#[derive(Clone, Copy)]
pub struct Keys {
    pub source: &'static str,
    pub place: &'static str,
}

const MODEL: Keys = Keys {
    source: "model.source",
    place: "model.path",
};

const ADAPTER: Keys = Keys {
    source: "model.adapter",
    place: "model.adapter_path",
};

/// What a source means in this project.
pub fn named(project: &Project, value: &str, revision: Option<&str>) -> Source {
    Source::of(value, revision, project.root(), env::home_dir().as_deref())
}

/// The path that stages are told, as far as all of it is there: the local one, or what is in the
/// hub's cache. A snapshot that was downloaded in part doesn't count.
pub fn place(project: &Project, source: &Source) -> Option<PathBuf> {
    match source {
        Source::Local(path) => Some(path.clone()),
        Source::Hub(repository) => cached(project, repository),
        Source::Wrong(_) => None,
    }
}

/// An error where a model could never be found there.
pub fn require(pipeline: &Pipeline, keys: Keys, source: &Source) -> Result<()> {
    let (file, key, place) = (&pipeline.file, keys.source, keys.place);
    if pipeline.text(place).is_some() {
        bail!("{file}: {place} is filled in by cargo xtask; give the path as {key}");
    }
    match (source, pipeline.text(key)) {
        (Source::Wrong(problem), Some(value)) => bail!("{file}: {key} = \"{value}\": {problem}"),
        _ => Ok(()),
    }
}

fn cached(project: &Project, repository: &Repository) -> Option<PathBuf> {
    let snapshot = hub_cache::snapshot(project.hub_cache(), &repository.id, &repository.revision)?;
    let file = repository.file.as_deref();
    let missing = match repository.is_adapter {
        true => model_folder::missing_of_adapter(&snapshot),
        false => model_folder::missing(&snapshot, file),
    };
    if !missing.is_empty() {
        return None;
    }
    Some(match file {
        Some(file) => snapshot.join(file),
        None => snapshot,
    })
}
