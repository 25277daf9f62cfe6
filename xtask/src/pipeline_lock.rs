//! One xtask at a time per pipeline: two would write the same folders.

use std::fs::TryLockError;

use anyhow::{Context as _, Result, bail};
use fs_err::File;

use crate::project::Project;

/// Holds the pipeline until dropped. The lock belongs to the open file, so a killed process leaves
/// none behind.
#[derive(Debug)]
pub struct PipelineLock {
    file: File,
}

impl PipelineLock {
    pub fn take(project: &Project, pipeline: &str) -> Result<PipelineLock> {
        let folder = project.results(pipeline);
        let cannot_write = || {
            let shown = project.display(&folder);
            format!("cannot write to the results folder {shown}; make it writable, or free some space")
        };
        fs_err::create_dir_all(&folder).with_context(cannot_write)?;
        let file = File::create(project.running(pipeline)).with_context(cannot_write)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "another `cargo xtask` is already running pipeline {pipeline} (it holds {}); wait for it, or \
                 stop it",
                project.display(&project.running(pipeline))
            ),
            // Some network file systems have no locks at all: a warning is better than no run.
            Err(TryLockError::Error(error)) => terminal::remark(format_args!(
                "warning: this file system cannot lock {} ({error}); run one xtask at a time",
                project.display(&project.running(pipeline))
            )),
        }
        Ok(PipelineLock { file })
    }

    /// Whether another process runs the pipeline. Creates no file.
    pub fn is_held(project: &Project, pipeline: &str) -> bool {
        let Ok(file) = File::open(project.running(pipeline)) else {
            return false;
        };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }
}

impl Drop for PipelineLock {
    /// A process that was just started holds a copy of the open file until its program takes over,
    /// and would keep the lock.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}
