//! Conversations with the model that ships: the library, and both programs as they are run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that can't go on must fail"
)]

mod answers;
mod chat;
mod client;
mod page;
mod pieces;
mod serve;
#[cfg(target_os = "linux")]
mod terminal;
mod tokens;

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use live::LiveModel;
use pipeline::Pipeline;
use results::{DoseCandidate, DoseSummary, Generation, Layout, StageDirectory, Table, write_dose_summary};
use tempfile::TempDir;
use terms::{Device, Stage};

pub use testkit::root;

/// A pipeline that ships, with paths that hold from this folder.
pub fn pipeline(name: &str) -> Pipeline {
    let path = root().join("pipelines").join(name).with_extension("toml");
    let mut pipeline = Pipeline::read(&path, &[]).unwrap();
    pipeline.model.source = root().join(&pipeline.model.source);
    pipeline.model.device = Device::Cpu;
    pipeline.prompts.file = root().join(&pipeline.prompts.file);
    for sae in &mut pipeline.saes {
        sae.folder = root().join(&sae.folder);
    }
    pipeline
}

/// What the stages leave of the pipeline `tiny`, and a dose that was chosen: layer 2, coefficient
/// 1.
static RESULTS: LazyLock<(TempDir, Layout)> = LazyLock::new(|| {
    let (pipeline, folder) = (pipeline("tiny"), tempfile::tempdir().unwrap());
    let layout = Layout::new(folder.path().join("results/tiny"));
    let stage = |stage: Stage, body: &dyn Fn(&Path)| {
        let directory = StageDirectory::begin(&layout, stage).unwrap();
        body(directory.path());
        directory.commit().unwrap();
    };
    stage(Stage::Extract, &|out| {
        extract::run(&pipeline, &layout, out).unwrap()
    });
    stage(Stage::Analyze, &|out| {
        drop(analyze::run(&pipeline, &layout, out).unwrap())
    });
    stage(Stage::Steer, &|out| steer::run(&pipeline, &layout, out).unwrap());
    let chosen = DoseCandidate {
        direction: "contrast".to_owned(),
        layer: 2,
        coefficient: 1.0,
        relative_coefficient: 1.0,
        effect: 1.0,
        effect_low: 1.0,
        effect_high: 1.0,
        projection: None,
        control_high: 0.0,
        crossed: 1.0,
        wrong_way: 0.0,
        perplexity_ratio: 1.0,
        kl: 0.0,
        reasons: Vec::new(),
    };
    let summary = DoseSummary {
        chosen: Some(0),
        candidates: vec![chosen],
        ..DoseSummary::nothing(2.0, "")
    };
    stage(Stage::Dose, &|out| {
        write_dose_summary(&out.join("dose.json"), &summary).unwrap()
    });
    (folder, layout)
});

pub fn layout() -> &'static Layout {
    &RESULTS.1
}

pub fn live_model() -> LiveModel {
    LiveModel::open(pipeline("tiny"), layout()).unwrap()
}

/// A program as `cargo xtask` starts it, at the project's root.
pub fn program(path: &str) -> Command {
    let mut command = Command::new(path);
    command
        .current_dir(root())
        .args([
            "--pipeline",
            "pipelines/tiny.toml",
            "--set",
            "model.device=cpu",
            "--results",
        ])
        .arg(layout().root());
    command
}

/// The stage's text of a set for a prompt, without the token that ended it.
pub fn text_of_stage(set: &str, prompt: &str, coefficient: Option<f64>) -> String {
    let (generations, _) = Generation::read(&layout().table::<Generation>()).unwrap();
    let is_wanted =
        |row: &&Generation| row.set == set && row.prompt == prompt && row.coefficient == coefficient;
    let found = generations.iter().find(is_wanted).unwrap();
    found.text.trim_end_matches("<end_of_turn>").trim_end().to_owned()
}
