//! `cargo xtask`: plans the stages of a pipeline and runs those whose last result no longer holds.
//!
//! It knows which files, parameters and code each stage depends on, and nothing of what they mean: no tensor,
//! no Parquet, no crate of the workspace. A stage is a process of its own, so this binary builds in seconds.
//!
//! Read `stage.rs` for what there is to run, `staleness.rs` for when it runs again, `run.rs` for how.
#![allow(clippy::print_stdout, reason = "printing is what a command line is for")]

mod accept;
mod clean;
mod device;
mod flags;
mod guard;
mod hash;
mod lock;
mod memo;
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
mod tool;

#[cfg(test)]
mod tests;

use std::process::ExitCode;

use anyhow::Result;

use crate::{
    device::Device,
    flags::{Xtask, XtaskCmd},
    pipeline::Pipeline,
    process::Processes,
    project::Project,
    run::Goal,
};

fn main() -> ExitCode {
    let flags = match Xtask::from_command_line(std::env::args_os().skip(1).collect()) {
        Ok(flags) => flags,
        Err(help) if help.is_help() => help.exit(),
        Err(error) => {
            eprintln!("error: {error}; cargo xtask --help lists verbs and options");
            return ExitCode::from(2);
        }
    };
    match dispatch(&flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(flags: &Xtask) -> Result<()> {
    let project = Project::find()?;
    match &flags.subcommand {
        XtaskCmd::All(_) => bring_up_to_date(&project, flags, Goal::all(flags.force)),
        XtaskCmd::Verify(_) => bring_up_to_date(&project, flags, Goal::stage("verify", flags.force)?),
        XtaskCmd::Extract(_) => bring_up_to_date(&project, flags, Goal::stage("extract", flags.force)?),
        XtaskCmd::Analyze(_) => bring_up_to_date(&project, flags, Goal::stage("analyze", flags.force)?),
        XtaskCmd::Steer(_) => bring_up_to_date(&project, flags, Goal::stage("steer", flags.force)?),
        XtaskCmd::Dose(_) => bring_up_to_date(&project, flags, Goal::stage("dose", flags.force)?),
        XtaskCmd::Report(_) => bring_up_to_date(&project, flags, Goal::stage("report", flags.force)?),
        XtaskCmd::Status(_) => {
            let pipeline = load_pipeline(&project, flags)?;
            status::print(&project, &pipeline, &mut std::io::stdout())
        }
        XtaskCmd::Accept(accept) => {
            let pipeline = load_pipeline(&project, flags)?;
            accept::accept(
                &project,
                &pipeline,
                accept.stage.as_deref(),
                &mut std::io::stdout(),
            )
        }
        XtaskCmd::Clean(_) => {
            let name = pipeline::name_of(flags.pipeline())?;
            clean::clean(&project, &name, flags.dry_run, &mut std::io::stdout())
        }
        XtaskCmd::CheckResults(check) => {
            let results = project.results(&pipeline::name_of(flags.pipeline())?);
            let mut arguments: Vec<std::ffi::OsString> = vec![project.display(&results).into()];
            arguments.extend(check.json.then(|| "--json".into()));
            tool::run(&project, Device::Cpu, "check", "check-results", &arguments)
        }
        XtaskCmd::Export(export) => {
            let results = project.results(&pipeline::name_of(flags.pipeline())?);
            let mut arguments: Vec<std::ffi::OsString> = vec![project.display(&results).into()];
            arguments.extend(export.vectors.iter().map(Into::into));
            for format in &export.format {
                arguments.extend(["--format".into(), format.into()]);
            }
            if let Some(out) = &export.out {
                arguments.extend(["--out".into(), std::path::absolute(out)?.into()]);
            }
            tool::run(&project, Device::Cpu, "exchange", "export", &arguments)
        }
        XtaskCmd::Train(train) => tool::run(&project, Device::Cpu, "tiny", "train", &train.arguments),
        XtaskCmd::Bench(bench) => tool::run(&project, Device::present(), "bench", "bench", &bench.arguments),
        XtaskCmd::Synth(synth) => tool::run(&project, Device::Cpu, "synth", "synth", &synth.arguments),
    }
}

fn bring_up_to_date(project: &Project, flags: &Xtask, goal: Goal) -> Result<()> {
    let pipeline = load_pipeline(project, flags)?;
    let mut out = std::io::stdout();
    if flags.dry_run {
        return run::dry_run(project, &pipeline, &goal, &mut out);
    }
    pipeline.device.require(Device::present())?;
    let mut processes = Processes::of(project)?;
    run::run(project, &pipeline, &goal, &mut processes, &mut out)
}

fn load_pipeline(project: &Project, flags: &Xtask) -> Result<Pipeline> {
    Pipeline::load(project, flags.pipeline(), &flags.set, Device::present())
}
