//! What is to be up to date after a run.

use crate::{
    pipeline::Pipeline,
    project::Project,
    stage::{self, STAGES, Stage},
};

/// Which stages are to be fresh afterwards.
#[derive(Debug)]
pub struct Goal {
    pub stages: Vec<&'static Stage>,
    /// Stages that run even if fresh.
    forced: Vec<&'static str>,
    whole: bool,
}

impl Goal {
    pub fn all(force: bool) -> Goal {
        let stages: Vec<&'static Stage> = STAGES.iter().collect();
        let forced = if force {
            stages.iter().map(|stage| stage.name).collect()
        } else {
            Vec::new()
        };
        Goal {
            stages,
            forced,
            whole: true,
        }
    }

    /// A stage with its ancestors. Forcing means the stage alone: its ancestors run only where they
    /// are stale.
    pub fn stage(stage: &'static Stage, force: bool) -> Goal {
        let forced = if force { vec![stage.name] } else { Vec::new() };
        Goal {
            stages: stage::with_ancestors(stage),
            forced,
            whole: false,
        }
    }

    /// Whether it is every stage, and not one with its ancestors.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    pub fn forces(&self, stage: &Stage) -> bool {
        self.forced.contains(&stage.name)
    }

    /// What the user came for: the report, or the folder of the stage.
    pub fn result(&self, project: &Project, pipeline: &Pipeline) -> String {
        let path = match self.stages.last() {
            Some(stage) if !self.whole && stage.name != "report" => {
                project.stage_folder(&pipeline.name, stage)
            }
            _ => project.report(&pipeline.name),
        };
        project.display(&path)
    }
}
