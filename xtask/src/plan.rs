//! What would run now, without running it.

use anyhow::Result;

use crate::{
    goal::Goal,
    lock::{Lock, Provenance},
    pipeline::Pipeline,
    project::Project,
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

impl Planned {
    /// What is known of it; a lock of an unknown format was read as one without a date.
    pub fn last_run(&self) -> Option<&Provenance> {
        let run = &self.recorded.as_ref()?.provenance;
        (run.finished_unix > 0).then_some(run)
    }
}

impl Verdict {
    /// One word.
    pub fn name(&self) -> &'static str {
        match self {
            Verdict::Fresh => "fresh",
            Verdict::Stale(_) => "stale",
            Verdict::Waits(_) => "waits",
        }
    }
}

/// How long the last runs took of everything that is not fresh: no more than that is to be
/// expected, since a stage whose inputs turn out the same does not run. `None` where a stage has
/// never run, or nothing is to run.
pub fn seconds_to_run(planned: &[Planned]) -> Option<f64> {
    let stages = planned.iter().filter(|planned| planned.verdict != Verdict::Fresh);
    let seconds: Option<Vec<f64>> = stages.map(|planned| Some(planned.last_run()?.seconds)).collect();
    seconds.filter(|all| !all.is_empty()).map(|all| all.iter().sum())
}

pub fn plan(project: &Project, pipeline: &Pipeline, goal: &Goal) -> Result<Vec<Planned>> {
    plan_with(&mut Observer::new(project, pipeline)?, project, pipeline, goal)
}

/// The same with an observer that goes on to be used.
pub fn plan_with(
    observer: &mut Observer<'_>,
    project: &Project,
    pipeline: &Pipeline,
    goal: &Goal,
) -> Result<Vec<Planned>> {
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

/// What an upstream stage will have written is unknown until it ran, so its present outputs give no
/// reason.
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
