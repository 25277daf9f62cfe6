//! The walls between crates: which may know which.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml::Table;

use crate::{project::Project, workspace::Workspace};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The names under `[dependencies]`.
fn dependencies(manifest: &str) -> Vec<String> {
    let text = fs_err::read_to_string(root().join(manifest)).unwrap();
    let table: Table = toml::from_str(&text).unwrap();
    let dependencies = table.get("dependencies").and_then(|table| table.as_table());
    dependencies.map_or(Vec::new(), |table| table.keys().cloned().collect())
}

fn workspace_crates() -> Vec<String> {
    let folders = fs_err::read_dir(root().join("crates")).unwrap();
    folders
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// It is built before everything else, on a fresh machine too.
#[test]
fn xtask_depends_on_no_crate_that_takes_long_to_build() {
    let crates = workspace_crates();
    let (mut own, mut next) = (BTreeSet::new(), vec!["xtask".to_owned()]);
    while let Some(name) = next.pop() {
        let folder = if name == "xtask" {
            name.clone()
        } else {
            format!("crates/{name}")
        };
        let all = dependencies(&format!("{folder}/Cargo.toml"));
        for heavy in [
            "arrow-array",
            "burn",
            "minijinja",
            "parquet",
            "plotly",
            "rayon",
            "tokenizers",
            "ureq",
        ] {
            assert!(!all.iter().any(|name| name == heavy), "{name} depends on {heavy}");
        }
        next.extend(all.into_iter().filter(|name| crates.contains(name)));
        own.insert(name);
    }
    assert!(own.contains("terms"), "{own:?}");
}

#[test]
fn what_reads_tables_knows_no_model_and_no_burn() {
    for name in [
        "pipeline",
        "results",
        "exchange",
        "statistics",
        "analyze",
        "report",
    ] {
        let dependencies = dependencies(&format!("crates/{name}/Cargo.toml"));
        for stranger in [
            "burn", "model", "session", "extract", "steer", "dose", "locate", "tiny",
        ] {
            assert!(
                !dependencies.iter().any(|name| name == stranger),
                "{name} depends on {stranger}"
            );
        }
    }
}

#[test]
fn the_model_knows_no_stage_and_no_result() {
    let crates = workspace_crates();
    let of = |name: &str| -> Vec<String> {
        let all = dependencies(&format!("crates/{name}/Cargo.toml"));
        let mut own: Vec<String> = all.into_iter().filter(|name| crates.contains(name)).collect();
        own.sort();
        own
    };
    assert_eq!(
        of("model"),
        ["device-kernels", "files", "gguf", "kernels", "terms"]
    );
    assert!(of("device-kernels").is_empty());
    // It multiplies with weights as GGUF files hold them, and knows nothing else of the workspace.
    assert_eq!(of("kernels"), ["gguf"]);
    assert!(of("gguf").is_empty());
}

/// Every crate that is built for these members of the workspace, with the features that it is built
/// with.
fn built(edges: &str, left_out: &[&str]) -> BTreeSet<String> {
    let mut command = std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let arguments = "tree --workspace --offline --prefix none --edges";
    command
        .args(arguments.split(' '))
        .args([edges, "--format", "{p} [{f}]"])
        .current_dir(root());
    command.args(left_out.iter().flat_map(|name| ["--exclude", *name]));
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| line.trim_end_matches(" (*)").to_owned())
        .collect()
}

/// What is compiled to run something.
const RUN: &str = "normal,build";

/// Otherwise the main command, the other programs and the tests would each compile burn for
/// themselves.
#[test]
fn what_is_not_a_stage_changes_no_crate_of_the_stages() {
    let project = Project::at(root(), "");
    let names = Workspace::of(&project).unwrap().non_stage_crates().unwrap();
    let non_stage: Vec<&str> = names.iter().map(String::as_str).collect();
    let stages = built(RUN, &[non_stage.as_slice(), &["xtask"]].concat());
    for heavy in ["axum ", "tokio ", "ureq ", "rustyline "] {
        assert!(!stages.iter().any(|name| name.starts_with(heavy)), "{heavy}");
    }
    let mut together = vec![("the tests", built("normal,build,dev", &[]))];
    for &name in &non_stage {
        let others: Vec<&str> = non_stage
            .iter()
            .filter(|other| **other != name)
            .copied()
            .collect();
        together.push((name, built(RUN, &[others.as_slice(), &["xtask"]].concat())));
    }
    for (name, with_others) in together {
        let changed: Vec<&String> = stages.difference(&with_others).collect();
        assert!(
            changed.is_empty(),
            "{name}: these are built with other features: {changed:#?}; ask for the same ones in crates/workspace-hack/Cargo.toml"
        );
    }
}
