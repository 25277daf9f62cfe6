//! `cargo xtask`: plans the stages of a pipeline and runs those whose last result no longer holds.
//!
//! It knows which files, parameters and code each stage depends on, and nothing of what they mean: no tensor,
//! no Parquet, no crate of the workspace. A stage is a process of its own, so this binary builds in seconds.
//!
//! Read `stage.rs` for what there is to run, `staleness.rs` for when it runs again, `run.rs` for how.

mod accept;
mod clean;
mod completions;
mod device;
mod exit;
mod flags;
mod guard;
mod hash;
mod help;
#[path = "../../crates/artifacts/src/hub_cache.rs"]
#[allow(dead_code, reason = "the file is shared, and each of its users needs a part")]
mod hub_cache;
mod json;
mod lock;
mod memo;
#[path = "../../crates/artifacts/src/model_folder.rs"]
#[allow(dead_code, reason = "as above")]
mod model_folder;
#[path = "../../crates/artifacts/src/model_source.rs"]
mod model_source;
#[path = "../../crates/artifacts/src/nearest.rs"]
mod nearest;
mod new;
mod open;
mod owner;
mod pipeline;
mod plan;
mod process;
mod project;
mod run;
mod set;
mod snapshot;
mod source;
mod stage;
mod staleness;
mod status;
#[path = "../../crates/artifacts/src/terminal.rs"]
#[allow(dead_code, reason = "as above")]
mod terminal;
#[path = "../../crates/artifacts/src/text.rs"]
mod text;
mod tool;
mod verbs;
mod voice;
mod why;

#[cfg(test)]
mod tests;

use std::{
    ffi::OsString,
    io::{IsTerminal as _, Write as _},
    process::ExitCode,
};

use anyhow::{Context as _, Result};

use crate::{
    device::Device,
    exit::StageFailure,
    flags::{Asked, Xtask, XtaskCmd},
    pipeline::Pipeline,
    process::Processes,
    project::Project,
    run::Goal,
    terminal::Output,
};

fn main() -> ExitCode {
    let flags = match Xtask::from_command_line(std::env::args_os().skip(1).collect()) {
        Ok(Asked::Do(flags)) => flags,
        Ok(Asked::Help(text)) => {
            let _ = write!(Output, "{text}");
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            terminal::print_failure("", &message);
            return ExitCode::from(exit::USAGE);
        }
    };
    // With --json, standard output belongs to it.
    voice::set_loudness(flags.quiet || (flags.json && !flags.verbose), flags.verbose);
    match dispatch(&flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            voice::tell(&error);
            let stage = error.downcast_ref::<StageFailure>();
            ExitCode::from(stage.map_or(exit::FAILED, |failure| failure.code))
        }
    }
}

