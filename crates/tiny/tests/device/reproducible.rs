//! The same bytes twice on the same device, in processes of their own: kernels are chosen by rule.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use results::{Generation, Layout, StageDirectory, Table};
use terms::{Kernels, Stage};

use crate::{named, tiny_pipeline};

/// Set in the two processes: where results go.
const FOLDER: &str = "ROLESWAP_REPRODUCIBLE";

/// Extraction with all its sites, and a few texts of each of the first sets.
fn run(folder: &Path) {
    let mut pipeline = tiny_pipeline(named());
    pipeline.steer.max_new_tokens = 10;
    pipeline.steer.sets.truncate(3);
    let layout = Layout::new(folder);
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
}

fn files(folder: &Path, root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path, root));
        } else {
            let name = path.strip_prefix(root).unwrap().to_owned();
            all.insert(name, std::fs::read(&path).unwrap());
        }
    }
    all
}

#[test]
fn extraction_and_texts_have_the_same_bytes_in_two_processes() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return run(Path::new(&folder));
    }
    if model::kernels_of_build() == Kernels::Tuned {
        println!("skipped: this build chooses kernels by their timing");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let of_process = |name: &str| {
        let place = folder.path().join(name);
        let status = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "reproducible::extraction_and_texts_have_the_same_bytes_in_two_processes",
            ])
            .env(FOLDER, &place)
            .status()
            .unwrap();
        assert!(status.success());
        files(&place, &place)
    };
    let (one, two) = (of_process("a"), of_process("b"));
    assert!(one.len() > 10, "{:?}", one.keys());
    assert_eq!(one.keys().collect::<Vec<_>>(), two.keys().collect::<Vec<_>>());
    for (path, bytes) in &one {
        assert!(two[path] == *bytes, "{} differs", path.display());
    }
    let table = Layout::new(folder.path().join("a")).table::<Generation>();
    let (texts, footer) = Generation::read(&table).unwrap();
    assert!(texts.len() > 10, "{}", texts.len());
    assert_eq!(footer.get("kernels"), Some("fixed"));
    println!("the record: {:?}, {:?}", footer.get("device"), footer.get("gpu"));
    assert!(footer.get("gpu").is_some_and(|gpu| gpu.contains(", ")));
}
