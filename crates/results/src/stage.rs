use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use pipeline::Pipeline;
use progress::start_log;
use terminal::{finish, parsed};
use terms::Stage;

use crate::{Error, Layout, Result};
use files::process::{is_abandoned, this_process};

/// What every stage binary is told; `cargo xtask` fills it in.
#[derive(Debug, Parser)]
pub struct StageArguments {
    /// The pipeline file
    #[arg(long, value_name = "FILE")]
    pub pipeline: PathBuf,
    /// The folder of this pipeline's results
    #[arg(long, value_name = "FOLDER")]
    pub results: PathBuf,
    /// Overrides one parameter; may be repeated
    #[arg(long = "set", value_name = "TABLE.KEY=VALUE", allow_hyphen_values = true)]
    pub overrides: Vec<String>,
}

impl StageArguments {
    /// The pipeline with its overrides, and where its results are.
    ///
    /// # Errors
    ///
    /// Where the pipeline file or an override can't be used.
    pub fn read(&self) -> Result<(Pipeline, Layout)> {
        let pipeline = Pipeline::read(&self.pipeline, &self.overrides)?;
        Ok((pipeline, Layout::new(&self.results)))
    }
}

/// The body of a stage's `main`: reads the arguments and the pipeline, runs `stage`, prints what
/// went wrong.
///
/// Results appear under the final name only when `stage` returned without an error.
pub fn run_stage<E: std::fmt::Display>(
    stage: Stage,
    run: impl FnOnce(&Pipeline, &Layout, &Path) -> std::result::Result<(), E>,
) -> ExitCode {
    start_log();
    let arguments: StageArguments = parsed();
    let outcome = (|| {
        let (pipeline, layout) = arguments.read().map_err(|error| error.to_string())?;
        let directory = StageDirectory::begin(&layout, stage).map_err(|error| error.to_string())?;
        run(&pipeline, &layout, directory.path()).map_err(|error| format!("{error:#}"))?;
        directory.commit().map_err(|error| error.to_string())
    })();
    finish::<String>(&format!("the stage {} failed", stage.as_str()), outcome)
}

/// The folder that a stage writes into: `<stage>.partial.HOST.PROCESS` until [`commit`](Self::commit) renames
/// it. Each process has its own, so that two at once (a task that was queued again, and its orphan) don't
/// write into, or remove, the other's.
///
/// A stage that fails removes the partial folder; one that is killed leaves it behind, and the next one removes it. The earlier
/// result stays untouched either way. Between the two renames of `commit` there is briefly no
/// result, but never a mixture of two.
#[derive(Debug)]
pub struct StageDirectory {
    partial: PathBuf,
    place: PathBuf,
}

impl StageDirectory {
    /// Makes the partial folder; those that interrupted runs left are removed.
    ///
    /// # Errors
    /// What the file system says.
    pub fn begin(layout: &Layout, stage: Stage) -> Result<Self> {
        let place = layout.stage(stage);
        remove_abandoned(layout, stage)?;
        let partial = place.with_extension(format!("partial.{}", this_process()));
        remove_if_there(&partial)?;
        fs_err::create_dir_all(&partial).map_err(|error| {
            let message = format!("can't make this folder ({error}); check that you may write there");
            Error::invalid(&partial, message)
        })?;
        Ok(StageDirectory { partial, place })
    }

    /// The partial folder.
    pub fn path(&self) -> &Path {
        &self.partial
    }

    /// Puts the folder in the place of the earlier result.
    ///
    /// # Errors
    /// What the file system says.
    pub fn commit(self) -> Result<()> {
        let previous = self.place.with_extension(format!("previous.{}", this_process()));
        remove_if_there(&previous)?;
        if self.place.exists() {
            fs_err::rename(&self.place, &previous)?;
        }
        fs_err::rename(&self.partial, &self.place)?;
        remove_if_there(&previous)
    }
}

impl Drop for StageDirectory {
    fn drop(&mut self) {
        // After a commit there is nothing left to remove; if removing fails, the next run tries
        // again and says so.
        let _ = remove_if_there(&self.partial);
    }
}

/// What killed runs of the stage left.
fn remove_abandoned(layout: &Layout, stage: Stage) -> Result<()> {
    let Ok(entries) = fs_err::read_dir(layout.root()) else {
        return Ok(());
    };
    let left = ["partial", "previous"].map(|kind| format!("{}.{kind}", stage.as_str()));
    for entry in entries {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if left.iter().any(|start| name.starts_with(start)) && is_abandoned(&path) {
            remove_if_there(&path)?;
        }
    }
    Ok(())
}

fn remove_if_there(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs_err::remove_dir_all(folder)?;
    }
    Ok(())
}
