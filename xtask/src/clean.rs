//! `cargo xtask clean`: removes the results of one pipeline.

use std::io::Write;

use anyhow::Result;

use crate::{pipeline_lock::PipelineLock, project::Project};

pub fn clean(project: &Project, pipeline: &str, dry_run: bool, out: &mut dyn Write) -> Result<()> {
    let folder = project.results(pipeline);
    let shown = project.display(&folder);
    if !folder.is_dir() {
        writeln!(out, "nothing to remove: there is no {shown}")?;
    } else if dry_run {
        writeln!(out, "would remove {shown}")?;
    } else {
        let _guard = PipelineLock::take(project, pipeline)?;
        fs_err::remove_dir_all(&folder)?;
        writeln!(out, "removed {shown}")?;
    }
    Ok(())
}
