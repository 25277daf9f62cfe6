//! The stages one after the other on the shipped model, as `cargo xtask all` runs them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pipeline::Pipeline;
use results::{Generation, Layout, StageDirectory, Summary, Table};
use terms::{FinishReason, Stage};
use tiny::judge::{Role, judge};

fn run(pipeline: &Pipeline, layout: &Layout) {
    let stage = |stage: Stage, body: &dyn Fn(&Path)| {
        let directory = StageDirectory::begin(layout, stage).unwrap();
        body(directory.path());
        directory.commit().unwrap();
    };
    stage(Stage::Extract, &|out| {
        extract::run(pipeline, layout, out).unwrap()
    });
    stage(Stage::Analyze, &|out| {
        drop(analyze::run(pipeline, layout, out).unwrap())
    });
    stage(Stage::Steer, &|out| steer::run(pipeline, layout, out).unwrap());
}

fn files(folder: &Path, root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path, root));
        } else {
            all.insert(
                path.strip_prefix(root).unwrap().to_owned(),
                std::fs::read(&path).unwrap(),
            );
        }
    }
    all
}

#[test]
fn the_whole_job_gives_the_same_bytes_twice_and_the_expected_results() {
    let (pipeline, folder) = (crate::tiny_pipeline(), tempfile::tempdir().unwrap());
    let (first, second) = (
        Layout::new(folder.path().join("a")),
        Layout::new(folder.path().join("b")),
    );
    run(&pipeline, &first);
    run(&pipeline, &second);
    let (one, two) = (
        files(first.root(), first.root()),
        files(second.root(), second.root()),
    );
    assert_eq!(one.keys().collect::<Vec<_>>(), two.keys().collect::<Vec<_>>());
    for (path, bytes) in &one {
        assert!(
            two[path] == *bytes,
            "{} differs from one run to the next",
            path.display()
        );
    }

    let (summaries, metadata) = Summary::read(&first.table::<Summary>()).unwrap();
    assert_eq!(summaries.len(), 6 * 3, "a row for each layer and pooling");
    assert_eq!(metadata.get("pipeline"), Some("tiny"));
    let (generations, _) = Generation::read(&first.table::<Generation>()).unwrap();
    let of_set = |name: &str| {
        generations
            .iter()
            .filter(|row| row.set == name)
            .collect::<Vec<_>>()
    };
    assert_eq!(of_set("steered").len(), 12);
    assert!(
        of_set("swapped")
            .iter()
            .all(|row| judge(&row.text) == Role::Human)
    );
    for row in of_set("swapped-suppressed") {
        assert!(
            !row.text.contains("<end_of_turn>") && !row.text.contains("\n\n"),
            "{}",
            row.text
        );
    }
    assert!(
        of_set("normal")
            .iter()
            .all(|row| row.finish_reason == FinishReason::Stop && row.text.ends_with("<end_of_turn>"))
    );
    let sampled = of_set("steered-sampled");
    assert_eq!(sampled.len(), 6 * 2 * 4);
    let json = std::fs::read_to_string(first.stage(Stage::Steer).join("tiny_layer3_steer.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        json["Who are you?"]["-0.65"][0],
        of_set("steered")[0].text.as_str()
    );
}

#[test]
fn vectors_of_another_model_are_refused() {
    let (mut pipeline, folder) = (crate::tiny_pipeline(), tempfile::tempdir().unwrap());
    let layout = Layout::new(folder.path());
    run(&pipeline, &layout);
    pipeline.model.source = crate::root().join("crates/model/tests/fixtures/nano");
    let error = steer::run(&pipeline, &layout, folder.path())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("contrast.safetensors") && error.contains("another model"),
        "{error}"
    );
}

#[test]
fn a_layer_that_the_model_does_not_have_is_named() {
    let (mut pipeline, folder) = (crate::tiny_pipeline(), tempfile::tempdir().unwrap());
    let layout = Layout::new(folder.path());
    run(&pipeline, &layout);
    pipeline.steer.sets[3].interventions[0].layers = vec![6];
    let error = format!("{:#}", steer::run(&pipeline, &layout, folder.path()).unwrap_err());
    assert!(
        error.contains("steer.sets.steered") && error.contains("layer 6") && error.contains("0 to 5"),
        "{error}"
    );
}
