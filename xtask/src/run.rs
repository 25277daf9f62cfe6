//! Brings stages up to date: decides, runs, records.

use std::{io::Write, path::PathBuf, time::Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{
    device::Target,
    goal::Goal,
    lock::{FORMAT, Key, Lock, Origin, Provenance, unix_now},
    pipeline::Pipeline,
    pipeline_lock::PipelineLock,
    plan::{Planned, Verdict, plan, plan_with, seconds_to_run},
    project::Project,
    snapshot::Observer,
    source::{self, Repository, Source},
    stage::{Input, Stage},
    stage_arguments::stage_arguments,
    staleness::{stale_because, summary},
    units::duration,
};

/// The world outside: how stages are built and run. Tests put a fake in its place.
pub trait Runner {
    /// Makes the binaries of all stages. Called at most once, and only if a stage is to run.
    fn build(&mut self, target: Target) -> Result<()>;

    /// Brings a model or an adapter of the hub into the cache, as far as it isn't there. Called at most
    /// once for each.
    fn fetch(&mut self, repository: &Repository) -> Result<()>;

    /// Runs one stage to its end, or hands it to others; an error if it fails.
    fn run(&mut self, work: &Work<'_>) -> Result<Ran>;

    /// What the binaries were built from. Asked after `build`.
    fn origin(&self) -> Origin;
}

/// What a stage's program is to do.
#[derive(Debug)]
pub struct Work<'a> {
    pub stage: &'a Stage,
    /// See `stage_arguments.rs`.
    pub arguments: Vec<String>,
    /// Of the stage's shards, where it has any.
    pub key: Option<String>,
    /// Where other processes than this one leave their words.
    pub logs: PathBuf,
}

/// How a stage was run.
#[derive(Debug, PartialEq, Eq)]
pub enum Ran {
    /// Its result is there.
    Done,
    /// Others work on it, as these words say; whoever comes after them goes on.
    Elsewhere(String),
}

pub const NOTHING_RUN: &str = "nothing was run";

pub fn run(
    project: &Project,
    pipeline: &Pipeline,
    goal: &Goal,
    runner: &mut dyn Runner,
    out: &mut dyn Write,
) -> Result<()> {
    let _guard = PipelineLock::take(project, &pipeline.name).context(NOTHING_RUN)?;
    let mut observer = Observer::new(project, pipeline).context(NOTHING_RUN)?;
    // What is missing is reported before the first stage has worked for hours.
    for stage in &goal.stages {
        observer.require_inputs(stage).context(NOTHING_RUN)?;
    }
    let mut planned = plan_with(&mut observer, project, pipeline, goal)?;
    let (mut built, mut fetched) = (false, false);
    for (position, &stage) in goal.stages.iter().enumerate() {
        let recorded = Lock::read(&project.lock_file(&pipeline.name, stage))?;
        let now = observer.snapshot(stage, goal.forces(stage))?;
        let reasons = stale_because(stage, &now, recorded.as_ref());
        if reasons.is_empty() {
            writeln!(out, "{:<9}fresh", stage.name)?;
            planned[position].verdict = Verdict::Fresh;
            continue;
        }
        if !built {
            runner.build(pipeline.target())?;
            built = true;
        }
        let missing = missing_models(project, pipeline, stage, &mut fetched);
        for repository in &missing {
            runner.fetch(repository)?;
        }
        let (now, reasons) = match missing.is_empty() {
            true => (now, reasons),
            false => {
                // What came decides: a cache that was cleared may have been filled with the same
                // files.
                let now = observer.snapshot(stage, goal.forces(stage))?;
                let reasons = stale_because(stage, &now, recorded.as_ref());
                (now, reasons)
            }
        };
        if reasons.is_empty() {
            writeln!(out, "{:<9}fresh", stage.name)?;
            continue;
        }
        writeln!(
            out,
            "{:<9}runs: {}{}",
            stage.name,
            summary(&reasons),
            time_left(&planned[position..])
        )?;
        let forced = goal.forces(stage);
        match run_stage(project, pipeline, stage, (now.key, forced), &mut observer, runner)? {
            Outcome::Done(seconds) => writeln!(out, "{:<9}done in {seconds:.1} s", stage.name)?,
            Outcome::Elsewhere(words) => {
                writeln!(out, "{:<9}{words}", stage.name)?;
                return Ok(());
            }
        }
    }
    let result = goal.result(project, pipeline);
    if built {
        writeln!(
            out,
            "{}: {result}",
            if goal.is_whole() { "report" } else { "result" }
        )?;
    } else {
        writeln!(out, "everything is fresh: {result}")?;
    }
    Ok(())
}

/// The repositories that a stage needs and that were not asked for in this run. The hub is asked even
/// where the cache holds the model: a branch may have moved on, and a download may have been broken
/// off.
fn missing_models(
    project: &Project,
    pipeline: &Pipeline,
    stage: &Stage,
    fetched: &mut bool,
) -> Vec<Repository> {
    let needs_model = stage.inputs.iter().any(|input| matches!(input, Input::Model));
    if *fetched || !needs_model {
        return Vec::new();
    }
    *fetched = true;
    let sources = source::sources(project, pipeline).into_iter();
    let of_hub = sources.filter_map(|(_, source)| match source {
        Source::Hub(repository) => Some(repository),
        _ => None,
    });
    of_hub.collect()
}

/// How long what is left took the last time, where that is known and long enough to be worth a
/// word.
fn time_left(planned: &[Planned]) -> String {
    match seconds_to_run(planned) {
        Some(seconds) if seconds >= 2.0 => {
            format!(" (up to {} left, as the last runs took)", duration(seconds))
        }
        _ => String::new(),
    }
}

pub fn dry_run(project: &Project, pipeline: &Pipeline, goal: &Goal, out: &mut dyn Write) -> Result<()> {
    let mut all_fresh = true;
    for planned in plan(project, pipeline, goal)? {
        let line = match &planned.verdict {
            Verdict::Fresh => "fresh".to_owned(),
            Verdict::Stale(reasons) => format!("would run: {}", summary(reasons)),
            Verdict::Waits(upstream) => format!("waits for {}", upstream.join(", ")),
        };
        all_fresh &= planned.verdict == Verdict::Fresh;
        writeln!(out, "{:<9}{line}", planned.stage.name)?;
    }
    if all_fresh {
        writeln!(out, "everything is fresh: {}", goal.result(project, pipeline))?;
    }
    Ok(())
}

enum Outcome {
    /// In so many seconds.
    Done(f64),
    Elsewhere(String),
}

/// Runs one stage and records it. The key is the one seen before the run: what changed meanwhile
/// shows next time. A stage that is forced makes its shards again.
fn run_stage(
    project: &Project,
    pipeline: &Pipeline,
    stage: &'static Stage,
    (key, forced): (Key, bool),
    observer: &mut Observer<'_>,
    runner: &mut dyn Runner,
) -> Result<Outcome> {
    let start = Instant::now();
    let work = Work {
        stage,
        arguments: stage_arguments(project, pipeline),
        key: observer.key_of_shards(stage, &key),
        logs: project.logs(&pipeline.name),
    };
    let shards = project.shards_folder(&pipeline.name, stage);
    if forced && shards.exists() {
        fs_err::remove_dir_all(shards)?;
    }
    if let Ran::Elsewhere(words) = runner.run(&work)? {
        return Ok(Outcome::Elsewhere(words));
    }
    let seconds = start.elapsed().as_secs_f64();

    if let Some(partial) = project.partial_folder(&pipeline.name, stage) {
        bail!(
            "{} ended without an error but left {}; nothing was recorded",
            stage.name,
            project.display(&partial)
        );
    }
    let outputs = observer.outputs(stage)?;
    ensure!(
        !outputs.is_empty(),
        "{} ended without an error but wrote nothing to {}; nothing was recorded",
        stage.name,
        project.display(&project.stage_folder(&pipeline.name, stage))
    );
    let provenance = Provenance {
        origin: runner.origin(),
        pipeline: Some(pipeline.file.clone()),
        device: pipeline.device.to_string(),
        seconds: (seconds * 1000.0).round() / 1000.0,
        finished_unix: unix_now(),
        accepted_unix: None,
    };
    let lock = Lock {
        format: FORMAT,
        stage: stage.name.to_owned(),
        version: stage.version,
        key,
        outputs,
        provenance,
    };
    lock.write(&project.lock_file(&pipeline.name, stage))?;
    Ok(Outcome::Done(seconds))
}
