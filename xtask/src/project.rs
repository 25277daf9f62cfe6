//! Where things are: the root of the project, and the files of a pipeline's results.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use files::{HubVariables, process::is_of_another_machine};

use crate::stage::Stage;

/// The root of the checkout. Stages run with it as their working directory.
#[derive(Debug, Clone)]
pub struct Project {
    root: PathBuf,
    hub_cache: PathBuf,
}

impl Project {
    pub fn at(root: impl Into<PathBuf>, hub_cache: impl Into<PathBuf>) -> Project {
        Project {
            root: root.into(),
            hub_cache: hub_cache.into(),
        }
    }

    /// The folder that holds `xtask/`. What the environment says at run time comes first, so that a
    /// clone that was moved after its build still works.
    pub fn find() -> Result<Project> {
        let from_cargo = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let from_cargo = from_cargo
            .as_deref()
            .and_then(Path::parent)
            .map(Path::to_path_buf);
        let working_folder = env::current_dir().unwrap_or_default();
        let built_in = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .map(Path::to_path_buf);

        let root = from_cargo
            .into_iter()
            .chain(working_folder.ancestors().map(Path::to_path_buf))
            .chain(built_in)
            .find(|folder| folder.join("xtask/Cargo.toml").is_file());
        let root = root.context("no project found here or above; run cargo xtask inside the checkout")?;
        // Without a home there is no cache, and the downloader will say so.
        Ok(Project::at(
            root,
            HubVariables::of_process().cache.unwrap_or_default(),
        ))
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where models of the Hugging Face hub are cached.
    pub fn hub_cache(&self) -> &Path {
        &self.hub_cache
    }

    /// A path of a pipeline file: relative ones start at the root.
    pub fn resolve(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// How a path is written in messages and lock files: relative to the root where that is
    /// possible.
    pub fn display(&self, path: &Path) -> String {
        let shown = path.strip_prefix(&self.root).unwrap_or(path);
        shown.to_string_lossy().replace('\\', "/")
    }

    pub fn pipelines(&self) -> PathBuf {
        self.root.join("pipelines")
    }

    pub fn hash_memo(&self) -> PathBuf {
        self.root.join("results/.hash-memo.toml")
    }

    pub fn token_memo(&self) -> PathBuf {
        self.root.join("results/.token-memo.toml")
    }

    pub fn results(&self, pipeline: &str) -> PathBuf {
        self.root.join("results").join(pipeline)
    }

    /// Held by the one xtask that works on this pipeline.
    pub fn running(&self, pipeline: &str) -> PathBuf {
        self.results(pipeline).join(".running")
    }

    pub fn stage_folder(&self, pipeline: &str, stage: &Stage) -> PathBuf {
        self.results(pipeline).join(stage.name)
    }

    /// Where a stage writes until it is done: `STAGE.partial`, and behind it the machine and the process. Found while
    /// nothing runs, it means that the stage was interrupted.
    pub fn partial_folder(&self, pipeline: &str, stage: &Stage) -> Option<PathBuf> {
        let start = format!("{}.partial", stage.name);
        let entries = fs_err::read_dir(self.results(pipeline)).ok()?;
        let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let is_left = |path: &PathBuf| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with(&start))
        };
        paths.find(|path| is_left(path) && !is_of_another_machine(path))
    }

    /// Where the shards of a stage are made.
    pub fn shards_folder(&self, pipeline: &str, stage: &Stage) -> PathBuf {
        self.results(pipeline).join(format!("{}.shards", stage.name))
    }

    /// Where what was submitted to a scheduler is.
    pub fn submissions(&self, pipeline: &str) -> PathBuf {
        self.results(pipeline).join("cluster")
    }

    /// Where processes that nobody looks at leave their words.
    pub fn logs(&self, pipeline: &str) -> PathBuf {
        self.results(pipeline).join("logs")
    }

    pub fn lock_file(&self, pipeline: &str, stage: &Stage) -> PathBuf {
        self.results(pipeline).join(format!("{}.lock.toml", stage.name))
    }

    pub fn report(&self, pipeline: &str) -> PathBuf {
        self.results(pipeline).join("report/report.html")
    }
}
