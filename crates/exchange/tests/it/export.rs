//! The program, as `cargo xtask export` runs it.

use std::path::Path;
use std::process::{Command, Output};

use exchange::read_vector;
use pipeline::VectorKind;
use results::{ContrastVectors, Layout, write_contrast_vectors};
use terms::Stage;

use crate::origin;

fn export(results: &Path, more: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_export");
    Command::new(program).arg(results).args(more).output().unwrap()
}

fn results(folder: &Path) -> Layout {
    let layout = Layout::new(folder.join("example"));
    fs_err::create_dir_all(layout.stage(Stage::Analyze)).unwrap();
    let mut vectors = ContrastVectors::new(origin().0, 2, 2);
    vectors.insert(&VectorKind::Contrast, vec![1.0, 2.0, 3.0, 4.0]);
    vectors.insert(&VectorKind::Mean("normal".to_owned()), vec![5.0, 6.0, 7.0, 8.0]);
    write_contrast_vectors(&layout.contrast_vectors(), &vectors).unwrap();
    layout
}

#[test]
fn the_contrast_in_all_formats_is_the_default() {
    let folder = tempfile::tempdir().unwrap();
    let layout = results(folder.path());
    let done = export(layout.root(), &[]);
    assert!(done.status.success(), "{done:?}");
    for file in [
        "contrast.gguf",
        "contrast.npy",
        "contrast.safetensors",
        "neuronpedia/contrast/L1.json",
    ] {
        assert!(layout.root().join("export").join(file).is_file(), "{file}");
    }
}

#[test]
fn vectors_formats_and_place_may_be_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let layout = results(folder.path());
    let out = folder.path().join("elsewhere");
    let more = ["mean.normal", "--format", "npy", "--out", out.to_str().unwrap()];
    assert!(export(layout.root(), &more).status.success());
    let read = read_vector(&out.join("mean.normal.npy"), "mean", None, 2, 2).unwrap();
    assert_eq!(read.rows[1], Some(vec![7.0, 8.0]));
    assert_eq!(fs_err::read_dir(&out).unwrap().count(), 1);
}

#[test]
fn what_is_not_there_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let layout = results(folder.path());
    let told = |more: &[&str], code: i32| {
        let done = export(layout.root(), more);
        assert_eq!(done.status.code(), Some(code));
        String::from_utf8(done.stderr).unwrap()
    };
    assert!(told(&["lda"], 1).contains("there are contrast, mean.normal"));
    assert!(told(&["--format", "pt"], 2).contains("use gguf, npy, safetensors, neuronpedia"));
    assert!(told(&["--formats", "npy"], 2).contains("did you mean `--format`?"));
    fs_err::remove_file(layout.contrast_vectors()).unwrap();
    assert!(told(&[], 1).contains("run `cargo xtask analyze`"));
}
