//! Runs elsewhere: `--on NAME`, `cluster`, `cancel`, and what `status` says of them.

use std::{io::Write, path::PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{
    engine::{
        Engine, Stages,
        profile::{self, Profile},
        slurm::{self, Cluster, DRIVER},
        submission::Submission,
    },
    goal::Goal,
    pipeline::Pipeline,
    plan::{Verdict, plan},
    process::Processes,
    project::Project,
    run::{self, Work},
    snapshot::{Observer, code_of_all},
    source::{self, Source},
    stage_arguments::stage_arguments,
};

/// A run on the machines of a profile.
pub struct Elsewhere<'a> {
    pub project: &'a Project,
    pub pipeline: &'a Pipeline,
    pub goal: &'a Goal,
    /// The table of `cluster.toml`.
    pub name: &'a str,
    pub profile: Profile,
    /// What `--set` says.
    pub set: &'a [String],
}

impl Elsewhere<'_> {
    fn cluster(&self) -> Result<Cluster> {
        let own = std::env::current_exe().context("cannot find the path of xtask's own binary")?;
        let verb = match self.goal.is_whole() {
            true => "all",
            false => self.goal.stages.last().map_or("all", |stage| stage.name),
        };
        let mut command = vec![own.to_string_lossy().into_owned(), verb.to_owned()];
        command.extend(["--pipeline".to_owned(), self.pipeline.file.clone()]);
        for assignment in self.set {
            command.extend(["--set".to_owned(), assignment.clone()]);
        }
        command.extend(["--on".to_owned(), self.name.to_owned()]);
        Ok(Cluster {
            profile: self.profile.clone(),
            folder: self.project.submissions(&self.pipeline.name),
            root: self.project.root().to_owned(),
            logs: self.project.root().join(self.project.logs(&self.pipeline.name)),
            pipeline: self.pipeline.name.clone(),
            command: slurm::words(&command),
            code: code_of_all(self.project)?,
        })
    }

    /// On this machine: builds, fetches the weights, and submits whatever isn't up to date. On a node: goes on
    /// where the last one ended.
    pub fn run(&self, out: &mut dyn Write) -> Result<()> {
        let cluster = self.cluster()?;
        match std::env::var(DRIVER) {
            Ok(code) => self.drive(cluster, &code, out),
            Err(_) => self.submit(&cluster, out),
        }
    }

    fn drive(&self, cluster: Cluster, code: &str, out: &mut dyn Write) -> Result<()> {
        ensure!(
            code == cluster.code,
            "the code has changed since this run was submitted, and the programs are of the old one; submit again"
        );
        let mut stages = Stages::new(Processes::of(self.project)?, Engine::Slurm(Box::new(cluster)));
        run::run(self.project, self.pipeline, self.goal, &mut stages, out)
    }

    fn submit(&self, cluster: &Cluster, out: &mut dyn Write) -> Result<()> {
        if let Some(submission) = Submission::read(&cluster.folder)? {
            let waiting = slurm::in_queue(&submission.jobs)?;
            if !waiting.is_empty() {
                writeln!(out, "still in the queue: {}", waiting.join("; "))?;
                writeln!(
                    out,
                    "`cargo xtask status` says how far it is, `cargo xtask cancel` ends it"
                )?;
                return Ok(());
            }
        }
        let planned = plan(self.project, self.pipeline, self.goal)?;
        let Some(first) = planned.iter().find(|planned| planned.verdict != Verdict::Fresh) else {
            writeln!(
                out,
                "everything is fresh: {}",
                self.goal.result(self.project, self.pipeline)
            )?;
            return Ok(());
        };
        self.prepare()?;
        let job = cluster.submit_driver()?;
        writeln!(out, "submitted job {job}, which begins with {}", first.stage.name)?;
        writeln!(
            out,
            "`cargo xtask status` says how far it is; logs are in {}",
            self.project.display(&self.project.logs(&self.pipeline.name))
        )?;
        Ok(())
    }

    /// What nodes may be unable to do: compile, and reach the hub.
    fn prepare(&self) -> Result<Processes> {
        let observer = Observer::new(self.project, self.pipeline).context(run::NOTHING_RUN)?;
        for stage in &self.goal.stages {
            observer.require_inputs(stage).context(run::NOTHING_RUN)?;
        }
        let mut processes = Processes::of(self.project)?;
        processes.build(self.pipeline.target())?;
        for (_, source) in source::sources(self.project, self.pipeline) {
            if let Source::Hub(repository) = source {
                processes.fetch(&repository)?;
            }
        }
        Ok(processes)
    }

    /// Writes the scripts that would be submitted, for whoever must do that by hand, and prints them.
    pub fn dry_run(&self, out: &mut dyn Write) -> Result<()> {
        let cluster = self.cluster()?;
        let planned = plan(self.project, self.pipeline, self.goal)?;
        let stale = planned.iter().find(|planned| planned.verdict != Verdict::Fresh);
        let Some(stale) = stale else {
            writeln!(
                out,
                "everything is fresh: {}",
                self.goal.result(self.project, self.pipeline)
            )?;
            return Ok(());
        };
        writeln!(
            out,
            "# The job that goes on from stage to stage:\n{}",
            cluster.driver_script(None)
        )?;
        let observer = Observer::new(self.project, self.pipeline)?;
        let Some(key) = observer.key_of_shards(stale.stage, &stale.now.key) else {
            return Ok(());
        };
        let processes = self.prepare()?;
        let work = Work {
            stage: stale.stage,
            arguments: stage_arguments(self.project, self.pipeline),
            key: Some(key.clone()),
            logs: self.project.logs(&self.pipeline.name),
        };
        let shards = crate::engine::shards::Shards::of(&processes, &work, &key)?;
        if shards.missing.is_empty() {
            return Ok(());
        }
        let (script, tasks) = cluster.array(&work, &shards)?;
        writeln!(
            out,
            "# The tasks of {} ({} of {} shards). By hand: sbatch --array=0-{}%{} {}, and when they have ended\n# the same command \
             without --on, which joins the shards:\n{}",
            stale.stage.name,
            shards.missing.len(),
            shards.shards,
            tasks - 1,
            self.profile.at_once,
            self.project.display(&script),
            fs_err::read_to_string(&script)?
        )?;
        Ok(())
    }
}

