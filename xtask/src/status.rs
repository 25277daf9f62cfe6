//! `cargo xtask status`: a row per stage.

use std::io::Write;

use anyhow::Result;
use serde::Serialize;

use crate::{
    cluster,
    goal::Goal,
    lock::{Provenance, unix_now},
    pipeline::Pipeline,
    pipeline_lock::PipelineLock,
    plan::{Planned, Verdict, plan, seconds_to_run},
    project::Project,
    staleness::{Reason, summary},
    units::{age, duration, size},
};

pub fn print(project: &Project, pipeline: &Pipeline, colours: bool, out: &mut dyn Write) -> Result<()> {
    let planned = plan(project, pipeline, &Goal::all(false))?;
    writeln!(
        out,
        "pipeline {} ({}), {}\n",
        pipeline.name, pipeline.file, pipeline.device
    )?;
    let heading = ["stage", "state", "took", "when", "size", "why"].map(str::to_owned);
    let rows: Vec<[String; 6]> = planned.iter().map(|planned| row(planned, unix_now())).collect();
    print_table(&heading, &rows, colours, out)?;
    if PipelineLock::is_held(project, &pipeline.name) {
        writeln!(
            out,
            "\na run is in progress; what looks interrupted may be running"
        )?;
    }
    for line in cluster::status(project, pipeline)? {
        writeln!(out, "\n{line}")?;
    }
    let Some(first) = planned.iter().find(|planned| planned.verdict != Verdict::Fresh) else {
        writeln!(
            out,
            "\neverything is fresh: {}",
            project.display(&project.report(&pipeline.name))
        )?;
        return Ok(());
    };
    let name = first.stage.name;
    write!(
        out,
        "\n`cargo xtask why {name}` says more, `cargo xtask all` brings everything up to date"
    )?;
    match seconds_to_run(&planned) {
        Some(seconds) => writeln!(out, ": up to {}, as the last runs took", duration(seconds))?,
        None => writeln!(out)?,
    }
    Ok(())
}

/// The same for scripts; `docs/command-line.md` has the shape.
pub fn print_json(project: &Project, pipeline: &Pipeline, out: &mut dyn Write) -> Result<()> {
    let planned = plan(project, pipeline, &Goal::all(false))?;
    let report = project.report(&pipeline.name);
    let status = Status {
        pipeline: &pipeline.name,
        file: &pipeline.file,
        results: project.display(&project.results(&pipeline.name)),
        device: pipeline.device.to_string(),
        report: report.is_file().then(|| project.display(&report)),
        running: PipelineLock::is_held(project, &pipeline.name),
        seconds_to_run: seconds_to_run(&planned),
        stages: planned.iter().map(StageStatus::of).collect(),
    };
    writeln!(out, "{}", serde_json::to_string_pretty(&status)?)?;
    Ok(())
}

#[derive(Serialize)]
struct Status<'a> {
    pipeline: &'a str,
    file: &'a str,
    results: String,
    device: String,
    report: Option<String>,
    running: bool,
    seconds_to_run: Option<f64>,
    stages: Vec<StageStatus>,
}

#[derive(Serialize)]
struct StageStatus {
    stage: &'static str,
    state: &'static str,
    reasons: Vec<String>,
    waits_for: Vec<&'static str>,
    seconds: Option<f64>,
    finished_unix: Option<u64>,
    bytes: u64,
}

impl StageStatus {
    fn of(planned: &Planned) -> StageStatus {
        let run = planned.last_run();
        let (reasons, waits_for) = match &planned.verdict {
            Verdict::Fresh => (Vec::new(), Vec::new()),
            Verdict::Stale(reasons) => (reasons.iter().map(Reason::to_string).collect(), Vec::new()),
            Verdict::Waits(upstream) => (Vec::new(), upstream.clone()),
        };
        StageStatus {
            stage: planned.stage.name,
            state: planned.verdict.name(),
            reasons,
            waits_for,
            seconds: run.map(|run| run.seconds),
            finished_unix: run.map(|run| run.finished_unix),
            bytes: planned.now.bytes(),
        }
    }
}

fn row(planned: &Planned, now_unix: u64) -> [String; 6] {
    let why = match &planned.verdict {
        Verdict::Fresh => String::new(),
        Verdict::Stale(reasons) => summary(reasons),
        Verdict::Waits(upstream) => format!("for {}", upstream.join(", ")),
    };
    let nothing = || "-".to_owned();
    let of_run = |cell: &dyn Fn(&Provenance) -> String| planned.last_run().map_or_else(nothing, cell);
    [
        planned.stage.name.to_owned(),
        planned.verdict.name().to_owned(),
        of_run(&|run| duration(run.seconds)),
        of_run(&|run| age(now_unix.saturating_sub(run.finished_unix))),
        match planned.now.bytes() {
            0 => nothing(),
            bytes => size(bytes),
        },
        why,
    ]
}

/// Columns as wide as their widest cell, under a line.
fn print_table(
    heading: &[String; 6],
    rows: &[[String; 6]],
    colours: bool,
    out: &mut dyn Write,
) -> Result<()> {
    let mut widths = [0; 6];
    for row in [heading].into_iter().chain(rows) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    // The last column may be long; the line below the heading need not.
    widths[5] = heading[5].len();
    let line = widths.map(|width| "─".repeat(width));
    for row in [heading, &line].into_iter().chain(rows) {
        let mut text = String::new();
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
            let is_number = matches!(column, 2..=4) && !cell.starts_with('─');
            let cell = if colours {
                coloured(cell, column)
            } else {
                cell.clone()
            };
            let (before, after) = if is_number {
                (&*padding, "")
            } else {
                ("", &*padding)
            };
            text.push_str(&format!("{before}{cell}{after}  "));
        }
        writeln!(out, "{}", text.trim_end())?;
    }
    Ok(())
}

fn coloured(cell: &str, column: usize) -> String {
    let colour = match (column, cell) {
        (1, "fresh") => "32",
        (1, "stale") => "33",
        (1, "waits") => "2",
        _ => return cell.to_owned(),
    };
    format!("\u{1b}[{colour}m{cell}\u{1b}[0m")
}
