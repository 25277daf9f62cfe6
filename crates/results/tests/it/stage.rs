use clap::CommandFactory as _;
use results::{Layout, RenderedPrompt, StageArguments, StageDirectory};
use terminal::{parsed_from, usage_error};
use terms::Stage;

fn text(layout: &Layout) -> Option<String> {
    std::fs::read_to_string(layout.stage(Stage::Extract).join("file")).ok()
}

#[test]
fn a_result_appears_whole_and_replaces_the_last_one() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path().join("tiny"));
    for content in ["first", "second"] {
        let directory = StageDirectory::begin(&layout, Stage::Extract).unwrap();
        std::fs::write(directory.path().join("file"), content).unwrap();
        assert_ne!(
            text(&layout).as_deref(),
            Some(content),
            "nothing is there before the commit"
        );
        directory.commit().unwrap();
        assert_eq!(text(&layout).as_deref(), Some(content));
    }
    let left: Vec<_> = std::fs::read_dir(folder.path().join("tiny"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["extract"], "no partial and no previous folder is left");
}

#[test]
fn a_stage_that_is_killed_leaves_the_last_result() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path().join("tiny"));
    let directory = StageDirectory::begin(&layout, Stage::Extract).unwrap();
    std::fs::write(directory.path().join("file"), "whole").unwrap();
    directory.commit().unwrap();
    let killed = StageDirectory::begin(&layout, Stage::Extract).unwrap();
    std::fs::write(killed.path().join("file"), "ha").unwrap();
    let partial = killed.path().to_owned();
    // A process that is killed runs no destructor.
    std::mem::forget(killed);
    assert!(partial.exists());
    assert_eq!(text(&layout).as_deref(), Some("whole"));
    // The next run starts from an empty folder.
    let next = StageDirectory::begin(&layout, Stage::Extract).unwrap();
    assert_eq!(std::fs::read_dir(next.path()).unwrap().count(), 0);
    // One that fails cleans up.
    drop(next);
    assert!(!partial.exists());
    assert_eq!(text(&layout).as_deref(), Some("whole"));
}

/// A task that was queued again, and its orphan, which still writes.
#[cfg(target_os = "linux")]
#[test]
fn what_another_process_is_writing_stays() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path().join("tiny"));
    let own = files::process::this_process();
    let (machine, _) = own.rsplit_once('.').unwrap();
    let of = |process: &str| layout.root().join(format!("extract.partial.{machine}.{process}"));
    // The first process of a machine lives as long as it; no process has a number as large as the other.
    let (twin, gone) = (of("1"), of("4194305"));
    for folder in [&twin, &gone] {
        std::fs::create_dir_all(folder).unwrap();
    }
    let directory = StageDirectory::begin(&layout, Stage::Extract).unwrap();
    std::fs::write(directory.path().join("file"), "whole").unwrap();
    directory.commit().unwrap();
    assert_eq!(text(&layout).as_deref(), Some("whole"));
    assert!(twin.exists() && !gone.exists());
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    // A file where the folder should be fails for every user, root included.
    std::fs::write(folder.path().join("tiny"), "").unwrap();
    let error = StageDirectory::begin(&Layout::new(folder.path().join("tiny")), Stage::Steer)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("steer.partial") && error.contains("write there"),
        "{error}"
    );
}

#[test]
fn files_are_written_at_the_same_place_inside_of_the_folder_in_progress() {
    let (layout, out) = (
        Layout::new("results/tiny"),
        std::path::Path::new("results/tiny/extract.partial"),
    );
    assert_eq!(
        layout.in_progress(out, &layout.table::<RenderedPrompt>()),
        out.join("prompts.parquet")
    );
    let nested = layout.activations().join("layer=00");
    assert_eq!(layout.in_progress(out, &nested), out.join("activations/layer=00"));
}

#[test]
fn arguments() {
    let parse = |words: &str| {
        let mut command = StageArguments::command();
        let words = format!("extract {words}");
        let parsed = parsed_from::<StageArguments>(&mut command, words.split(' ').map(Into::into));
        parsed.map_err(|error| usage_error(&error, &command))
    };
    let line = "--pipeline p.toml --results r --set a.b=1 --set c.d=-2 --results last";
    let arguments = parse(line).unwrap();
    assert_eq!(arguments.overrides, ["a.b=1", "c.d=-2"]);
    assert_eq!(arguments.results, std::path::Path::new("last"));
    for (words, part) in [
        ("--pipeline p", "--results <FOLDER> must be given; usage: extract"),
        ("--pipeline", "--pipeline <FILE> has no value"),
        ("--pipline p", "did you mean `--pipeline`?"),
    ] {
        let error = parse(words).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
}
