//! Where a pipeline's model is: in a local folder or file, or in the cache of the Hugging Face hub.

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
pub fn require(pipeline: &Pipeline, source: &Source) -> Result<()> {
    let file = &pipeline.file;
    if pipeline.text("model.path").is_some() {
        bail!("{file}: model.path is filled in by cargo xtask; give the path as model.source");
    }
    match (source, pipeline.text("model.source")) {
        (Source::Wrong(problem), Some(value)) => bail!("{file}: model.source = \"{value}\": {problem}"),
        _ => Ok(()),
    }
}

fn cached(project: &Project, repository: &Repository) -> Option<PathBuf> {
    let snapshot = hub_cache::snapshot(project.hub_cache(), &repository.id, &repository.revision)?;
    let file = repository.file.as_deref();
    if !model_folder::missing(&snapshot, file).is_empty() {
        return None;
    }
    Some(match file {
        Some(file) => snapshot.join(file),
        None => snapshot,
    })
}
