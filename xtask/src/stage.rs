//! The stages, as data: what each one reads, and what its verb says. Everything about stages
//! follows from this one list: verbs and their help, the tables that a pipeline file may have, what
//! runs after what, and what is built.
//!
//! A new stage is a word in `terms::Stage`, an entry here, and a crate of the same name with a
//! binary of the same name. The entry is not in `terms` because every stage is built from that
//! crate: raising one version, or rewording a line of help, would make all of them stale.

use anyhow::{Context as _, Result};
use terms::Stage as Word;

use ::pipeline::TABLES;
use terminal::nearest;

/// In the order in which they run: a stage comes after its upstream stages.
pub const STAGES: &[Stage] = &[
    Stage {
        name: Word::Verify.as_str(),
        version: 1,
        help: "Compares the model, layer by layer, with what an independent implementation computed",
        example: "verify --json",
        // The prompts and conditions too: the tokens that they become are compared.
        tables: &["model", "verify", "prompts", "conditions"],
        inputs: &[
            Input::Model,
            Input::File("model.chat_template"),
            Input::File("verify.reference"),
            Input::File("prompts.file"),
        ],
        upstream: &[],
        json: Some("certificate.json"),
        has_shards: false,
    },
    Stage {
        name: Word::Extract.as_str(),
        version: 1,
        help: "Records the residual stream for every prompt under every condition",
        example: "extract --pipeline tiny",
        tables: &["model", "prompts", "conditions", "extract"],
        inputs: &[
            Input::Model,
            Input::File("model.chat_template"),
            Input::Rows("prompts.file"),
        ],
        upstream: &[],
        json: None,
        has_shards: true,
    },
    Stage {
        name: Word::Analyze.as_str(),
        version: 1,
        help: "Computes similarities, contrast vectors and their statistics",
        example: "analyze --dry-run",
        tables: &["contrast", "vectors"],
        inputs: &[Input::Files("vectors", "file")],
        upstream: &["extract"],
        json: None,
        has_shards: false,
    },
    Stage {
        name: Word::Features.as_str(),
        version: 1,
        help: "Tests which features of sparse autoencoders tell the conditions apart",
        example: "features --pipeline tiny",
        tables: &["contrast", "saes"],
        inputs: &[Input::Saes("saes", "folder")],
        upstream: &["extract"],
        json: None,
        has_shards: false,
    },
    Stage {
        name: Word::Steer.as_str(),
        version: 1,
        help: "Generates texts with and without steering",
        example: "steer --set steer.seed=1",
        tables: &["model", "saes", "steer"],
        inputs: &[
            Input::Model,
            Input::File("model.chat_template"),
            Input::Saes("saes", "folder"),
        ],
        // The prompts come as tokens from extract, so that both stages read the very same text.
        upstream: &["extract", "analyze"],
        json: None,
        has_shards: true,
    },
    Stage {
        name: Word::Dose.as_str(),
        version: 1,
        help: "Searches for the best layer and coefficient to steer with, with controls",
        example: "dose --set dose.prompts=6",
        tables: &["model", "conditions", "contrast", "saes", "dose"],
        inputs: &[
            Input::Model,
            Input::File("model.chat_template"),
            Input::File("dose.neutral"),
            Input::Saes("saes", "folder"),
        ],
        upstream: &["extract", "analyze"],
        json: None,
        has_shards: false,
    },
    Stage {
        name: Word::Locate.as_str(),
        version: 1,
        help: "Finds where the role lives: activations put in and taken out, place by place",
        example: "locate --set locate.tokens=2",
        tables: &["model", "contrast", "locate"],
        inputs: &[Input::Model, Input::File("model.chat_template")],
        upstream: &["extract", "analyze"],
        json: None,
        has_shards: false,
    },
    Stage {
        name: Word::Report.as_str(),
        version: 1,
        help: "Writes the report: one page, and figures",
        example: "report --force",
        // It shows all parameters.
        tables: &[EVERY_TABLE],
        inputs: &[Input::File("report.published")],
        upstream: &[
            "verify", "extract", "analyze", "features", "steer", "dose", "locate",
        ],
        json: None,
        has_shards: false,
    },
];

/// Stands for the tables of all stages.
const EVERY_TABLE: &str = "*";

/// One step of a pipeline.
#[derive(Debug)]
pub struct Stage {
    /// Also that of its crate and of its binary. The crate, with the crates of the workspace that
    /// it is built from, is the code that makes the results.
    pub name: &'static str,
    /// Raised by hand when results of an earlier version are no longer right, whatever the code
    /// says.
    pub version: u32,
    /// What it does, in one line without a full stop.
    pub help: &'static str,
    /// What follows `cargo xtask` in an example.
    pub example: &'static str,
    tables: &'static [&'static str],
    pub inputs: &'static [Input],
    /// The stages whose results it reads.
    pub upstream: &'static [&'static str],
    /// The file among its results that its verb prints with `--json`.
    pub json: Option<&'static str>,
    /// Whether its program can run a part of the work (`results::run_sharded_stage`).
    pub has_shards: bool,
}

impl Stage {
    /// The tables of the pipeline file whose values are its parameters.
    pub fn tables(&self) -> &[&'static str] {
        match self.tables.contains(&EVERY_TABLE) {
            true => &TABLES,
            false => self.tables,
        }
    }
}

/// Files from outside the results.
#[derive(Debug)]
pub enum Input {
    /// The file under a key of the pipeline file. A key that is absent asks for nothing.
    File(&'static str),
    /// The same, where each shard depends on its own rows of the file alone.
    Rows(&'static str),
    /// The file under the second key in each table of a list of tables.
    Files(&'static str, &'static str),
    /// The files of the autoencoder in the folder under the second key in each table of a list of tables.
    Saes(&'static str, &'static str),
    /// The files of the model that `model.source` names, and of an adapter that `model.adapter` puts
    /// onto it, as far as they decide the results.
    Model,
}

/// A stage by its name.
pub fn named(name: &str) -> Result<&'static Stage> {
    let stage = STAGES.iter().find(|stage| stage.name == name);
    stage.with_context(|| {
        let meant = nearest(name, names());
        let meant = meant.map_or(String::new(), |meant| format!("did you mean `{meant}`? "));
        let names: Vec<&str> = names().collect();
        format!(
            "no stage is called `{name}`; {meant}the stages are {}",
            names.join(", ")
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

pub fn names() -> impl Iterator<Item = &'static str> {
    STAGES.iter().map(|stage| stage.name)
}
