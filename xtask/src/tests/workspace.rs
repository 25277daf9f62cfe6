//! What the manifests of the real workspace say, and those of a sandbox.

use std::path::Path;

use super::sandbox::Sandbox;
use crate::{project::Project, stage, workspace::Workspace};

fn real() -> Workspace {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    Workspace::of(&Project::at(root, "")).unwrap()
}

#[test]
fn a_stage_is_built_from_what_its_manifests_name() {
    let mut workspace = real();
    for (stage, crates) in [
        ("verify", "results gguf kernels model verify"),
        ("extract", "results gguf kernels model extract"),
        ("analyze", "results exchange gguf statistics analyze"),
        ("steer", "results gguf kernels model steer"),
        ("dose", "results gguf kernels model statistics steer dose"),
        ("locate", "results gguf kernels model statistics locate"),
        ("report", "results report"),
    ] {
        let built_from = workspace.built_from(stage::named(stage).unwrap().name).unwrap();
        for name in crates.split(' ') {
            assert!(
                built_from.contains(name),
                "{stage} without {name}: {built_from:?}"
            );
        }
        for name in ["live", "hub", "tiny", "doctor", "xtask"] {
            assert!(!built_from.contains(name), "{stage} with {name}: {built_from:?}");
        }
    }
}

#[test]
fn every_crate_is_of_a_stage_or_built_where_it_is_asked_for() {
    let others = real().non_stage_crates().unwrap();
    for name in ["bench", "check", "diff", "doctor", "hub", "live", "tiny"] {
        assert!(others.iter().any(|other| other == name), "{name}: {others:?}");
    }
    for name in ["results", "exchange", "model", "steer"] {
        assert!(!others.iter().any(|other| other == name), "{name}: {others:?}");
    }
}

#[test]
fn features_are_those_that_the_crates_have() {
    let features = real().features(["verify", "analyze", "steer", "report"], "cuda");
    assert_eq!(features.unwrap(), "verify/cuda,steer/cuda");
    let tuned = real().features(["verify", "analyze", "steer", "report"], "tuned");
    assert_eq!(tuned.unwrap(), "verify/tuned,steer/tuned");
}

#[test]
fn a_dependency_can_be_shared_or_a_path_and_of_one_platform() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "crates/report/Cargo.toml",
        "[dependencies]\ngguf = { path = \"../gguf\" }\ntoml = \"1\"\n\n\
         [target.'cfg(unix)'.dependencies]\nstatistics = { workspace = true, optional = true }\n\n\
         [dev-dependencies]\nmodel.workspace = true\n",
    );
    let mut workspace = Workspace::of(&sandbox.project).unwrap();
    let built_from: Vec<String> = workspace.built_from("report").unwrap().into_iter().collect();
    assert_eq!(built_from, ["gguf", "report", "statistics"]);
    assert_eq!(workspace.non_stage_crates().unwrap(), ["chat"]);
}

#[test]
fn a_manifest_that_is_not_toml_is_named() {
    let sandbox = Sandbox::new();
    sandbox.write("crates/gguf/Cargo.toml", "[package\n");
    let mut workspace = Workspace::of(&sandbox.project).unwrap();
    let error = format!("{:#}", workspace.built_from("model").unwrap_err());
    assert!(
        error.contains("crates/gguf/Cargo.toml: not valid TOML"),
        "{error}"
    );
}
