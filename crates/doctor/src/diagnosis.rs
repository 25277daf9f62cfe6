use anyhow::Result;
use pipeline::Pipeline;
use results::Layout;

use crate::check::{Check, Level};
use crate::checks::checks;
use crate::estimate::{Needs, estimate};
use crate::known::Known;
use crate::machine::{Machine, Speeds};
use crate::workload::Workload;

/// Everything that was found out.
#[derive(Debug)]
pub struct Diagnosis {
    pub pipeline: String,
    pub speeds: Speeds,
    pub checks: Vec<Check>,
    /// A row for each stage; none where the shape of the model is unknown.
    pub needs: Vec<Needs>,
}

impl Diagnosis {
    pub fn has_problem(&self) -> bool {
        self.checks.iter().any(|check| check.level == Level::Problem)
    }
}

/// Looks at the pipeline, what is here of its model, and the machine.
pub fn diagnose(pipeline: &Pipeline, layout: &Layout, machine: &Machine) -> Result<Diagnosis> {
    let known = Known::of(&pipeline.model, machine);
    let (workload, mut found) = Workload::of(pipeline, known.as_ref().ok());
    let shape = known.as_ref().ok().filter(|known| known.shape.is_some());
    let needs = match (shape, &workload) {
        (Some(known), Some(workload)) => estimate(pipeline, known, workload, &machine.speeds),
        _ => Vec::new(),
    };
    found.extend(checks(
        pipeline,
        layout,
        machine,
        &known,
        workload.as_ref(),
        &needs,
    ));
    Ok(Diagnosis {
        pipeline: pipeline.name.clone(),
        speeds: machine.speeds,
        checks: found,
        needs,
    })
}
