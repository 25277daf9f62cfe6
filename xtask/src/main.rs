//! `cargo xtask`: plans the stages of a pipeline and runs those whose last result is out of date.
//!
//! It knows which files, parameters and code each stage depends on, but not what they mean: no
//! tensors, no Parquet. A stage is a separate process, so this binary builds in seconds.
//!
//! Read `stage.rs` for what there is to run, `staleness.rs` for when it runs again, `run.rs` for
//! how, and `command_line.rs` for what can be typed.

mod accept;
mod arrange;
mod clean;
mod cluster;
mod code;
mod command_line;
mod completions;
mod device;
mod engine;
mod exit;
mod goal;
mod hash;
mod help;
mod lock;
mod new;
mod open;
mod owner;
mod parse;
mod pipeline;
mod pipeline_lock;
mod plan;
mod process;
mod programs;
mod project;
mod run;
mod snapshot;
mod source;
mod stage;
mod stage_arguments;
mod staleness;
mod status;
mod token_memo;
mod units;
mod usage_error;
mod verbosity;
mod why;
mod workspace;

#[cfg(test)]
mod tests;

use std::{
    ffi::OsString,
    io::{IsTerminal as _, Write as _},
    process::ExitCode,
};

use anyhow::{Context as _, Result, bail};

use terminal::Output;

use terms::Device;

use crate::{
    cluster::Elsewhere,
    command_line::{
        Compare, LiveOptions, Look, Maintain, Parameters, Run, RunOptions, StageVerb, Start, ToolOptions,
        Try, Verb, WhichPipeline,
    },
    engine::{
        Engine, Stages, local,
        profile::{self, Profile},
    },
    exit::StageFailure,
    goal::Goal,
    parse::{Asked, Flags},
    pipeline::Pipeline,
    process::Processes,
    project::Project,
};

fn main() -> ExitCode {
    let (command_line, flags) = match parse::parse(std::env::args_os().skip(1).collect()) {
        Ok(Asked::Do(command_line, flags)) => (command_line, flags),
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
    verbosity::set_loudness(flags.quiet || (flags.json && !flags.verbose), flags.verbose);
    match dispatch(command_line.verb, flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            verbosity::tell(&error);
            let stage = error.downcast_ref::<StageFailure>();
            ExitCode::from(stage.map_or(exit::FAILED, |failure| failure.code))
        }
    }
}

fn dispatch(verb: Verb, flags: Flags) -> Result<()> {
    let project = &Project::find()?;
    match verb {
        Verb::Start(verb) => start(project, verb),
        Verb::Run(Run::All(options)) => {
            let goal = Goal::all(options.force);
            bring_up_to_date(project, &options, flags, &goal)
        }
        Verb::Run(Run::Stage(verb)) => run_stage(project, &verb, flags),
        Verb::Look(verb) => look(project, verb),
        Verb::Compare(Compare::Diff { rest, .. }) => {
            programs::run(project, Device::Cpu, "diff", "diff", &rest.arguments)
        }
        Verb::Try(Try::Chat(options)) => run_live(project, &options, "chat"),
        Verb::Try(Try::Serve(options)) => run_live(project, &options, "serve"),
        Verb::Maintain(verb) => maintain(project, verb),
    }
}

fn start(project: &Project, verb: Start) -> Result<()> {
    match verb {
        Start::New {
            name, model, prompts, ..
        } => new::create(project, &name, model.as_deref(), prompts.as_deref(), &mut Output)
            .context("no pipeline was written"),
        Start::Doctor { parameters, rest, .. } => {
            let pipeline = load_pipeline(project, &parameters)?;
            let mut arguments = rest.arguments;
            arguments.extend(programs::ask_hub(project, &pipeline)?);
            programs::run_with_pipeline(project, &pipeline, Device::Cpu, "doctor", "doctor", &arguments)
        }
    }
}

fn look(project: &Project, verb: Look) -> Result<()> {
    let out = &mut Output;
    match verb {
        Look::Status { parameters, json, .. } if json.json => {
            status::print_json(project, &load_pipeline(project, &parameters)?, out)
        }
        Look::Status { parameters, .. } => {
            let colours = std::io::stdout().is_terminal() && terminal::may_colour();
            status::print(project, &load_pipeline(project, &parameters)?, colours, out)
        }
        Look::Why {
            stage, parameters, ..
        } => why::print(project, &load_pipeline(project, &parameters)?, stage, out),
        Look::Open { parameters, .. } => open::open(project, &load_pipeline(project, &parameters)?, out),
        Look::CheckResults { pipeline, json, .. } => {
            let mut arguments = results_of(project, &pipeline)?;
            arguments.extend(json.json.then(|| "--json".into()));
            programs::run(project, Device::Cpu, "check", "check-results", &arguments)
        }
        Look::Export { pipeline, rest, .. } => {
            let mut arguments = results_of(project, &pipeline)?;
            arguments.extend(rest.arguments);
            programs::run(project, Device::Cpu, "exchange", "export", &arguments)
        }
    }
}

