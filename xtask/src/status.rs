//! `cargo xtask status`: a row per stage.

use std::io::Write;

use anyhow::Result;

use crate::{
    guard::Guard,
    hash::Files,
    pipeline::Pipeline,
    plan::{Planned, Verdict, plan},
    project::Project,
    run::{Goal, unix_now},
    staleness::summary,
};

pub fn print(project: &Project, pipeline: &Pipeline, out: &mut dyn Write) -> Result<()> {
    writeln!(
        out,
        "{:<9}{:>10}  {:>12}  {:>9}  state",
        "stage", "size", "age", "took"
    )?;
    for planned in plan(project, pipeline, &Goal::all(false))? {
        writeln!(out, "{}", row(&planned, unix_now()))?;
    }
    if Guard::is_held(project, &pipeline.name) {
        writeln!(out, "a run is under way; what looks interrupted may be at work")?;
    }
    Ok(())
}

fn row(planned: &Planned, now_unix: u64) -> String {
    let state = match &planned.verdict {
        Verdict::Fresh => "fresh".to_owned(),
        Verdict::Stale(reasons) => summary(reasons),
        Verdict::Waits(upstream) => format!("waits for {}", upstream.join(", ")),
    };
    // A lock of an unknown format was read as one without a date.
    let run = planned
        .recorded
        .as_ref()
        .map(|lock| &lock.provenance)
        .filter(|run| run.finished_unix > 0);
    let age = run.map_or("-".to_owned(), |run| {
        age(now_unix.saturating_sub(run.finished_unix))
    });
    let took = run.map_or("-".to_owned(), |run| format!("{:.1} s", run.seconds));
    format!(
        "{:<9}{:>10}  {age:>12}  {took:>9}  {state}",
        planned.stage.name,
        size(&planned.now.outputs)
    )
}

fn size(files: &Files) -> String {
    if files.is_empty() {
        return "-".to_owned();
    }
    let bytes: u64 = files.values().map(|file| file.bytes).sum();
    let units = [("GiB", 1u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match units.iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{:.1} {name}", bytes as f64 / *unit as f64),
        None => format!("{bytes} B"),
    }
}

fn age(seconds: u64) -> String {
    let units = [("days", 86_400), ("h", 3_600), ("min", 60)];
    // Two of a unit at least, so that nothing is called `1 days`.
    match units.iter().find(|(_, unit)| seconds >= 2 * unit) {
        Some((name, unit)) => format!("{} {name} ago", seconds / unit),
        None => format!("{seconds} s ago"),
    }
}
