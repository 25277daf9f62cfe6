//! The stages, as data: what each one reads, and which code it runs.

use anyhow::{Context as _, Result};

use crate::nearest::nearest;

/// The tables a pipeline file may have. Each belongs to at least one stage.
pub const TABLES: &[&str] = &[
    "model",
    "verify",
    "prompts",
    "conditions",
    "contrast",
    "extract",
    "vectors",
    "steer",
    "dose",
    "report",
];

/// In the order in which they run: a stage comes after its upstream stages.
pub const STAGES: &[Stage] = &[
    Stage {
        name: "verify",
        version: 1,
        // The prompts and conditions too: what they become as tokens is compared.
        tables: &["model", "verify", "prompts", "conditions"],
        inputs: &[
            Input::Model,
            Input::File("model.chat_template"),
            Input::File("verify.reference"),
            Input::File("prompts.file"),
        ],
        upstream: &[],
        crates: &[
            "terms",
            "interventions",
            "artifacts",
            "gguf",
            "kernels",
            "model",
            "extract",
            "verify",
        ],
        binary: "verify",
    },
    Stage {
        name: "extract",
        version: 1,
        tables: &["model", "prompts", "conditions", "extract"],
        inputs: &[
            Input::Model,
            Input::File("model.chat_template"),
            Input::File("prompts.file"),
        ],
        upstream: &[],
        crates: &[
            "terms",
            "interventions",
            "artifacts",
            "gguf",
            "kernels",
            "model",
            "extract",
        ],
        binary: "extract",
    },
    Stage {
        name: "analyze",
        version: 1,
        tables: &["contrast", "vectors"],
        inputs: &[Input::Files("vectors", "file")],
        upstream: &["extract"],
        crates: &[
            "terms",
            "interventions",
            "artifacts",
            "exchange",
            "gguf",
            "statistics",
            "analyze",
        ],
        binary: "analyze",
    },
    Stage {
        name: "steer",
        version: 1,
        tables: &["model", "steer"],
        inputs: &[Input::Model, Input::File("model.chat_template")],
        // The prompts come as tokens from extract, so that both stages read the very same text.
        upstream: &["extract", "analyze"],
        crates: &[
            "terms",
            "interventions",
            "artifacts",
            "gguf",
            "kernels",
            "model",
            "extract",
            "steer",
        ],
        binary: "steer",
    },
    Stage {
        name: "dose",
        version: 1,
        tables: &["model", "conditions", "contrast", "dose"],
        inputs: &[
            Input::Model,
            Input::File("model.chat_template"),
            Input::File("dose.neutral"),
        ],
        upstream: &["extract", "analyze"],
        crates: &[
            "terms",
            "interventions",
            "artifacts",
            "gguf",
            "kernels",
            "model",
            "extract",
            "statistics",
            "steer",
            "dose",
        ],
        binary: "dose",
    },
    Stage {
        name: "report",
        version: 1,
        tables: TABLES,
        inputs: &[Input::File("report.published")],
        upstream: &["verify", "extract", "analyze", "steer", "dose"],
        crates: &["terms", "interventions", "artifacts", "report"],
        binary: "report",
    },
];

/// One step of a pipeline.
#[derive(Debug)]
pub struct Stage {
    pub name: &'static str,
    /// Raised by hand when results of an earlier version are no longer right, whatever the code says.
    pub version: u32,
    /// The tables of the pipeline file whose values are its parameters.
    pub tables: &'static [&'static str],
    pub inputs: &'static [Input],
    /// The stages whose results it reads.
    pub upstream: &'static [&'static str],
    /// The crates of the workspace whose code makes its results.
    pub crates: &'static [&'static str],
    pub binary: &'static str,
}

/// Files from outside the results.
#[derive(Debug)]
pub enum Input {
    /// The file under a key of the pipeline file. A key that is absent asks for nothing.
    File(&'static str),
    /// The file under the second key in each table of a list of tables.
    Files(&'static str, &'static str),
    /// The files of the model that `model.source` names: what decides the results, and nothing else of its folder.
    Model,
}

/// A stage by its name.
pub fn named(name: &str) -> Result<&'static Stage> {
    let stage = STAGES.iter().find(|stage| stage.name == name);
    stage.with_context(|| {
        let meant = nearest(name, names().into_iter());
        let meant = meant.map_or(String::new(), |meant| format!("did you mean `{meant}`? "));
        format!(
            "no stage is called `{name}`; {meant}the stages are {}",
            names().join(", ")
        )
    })
}

/// The stage and everything it needs, in the order in which they run.
pub fn with_ancestors(stage: &'static Stage) -> Vec<&'static Stage> {
    let mut wanted = vec![stage.name];
    for candidate in STAGES.iter().rev() {
        if wanted.contains(&candidate.name) {
            wanted.extend(candidate.upstream);
        }
    }
    STAGES
        .iter()
        .filter(|candidate| wanted.contains(&candidate.name))
        .collect()
}

fn names() -> Vec<&'static str> {
    STAGES.iter().map(|stage| stage.name).collect()
}