fn maintain(project: &Project, verb: Maintain) -> Result<()> {
    let out = &mut Output;
    let tool = |device, package, binary, options: ToolOptions| {
        programs::run(project, device, package, binary, &options.arguments)
    };
    match verb {
        Maintain::Accept {
            stage, parameters, ..
        } => accept::accept(project, &load_pipeline(project, &parameters)?, stage, out),
        Maintain::Clean { pipeline, dry_run } => {
            let name = pipeline::name_of(&pipeline.name)?;
            clean::clean(project, &name, dry_run.dry_run, out)
        }
        Maintain::Cluster { .. } => cluster::write_template(project, out),
        Maintain::Cancel { pipeline, .. } => {
            cluster::cancel(project, &pipeline::name_of(&pipeline.name)?, out)
        }
        Maintain::Completions { shell } => {
            let script = completions::script(shell, &command_line::command());
            Ok(write!(out, "{script}")?)
        }
        Maintain::Train(options) => tool(Device::Cpu, "tiny", "train", options),
        Maintain::Bench(options) => tool(device::present(), "bench", "bench", options),
        Maintain::Synth(options) => tool(Device::Cpu, "bench", "synth", options),
    }
}

fn bring_up_to_date(project: &Project, options: &RunOptions, flags: Flags, goal: &Goal) -> Result<()> {
    if let Some(name) = &options.on {
        return run_elsewhere(project, options, flags, goal, name);
    }
    let pipeline = load_pipeline(project, &options.parameters)?;
    let out = &mut Output;
    if options.dry_run.dry_run {
        return run::dry_run(project, &pipeline, goal, out);
    }
    pipeline.require_valid().context(run::NOTHING_RUN)?;
    device::require(pipeline.device).context(run::NOTHING_RUN)?;
    if let Some(text) = device::about(pipeline.device).filter(|_| !flags.quiet && !flags.json) {
        writeln!(out, "device   {text}")?;
    }
    let mut stages = Stages::new(Processes::of(project)?, engine_of(options, &pipeline)?);
    if flags.quiet || flags.json {
        run::run(project, &pipeline, goal, &mut stages, &mut std::io::sink())?;
        if !flags.json {
            writeln!(out, "{}", goal.result(project, &pipeline))?;
        }
        return Ok(());
    }
    run::run(project, &pipeline, goal, &mut stages, out)
}

/// What this machine has decides nothing: the profile says what tasks have.
fn run_elsewhere(
    project: &Project,
    options: &RunOptions,
    flags: Flags,
    goal: &Goal,
    name: &str,
) -> Result<()> {
    let profile = Profile::read(project, name).context(run::NOTHING_RUN)?;
    let Parameters { pipeline, set } = &options.parameters;
    let device = profile.device()?;
    let pipeline = Pipeline::load(project, &pipeline.name, set, device)
        .with_context(|| format!("the pipeline {} cannot be used", pipeline.name))?;
    if pipeline.device != device {
        let (asked, file) = (pipeline.device, profile::FILE);
        bail!(
            "model.device = \"{asked}\", but tasks of {name} have \"{device}\" ({file}); set model.device to \"auto\", which is \
             what a task has"
        );
    }
    pipeline.require_valid().context(run::NOTHING_RUN)?;
    let run = Elsewhere {
        project,
        pipeline: &pipeline,
        goal,
        name,
        profile,
        set,
    };
    let mut silence = std::io::sink();
    let out: &mut dyn std::io::Write = match flags.quiet || flags.json {
        true => &mut silence,
        false => &mut Output,
    };
    match options.dry_run.dry_run {
        true => run.dry_run(&mut Output),
        false => run.run(out),
    }
}

fn engine_of(options: &RunOptions, pipeline: &Pipeline) -> Result<Engine> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = match (options.workers, &options.devices) {
        (Some(count), _) => local::on_cpu(count, pipeline.device, threads),
        (None, Some(list)) => local::on_devices(list, pipeline.device),
        (None, None) => return Ok(Engine::Here),
    };
    Ok(Engine::Local(workers.context(run::NOTHING_RUN)?))
}

/// With `--json`, the file of its results that says what it found is printed.
fn run_stage(project: &Project, verb: &StageVerb, flags: Flags) -> Result<()> {
    let options = &verb.options;
    bring_up_to_date(project, options, flags, &Goal::stage(verb.stage, options.force))?;
    if let Some(file) = verb.stage.json
        && verb.json
        && !options.dry_run.dry_run
    {
        let pipeline = load_pipeline(project, &options.parameters)?;
        let folder = project.stage_folder(&pipeline.name, verb.stage);
        write!(Output, "{}", fs_err::read_to_string(folder.join(file))?)?;
    }
    Ok(())
}

/// Programs that run a pipeline's model, and take over from here.
fn run_live(project: &Project, options: &LiveOptions, binary: &str) -> Result<()> {
    let pipeline = load_pipeline(project, &options.parameters)?;
    device::require(pipeline.device).context(run::NOTHING_RUN)?;
    programs::fetch_model(project, &pipeline)?;
    let arguments = &options.rest.arguments;
    programs::run_with_pipeline(project, &pipeline, pipeline.target(), "live", binary, arguments)
}

/// The first argument of a program that reads a run's results: their folder. The pipeline file need
/// not exist.
fn results_of(project: &Project, pipeline: &WhichPipeline) -> Result<Vec<OsString>> {
    let results = project.results(&pipeline::name_of(&pipeline.name)?);
    Ok(vec![project.display(&results).into()])
}

fn load_pipeline(project: &Project, parameters: &Parameters) -> Result<Pipeline> {
    let name = &parameters.pipeline.name;
    Pipeline::load(project, name, &parameters.set, device::present())
        .with_context(|| format!("the pipeline {name} cannot be used"))
}
