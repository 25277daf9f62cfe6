//! The program, as `cargo xtask diff` runs it.

use std::path::Path;
use std::process::{Command, Output};

use crate::example::Example;

fn diff(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_diff"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

#[test]
fn it_takes_names_of_pipelines_or_folders_and_leaves_a_page() {
    let folder = tempfile::tempdir().unwrap();
    Example::default().write(&folder.path().join("results/one"));
    let other = Example {
        shift: 0.2,
        ..Example::default()
    };
    other.write(&folder.path().join("elsewhere/two"));

    let output = diff(folder.path(), &["one", "elsewhere/two"]);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(printed.contains("A  one: Example"), "{printed}");
    assert!(printed.contains("page: results/one-and-two.html"), "{printed}");
    let page = fs_err::read_to_string(folder.path().join("results/one-and-two.html")).unwrap();
    assert!(page.contains("<title>one and two</title>"));

    let output = diff(folder.path(), &["one", "one", "--html", "same.html"]);
    assert!(output.status.success());
    assert!(folder.path().join("same.html").is_file());
    assert!(!folder.path().join("same.partial").exists());
}

#[test]
fn it_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    Example::default().write(&folder.path().join("results/one"));
    fs_err::create_dir_all(folder.path().join("results/begun")).unwrap();
    for (arguments, code, part) in [
        (&["one"][..], 2, "<RUN_B> must be given"),
        (&["one"], 2, "usage: cargo xtask diff"),
        (&["one", "one", "one"], 2, "`one` is one argument too many"),
        (&["one", "one", "--html"], 2, "--html <FILE> has no value"),
        (&["one", "one", "--fast"], 2, "there is no option `--fast`"),
        (
            &["one", "none"],
            1,
            "results/none: there is no such results folder",
        ),
        (&["one", "begun"], 1, "cargo xtask analyze"),
    ] {
        let output = diff(folder.path(), arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert!(error.contains(part), "{arguments:?}: {error}");
        assert!(output.stdout.is_empty());
    }
    assert!(!folder.path().join("results/one-and-begun.html").exists());
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    Example::default().write(&folder.path().join("results/one"));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Command::new(env!("CARGO_BIN_EXE_diff"))
        .args(["one", "one"])
        .current_dir(folder.path())
        .stdout(writer)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert!(folder.path().join("results/one-and-one.html").is_file());

    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = Command::new(env!("CARGO_BIN_EXE_diff"))
        .args(["one", "none"])
        .current_dir(folder.path())
        .stderr(writer)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
}
