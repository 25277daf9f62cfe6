//! `cargo xtask accept`: marks existing outputs as what the current code, parameters and inputs
//! would produce.
//!
//! For changes that cannot affect a result, such as a refactor, where a run would take hours.

use std::io::Write;

use anyhow::{Result, bail};

use crate::{
    goal::Goal,
    lock::{FORMAT, Lock, unix_now},
    pipeline::Pipeline,
    pipeline_lock::PipelineLock,
    project::Project,
    snapshot::Observer,
    stage::Stage,
    staleness::{Reason, Snapshot, stale_because, summary},
};

/// Accepts the named stage, or every stage. All or none: a stage that cannot be accepted leaves
/// every lock as it was.
pub fn accept(
    project: &Project,
    pipeline: &Pipeline,
    stage: Option<&'static Stage>,
    out: &mut dyn Write,
) -> Result<()> {
    let stages = match stage {
        Some(stage) => vec![stage],
        None => Goal::all(false).stages,
    };
    let _guard = PipelineLock::take(project, &pipeline.name)?;
    let mut observer = Observer::new(project, pipeline)?;
    let mut accepted = Vec::new();
    for stage in stages {
        let recorded = Lock::read(&project.lock_file(&pipeline.name, stage))?;
        let now = observer.snapshot(stage, false)?;
        let reasons = stale_because(stage, &now, recorded.as_ref());
        refuse(project, pipeline, stage, &now, &reasons)?;
        accepted.push((stage, reasons, blessed(pipeline, stage, now, recorded)));
    }
    for (stage, reasons, lock) in accepted {
        if reasons.is_empty() {
            writeln!(out, "{:<9}fresh", stage.name)?;
            continue;
        }
        lock.write(&project.lock_file(&pipeline.name, stage))?;
        while let Some(partial) = project.partial_folder(&pipeline.name, stage) {
            fs_err::remove_dir_all(&partial)?;
        }
        writeln!(out, "{:<9}accepted: {}", stage.name, summary(&reasons))?;
    }
    Ok(())
}

/// Outputs that are missing, or are not what the stage wrote, are not a result.
fn refuse(
    project: &Project,
    pipeline: &Pipeline,
    stage: &Stage,
    now: &Snapshot,
    reasons: &[Reason],
) -> Result<()> {
    let name = stage.name;
    if now.outputs.is_empty() {
        let folder = project.display(&project.stage_folder(&pipeline.name, stage));
        bail!("cannot accept {name}: {folder} holds no outputs; run cargo xtask {name}");
    }
    if let Some(missing) = stage
        .upstream
        .iter()
        .find(|upstream| !now.key.upstream.contains_key(**upstream))
    {
        bail!("cannot accept {name}: {missing} has no outputs; run cargo xtask {name}");
    }
    let not_as_written = reasons.iter().find(|reason| {
        matches!(
            reason,
            Reason::OutputMissing { .. } | Reason::OutputEdited { .. } | Reason::OutputUnexpected { .. }
        )
    });
    if let Some(reason) = not_as_written {
        bail!("cannot accept {name}: {reason}; run cargo xtask {name} to make it again");
    }
    Ok(())
}

/// The lock of the present state. What is known of the run that made the outputs stays.
fn blessed(pipeline: &Pipeline, stage: &Stage, now: Snapshot, recorded: Option<Lock>) -> Lock {
    let mut provenance = recorded.unwrap_or_default().provenance;
    provenance.pipeline = Some(pipeline.file.clone());
    provenance.accepted_unix = Some(unix_now());
    Lock {
        format: FORMAT,
        stage: stage.name.to_owned(),
        version: stage.version,
        key: now.key,
        outputs: now.outputs,
        provenance,
    }
}
