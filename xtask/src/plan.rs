//! What would run now, without running it.

use anyhow::Result;

use crate::{
    lock::Lock,
    pipeline::Pipeline,
    project::Project,
    run::Goal,
    snapshot::Observer,
    stage::Stage,
    staleness::{Reason, Snapshot, stale_because},
};

#[derive(Debug)]
pub struct Planned {
    pub stage: &'static Stage,
    pub verdict: Verdict,
    pub now: Snapshot,
    pub recorded: Option<Lock>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Fresh,
    Stale(Vec<Reason>),
    /// Fresh as far as one can see, but these upstream stages will run first and may change that.
    Waits(Vec<&'static str>),
}

pub fn plan(project: &Project, pipeline: &Pipeline, goal: &Goal) -> Result<Vec<Planned>> {
    let mut observer = Observer::new(project, pipeline)?;
    let mut planned: Vec<Planned> = Vec::new();
    for &stage in &goal.stages {
        let recorded = Lock::read(&project.lock_file(&pipeline.name, stage))?;
        let now = observer.snapshot(stage, goal.forces(stage))?;
        let reasons = stale_because(stage, &now, recorded.as_ref());
        let unsettled = unsettled_upstream(stage, &planned);
        planned.push(Planned {
            stage,
            verdict: verdict(reasons, unsettled),
            now,
            recorded,
        });
    }
    Ok(planned)
}

/// What an upstream stage will have written is unknown until it ran, so its present outputs give no reason.
fn verdict(mut reasons: Vec<Reason>, unsettled: Vec<&'static str>) -> Verdict {
    reasons.retain(
        |reason| !matches!(reason, Reason::UpstreamChanged { stage } if unsettled.contains(&stage.as_str())),
    );
    if !reasons.is_empty() {
        Verdict::Stale(reasons)
    } else if !unsettled.is_empty() {
        Verdict::Waits(unsettled)
    } else {
        Verdict::Fresh
    }
}

fn unsettled_upstream(stage: &Stage, planned: &[Planned]) -> Vec<&'static str> {
    planned
        .iter()
        .filter(|earlier| stage.upstream.contains(&earlier.stage.name))
        .filter(|earlier| earlier.verdict != Verdict::Fresh)
        .map(|earlier| earlier.stage.name)
        .collect()
}