/// What `status` says of a run elsewhere, line by line.
pub fn status(project: &Project, pipeline: &Pipeline) -> Result<Vec<String>> {
    let Some(submission) = Submission::read(&project.submissions(&pipeline.name))? else {
        return Ok(Vec::new());
    };
    let mut lines = Vec::new();
    if let (Some(stage), Some(plan)) = (&submission.stage, &submission.plan)
        && let Ok(shards) = crate::engine::shards::Shards::read(&project.resolve(plan))
    {
        lines.push(format!(
            "{stage}: {} of {} shards are done",
            shards.done(),
            shards.shards
        ));
        for (shard, host) in shards.failures().all() {
            lines.push(format!(
                "shard {shard} failed on {host}: {}",
                project.display(&logs_of(project, pipeline, stage))
            ));
        }
    }
    match slurm::in_queue(&submission.jobs) {
        Ok(waiting) if waiting.is_empty() && lines.is_empty() => return Ok(Vec::new()),
        Ok(waiting) if waiting.is_empty() => lines.push("no job of this run is in the queue".to_owned()),
        Ok(waiting) => lines.extend(waiting.into_iter().map(|job| format!("job {job}"))),
        Err(error) => lines.push(format!("the queue can't be read here: {error:#}")),
    }
    Ok(lines)
}

fn logs_of(project: &Project, pipeline: &Pipeline, stage: &str) -> PathBuf {
    project.logs(&pipeline.name).join(format!("{stage}.*.log"))
}

/// Ends the jobs of a pipeline's run. What they have done is kept.
pub fn cancel(project: &Project, pipeline: &str, out: &mut dyn Write) -> Result<()> {
    let Some(submission) = Submission::read(&project.submissions(pipeline))? else {
        bail!("nothing of pipeline {pipeline} was submitted from here; --pipeline names another one");
    };
    let waiting = slurm::in_queue(&submission.jobs)?;
    if waiting.is_empty() {
        writeln!(out, "no job of this run is in the queue")?;
        return Ok(());
    }
    slurm::cancel(&submission.jobs)?;
    writeln!(
        out,
        "cancelled {}; shards that are done are kept",
        submission.jobs.join(", ")
    )?;
    Ok(())
}

/// Writes a `cluster.toml` to edit.
pub fn write_template(project: &Project, out: &mut dyn Write) -> Result<()> {
    let place = project.resolve(profile::FILE);
    ensure!(
        !place.exists(),
        "{} is there already; edit it, or remove it first",
        profile::FILE
    );
    fs_err::write(&place, profile::template(&slurm::partitions()))?;
    writeln!(
        out,
        "wrote {}: edit it, then `cargo xtask all --pipeline NAME --on a100`",
        profile::FILE
    )?;
    Ok(())
}
