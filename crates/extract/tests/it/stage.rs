use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use results::{Layout, RenderedPrompt, Table, activation_layers, read_activations};

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path))
        } else {
            all.insert(path.clone(), std::fs::read(&path).unwrap())
                .map_or((), drop)
        }
    }
    all
}

#[test]
fn the_stage_writes_the_same_bytes_every_time() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path());
    let pipeline = crate::pipeline(crate::root().join("data/prompts/role-questions.jsonl"));
    let run = || {
        let out = layout.stage(terms::Stage::Extract);
        let _ = std::fs::remove_dir_all(&out);
        std::fs::create_dir_all(&out).unwrap();
        extract::run(&pipeline, &layout, &out).unwrap();
        files(&out)
    };
    let first = run();
    assert_eq!(first.len(), 5, "four layers and the prompts");
    assert!(run() == first, "other bytes for the same inputs");
    assert_eq!(activation_layers(&layout.activations()).unwrap(), [0, 1, 2, 3]);
    let (rows, metadata) = read_activations(&layout.activations(), 3).unwrap();
    assert_eq!(rows.len(), 6 * 2 * 3);
    assert_eq!(
        (
            metadata.get("dtype"),
            metadata.get("device"),
            metadata.get("layers")
        ),
        (Some("f32"), Some("cpu"), Some("4"))
    );
    assert_eq!(
        RenderedPrompt::read(&layout.table::<RenderedPrompt>())
            .unwrap()
            .0
            .len(),
        12
    );
}

#[track_caller]
fn check_error(pipeline: &pipeline::Pipeline, parts: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let error = format!(
        "{:#}",
        extract::run(pipeline, &Layout::new(folder.path()), folder.path()).unwrap_err()
    );
    assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    assert_eq!(files(folder.path()).len(), 0, "nothing is left of a failed run");
}

#[test]
fn what_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.jsonl");
    std::fs::write(&empty, "").unwrap();
    check_error(
        &crate::pipeline(empty),
        &["prompts.file", "empty.jsonl", "no prompt"],
    );
    check_error(
        &crate::pipeline(folder.path().join("none.jsonl")),
        &["none.jsonl"],
    );
    let mut pipeline = crate::pipeline(crate::root().join("data/prompts/role-questions.jsonl"));
    pipeline.model.source = folder.path().join("no-model");
    check_error(&pipeline, &["model.source", "no-model", "Hugging Face"]);
    pipeline.model = crate::nano();
    pipeline.model.device = terms::Device::Gpu(terms::GpuApi::Cuda, 0);
    if cfg!(not(feature = "cuda")) {
        check_error(
            &pipeline,
            &["no cuda", "--features cuda", "model.device = \"cpu\""],
        );
    }
}
