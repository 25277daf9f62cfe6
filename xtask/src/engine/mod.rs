//! Who does the work of a stage: this program's child, several of them, or a scheduler's tasks. All do the
//! same shards in the same way (`results::run_sharded_stage`), so that the results have the same bytes, and
//! what one of them has done no other does again.

pub mod local;
pub mod profile;
pub mod shards;
pub mod slurm;
pub mod submission;

use anyhow::Result;

use crate::{
    device::Target,
    engine::{local::Worker, shards::with, slurm::Cluster},
    lock::Origin,
    process::Processes,
    run::{Ran, Runner, Work},
    source::Repository,
};

/// Where shards are run.
#[derive(Debug, Default)]
pub enum Engine {
    /// In one process, one stage after the other.
    #[default]
    Here,
    /// In several processes of this machine.
    Local(Vec<Worker>),
    /// In the tasks of a scheduler.
    Slurm(Box<Cluster>),
}

/// Builds programs and runs stages, shards with the engine.
pub struct Stages {
    processes: Processes,
    engine: Engine,
}

impl Stages {
    pub fn new(processes: Processes, engine: Engine) -> Stages {
        Stages { processes, engine }
    }
}

impl Runner for Stages {
    fn build(&mut self, target: Target) -> Result<()> {
        // On a node there may be no compiler; whoever submitted the run has built it.
        match self.engine {
            Engine::Slurm(_) => Ok(()),
            _ => self.processes.build(target),
        }
    }

    fn fetch(&mut self, repository: &Repository) -> Result<()> {
        self.processes.fetch(repository)
    }

    fn run(&mut self, work: &Work<'_>) -> Result<Ran> {
        let arguments = match (&self.engine, &work.key) {
            (Engine::Local(workers), Some(key)) => {
                return local::run(&self.processes, workers, work, key);
            }
            (Engine::Slurm(cluster), Some(key)) => return cluster.run(&self.processes, work, key),
            (Engine::Here, Some(key)) => with(&work.arguments, &["--key", key]),
            (_, None) => work.arguments.clone(),
        };
        self.processes.finish(work.stage, &arguments)
    }

    fn origin(&self) -> Origin {
        self.processes.origin()
    }
}
