//! Programs that are not stages: built, and given their arguments.

use std::ffi::OsString;

use anyhow::Result;

use files::HubVariables;

use crate::{
    device::Target,
    pipeline::Pipeline,
    process::Processes,
    project::Project,
    source::{self, Source},
    stage_arguments::stage_arguments,
};

/// Becomes a program that knows no pipeline (`train`, `synth`, `bench`), with these arguments. They
/// are built for `target`: where what they make does not depend on it, for the CPU. Comes back only
/// with an error; the exit code is the program's.
pub fn run(
    project: &Project,
    target: impl Into<Target>,
    package: &str,
    binary: &str,
    arguments: &[OsString],
) -> Result<()> {
    let mut processes = Processes::of(project)?.for_device(target.into());
    processes.build_with(package)?;
    processes.become_program(binary, arguments)
}

/// The same for a program that is about a pipeline: it gets what every stage gets (`--pipeline FILE
/// --results FOLDER [--set KEY=VALUE]...`), then its own arguments.
pub fn run_with_pipeline(
    project: &Project,
    pipeline: &Pipeline,
    target: impl Into<Target>,
    package: &str,
    binary: &str,
    arguments: &[OsString],
) -> Result<()> {
    let mut all: Vec<OsString> = stage_arguments(project, pipeline)
        .into_iter()
        .map(Into::into)
        .collect();
    all.extend(arguments.iter().cloned());
    run(project, target, package, binary, &all)
}

/// Brings the pipeline's model, and an adapter on it, into the hub's cache where it isn't there yet. For programs that run
/// the model: to be called before [`run_with_pipeline`].
pub fn fetch_model(project: &Project, pipeline: &Pipeline) -> Result<()> {
    for (keys, source) in source::sources(project, pipeline) {
        source::require(pipeline, keys, &source)?;
        if let Source::Hub(repository) = &source
            && source::place(project, &source).is_none()
        {
            Processes::of(project)?.fetch(repository)?;
        }
    }
    Ok(())
}

/// What the hub says about the pipeline's model where that isn't here yet, as an option of doctor:
/// whether it can be had at all. Nothing where it is here, and where the hub must not be asked.
pub fn ask_hub(project: &Project, pipeline: &Pipeline) -> Result<Vec<OsString>> {
    let Some(source @ Source::Hub(repository)) = &source::source(project, pipeline) else {
        return Ok(Vec::new());
    };
    if source::place(project, source).is_some() || HubVariables::of_process().is_offline {
        return Ok(Vec::new());
    }
    let answer = Processes::of(project)?.ask(repository)?;
    Ok(vec!["--hub".into(), answer.into()])
}
