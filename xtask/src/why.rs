//! `cargo xtask why STAGE`: what makes it stale, in full, what a run costs and what depends on it;
//! for a fresh one, what it depends on itself.

use std::io::Write;

use anyhow::Result;

use crate::{
    goal::Goal,
    hash::Files,
    lock::{FORMAT, Key, Lock, unix_now},
    pipeline::Pipeline,
    plan::{Planned, Verdict, plan, seconds_to_run},
    project::Project,
    stage::{STAGES, Stage},
    staleness::Reason,
    units::{age, duration, size},
};

/// Explains the named stage, or every stage that is not fresh.
pub fn print(
    project: &Project,
    pipeline: &Pipeline,
    named: Option<&'static Stage>,
    out: &mut dyn Write,
) -> Result<()> {
    let planned = plan(project, pipeline, &Goal::all(false))?;
    let shown: Vec<&Planned> = planned
        .iter()
        .filter(|planned| match named {
            Some(stage) => planned.stage.name == stage.name,
            None => planned.verdict != Verdict::Fresh,
        })
        .collect();
    if shown.is_empty() {
        writeln!(
            out,
            "everything is fresh; `cargo xtask why STAGE` says what a stage depends on"
        )?;
    }
    for (position, one) in shown.into_iter().enumerate() {
        if position > 0 {
            writeln!(out)?;
        }
        explain(project, pipeline, &planned, one, out)?;
    }
    Ok(())
}

fn explain(
    project: &Project,
    pipeline: &Pipeline,
    all: &[Planned],
    planned: &Planned,
    out: &mut dyn Write,
) -> Result<()> {
    let name = planned.stage.name;
    match &planned.verdict {
        Verdict::Fresh => {
            writeln!(
                out,
                "{name} is fresh: nothing that it depends on has changed since its last run"
            )?;
            dependencies(planned, out)?;
        }
        Verdict::Stale(reasons) => {
            writeln!(out, "{name} is stale: `cargo xtask {name}` runs it again")?;
            let nothing = Lock::default();
            let recorded = planned.recorded.as_ref().unwrap_or(&nothing);
            for reason in reasons {
                let partial = project.partial_folder(&pipeline.name, planned.stage);
                let partial = partial
                    .map(|partial| project.display(&partial))
                    .unwrap_or_default();
                writeln!(out, "  {}", detailed(reason, recorded, planned, &partial))?;
            }
        }
        Verdict::Waits(upstream) => {
            writeln!(
                out,
                "{name} waits for {}: it runs if their outputs change, and is fresh otherwise",
                upstream.join(", ")
            )?;
        }
    }
    last_run(planned, out)?;
    dependents(all, planned, out)
}

fn detailed(reason: &Reason, recorded: &Lock, planned: &Planned, partial: &str) -> String {
    let (old, now) = (&recorded.key, &planned.now.key);
    let change = |of: fn(&Key) -> &std::collections::BTreeMap<String, String>, key: &str| {
        format!("{} -> {}", short(of(old).get(key)), short(of(now).get(key)))
    };
    match reason {
        Reason::Forced => "it was asked to run".to_owned(),
        Reason::NeverRan => "it never ran with this pipeline".to_owned(),
        Reason::Interrupted => format!("its last run was interrupted: {partial} is left of it"),
        Reason::LockFormatUnknown { found: 0 } => "its lock cannot be read".to_owned(),
        Reason::LockFormatUnknown { found } => format!(
            "its lock was written by another version of xtask (format {found}, not {FORMAT}); `cargo xtask accept` takes the \
             result as it is"
        ),
        Reason::StageVersionChanged { old, new } => {
            format!("version: {old} -> {new}; results of the older version are no longer right")
        }
        Reason::ParameterChanged { key, old, new } => format!("parameter {key}: {old} -> {new}"),
        Reason::ParameterAdded { key, new } => format!("parameter {key}: was absent, is {new}"),
        Reason::ParameterRemoved { key, old } => format!("parameter {key}: was {old}, is absent"),
        Reason::InputChanged { path } | Reason::InputAdded { path } | Reason::InputRemoved { path } => {
            format!("input {path}: {}", change(|key| &key.inputs, path))
        }
        Reason::UpstreamChanged { stage } => {
            format!("outputs of {stage}: {}", change(|key| &key.upstream, stage))
        }
        Reason::CodeChanged { name } => format!(
            "sources of the crate {name} (crates/{name}): {}",
            change(|key| &key.code, name)
        ),
        Reason::OutputMissing { path }
        | Reason::OutputEdited { path }
        | Reason::OutputUnexpected { path } => {
            let hash = |files: &Files| short(files.get(path).map(|file| &file.hash));
            let (old, new) = (hash(&recorded.outputs), hash(&planned.now.outputs));
            format!("its own output {path}: {old} -> {new}")
        }
    }
}

/// Enough of a hash to tell two apart.
fn short(hash: Option<&String>) -> String {
    hash.map_or("absent".to_owned(), |hash| hash.chars().take(8).collect())
}

fn dependencies(planned: &Planned, out: &mut dyn Write) -> Result<()> {
    let key = &planned.now.key;
    for (name, value) in &key.parameters {
        writeln!(out, "  parameter {name}: {value}")?;
    }
    let kinds = [
        ("input ", &key.inputs),
        ("outputs of ", &key.upstream),
        ("sources of the crate ", &key.code),
    ];
    for (kind, hashes) in kinds {
        for (name, hash) in hashes {
            writeln!(out, "  {kind}{name}: {}", short(Some(hash)))?;
        }
    }
    Ok(())
}

fn last_run(planned: &Planned, out: &mut dyn Write) -> Result<()> {
    let Some(run) = planned.last_run() else {
        return Ok(());
    };
    let when = age(unix_now().saturating_sub(run.finished_unix));
    let commit: String = run
        .origin
        .commit
        .as_deref()
        .unwrap_or("unknown")
        .chars()
        .take(8)
        .collect();
    let edited = if run.origin.dirty { ", with changes" } else { "" };
    writeln!(
        out,
        "its last run took {} on {}, {when}, at commit {commit}{edited}; it left {} in {} file(s)",
        duration(run.seconds),
        run.device,
        size(planned.now.bytes()),
        planned.now.outputs.len()
    )?;
    Ok(())
}

/// The stages that read it, directly or not.
fn dependents(all: &[Planned], planned: &Planned, out: &mut dyn Write) -> Result<()> {
    let later = followers(planned.stage);
    if later.is_empty() {
        return Ok(writeln!(out, "no stage depends on it")?);
    }
    let seconds: Option<Vec<f64>> = all
        .iter()
        .filter(|other| later.contains(&other.stage.name))
        .map(|other| Some(other.last_run()?.seconds))
        .collect();
    let took = seconds.map_or(String::new(), |all| {
        format!(", which took {} the last time", duration(all.iter().sum()))
    });
    writeln!(
        out,
        "if its outputs change, these run too: {}{took}",
        later.join(", ")
    )?;
    if planned.verdict != Verdict::Fresh
        && let Some(seconds) = seconds_to_run(all)
    {
        writeln!(out, "to bring all up to date takes up to {}", duration(seconds))?;
    }
    Ok(())
}

fn followers(stage: &Stage) -> Vec<&'static str> {
    let mut found = vec![stage.name];
    for later in STAGES {
        if later.upstream.iter().any(|name| found.contains(name)) {
            found.push(later.name);
        }
    }
    found.split_off(1)
}