fn dispatch(flags: &Xtask) -> Result<()> {
    let project = Project::find()?;
    let out = &mut Output;
    match &flags.subcommand {
        XtaskCmd::All(_) => bring_up_to_date(&project, flags, Goal::all(flags.force)),
        XtaskCmd::Verify(_) => verify(&project, flags),
        XtaskCmd::Extract(_) => bring_up_to_date(&project, flags, Goal::stage("extract", flags.force)?),
        XtaskCmd::Analyze(_) => bring_up_to_date(&project, flags, Goal::stage("analyze", flags.force)?),
        XtaskCmd::Steer(_) => bring_up_to_date(&project, flags, Goal::stage("steer", flags.force)?),
        XtaskCmd::Dose(_) => bring_up_to_date(&project, flags, Goal::stage("dose", flags.force)?),
        XtaskCmd::Report(_) => bring_up_to_date(&project, flags, Goal::stage("report", flags.force)?),
        XtaskCmd::Status(_) if flags.json => {
            status::print_json(&project, &load_pipeline(&project, flags)?, out)
        }
        XtaskCmd::Status(_) => {
            let colours = std::io::stdout().is_terminal() && terminal::may_colour();
            status::print(&project, &load_pipeline(&project, flags)?, colours, out)
        }
        XtaskCmd::Why(why) => why::print(
            &project,
            &load_pipeline(&project, flags)?,
            why.stage.as_deref(),
            out,
        ),
        XtaskCmd::Open(_) => open::open(&project, &load_pipeline(&project, flags)?, out),
        XtaskCmd::New(new) => new::create(
            &project,
            &new.name,
            new.model.as_deref(),
            new.prompts.as_deref(),
            out,
        )
        .context("no pipeline was written"),
        XtaskCmd::Doctor(doctor) => {
            let pipeline = load_pipeline(&project, flags)?;
            let mut arguments = doctor.arguments.clone();
            arguments.extend(tool::ask_hub(&project, &pipeline)?);
            tool::run_with_pipeline(&project, &pipeline, Device::Cpu, "doctor", "doctor", &arguments)
        }
        XtaskCmd::Diff(diff) => tool::run(&project, Device::Cpu, "diff", "diff", &diff.arguments),
        XtaskCmd::Accept(accept) => accept::accept(
            &project,
            &load_pipeline(&project, flags)?,
            accept.stage.as_deref(),
            out,
        ),
        XtaskCmd::Clean(_) => {
            let name = pipeline::name_of(flags.pipeline())?;
            clean::clean(&project, &name, flags.dry_run, out)
        }
        XtaskCmd::Completions(completions) => {
            Ok(write!(out, "{}", completions::script(&completions.shell)?)?)
        }
        XtaskCmd::Chat(chat) => run_live(&project, flags, "chat", &chat.arguments),
        XtaskCmd::Serve(serve) => run_live(&project, flags, "serve", &serve.arguments),
        XtaskCmd::CheckResults(check) => {
            let mut arguments = results_of(&project, flags)?;
            arguments.extend(flags.json.then(|| "--json".into()));
            arguments.extend_from_slice(&check.arguments);
            tool::run(&project, Device::Cpu, "check", "check-results", &arguments)
        }
        XtaskCmd::Export(export) => {
            let mut arguments = results_of(&project, flags)?;
            arguments.extend_from_slice(&export.arguments);
            tool::run(&project, Device::Cpu, "exchange", "export", &arguments)
        }
        XtaskCmd::Train(train) => tool::run(&project, Device::Cpu, "tiny", "train", &train.arguments),
        XtaskCmd::Bench(bench) => tool::run(&project, Device::present(), "bench", "bench", &bench.arguments),
        XtaskCmd::Synth(synth) => tool::run(&project, Device::Cpu, "bench", "synth", &synth.arguments),
    }
}

fn bring_up_to_date(project: &Project, flags: &Xtask, goal: Goal) -> Result<()> {
    let pipeline = load_pipeline(project, flags)?;
    let out = &mut Output;
    if flags.dry_run {
        return run::dry_run(project, &pipeline, &goal, out);
    }
    pipeline
        .device
        .require(Device::present())
        .context(run::NOTHING_RUN)?;
    let mut processes = Processes::of(project)?;
    if flags.quiet || flags.json {
        run::run(project, &pipeline, &goal, &mut processes, &mut std::io::sink())?;
        if !flags.json {
            writeln!(out, "{}", goal.result(project, &pipeline))?;
        }
        return Ok(());
    }
    run::run(project, &pipeline, &goal, &mut processes, out)
}

/// With `--json`, what it found out is printed.
fn verify(project: &Project, flags: &Xtask) -> Result<()> {
    bring_up_to_date(project, flags, Goal::stage("verify", flags.force)?)?;
    if flags.json && !flags.dry_run {
        let folder = project.stage_folder(&load_pipeline(project, flags)?.name, stage::named("verify")?);
        write!(
            Output,
            "{}",
            fs_err::read_to_string(folder.join("certificate.json"))?
        )?;
    }
    Ok(())
}

/// Programs that run a pipeline's model, and take over from here.
fn run_live(project: &Project, flags: &Xtask, binary: &str, arguments: &[OsString]) -> Result<()> {
    let pipeline = load_pipeline(project, flags)?;
    pipeline
        .device
        .require(Device::present())
        .context(run::NOTHING_RUN)?;
    tool::fetch_model(project, &pipeline)?;
    tool::run_with_pipeline(project, &pipeline, Device::present(), "live", binary, arguments)
}

/// What a program about a run's results is told first: their folder. The pipeline file need not be there.
fn results_of(project: &Project, flags: &Xtask) -> Result<Vec<OsString>> {
    let results = project.results(&pipeline::name_of(flags.pipeline())?);
    Ok(vec![project.display(&results).into()])
}

fn load_pipeline(project: &Project, flags: &Xtask) -> Result<Pipeline> {
    let name = flags.pipeline();
    Pipeline::load(project, name, &flags.set, Device::present())
        .with_context(|| format!("the pipeline {name} cannot be used"))
}
