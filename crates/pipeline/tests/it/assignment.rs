//! `--set`: the parameters that make a result's key are the values that are used.

use std::path::Path;

use pipeline::PipelineFile;

fn tiny() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pipelines/tiny.toml");
    std::fs::read_to_string(path).unwrap()
}

fn with(assignment: &str) -> pipeline::Result<PipelineFile> {
    PipelineFile::of_text(Path::new("mine.toml"), tiny(), &[assignment.to_owned()])
}

/// The key's parameter is the printed form of the value that the stage gets.
#[track_caller]
fn check(assignment: &str, title: &str) {
    let file = with(assignment).unwrap();
    let key = file.parameters(&["report"])["report.title"].clone();
    let used = file.pipeline().unwrap().report.title;
    assert_eq!(used, title, "{assignment}");
    assert_eq!(key, toml::Value::String(used).to_string(), "{assignment}");
}

#[test]
fn a_key_holds_the_value_that_is_used() {
    check("report.title=x", "x");
    check("report.title= x", "x");
    check(" report.title =x ", "x");
    check("report.title=\"x\"", "x");
    check("report.title=' x '", " x ");
    check("report.title=\"a\" # b", "\"a\" # b");
    check("report.title=a = b", "a = b");
    check("report.title=", "");
    check("report.title=\"\"\"a\nb\"\"\"", "a\nb");
    check("report.title=a\nb", "a\nb");
    check("report.title=é\u{2003}", "é");
    check("report.title=data/x.jsonl", "data/x.jsonl");
    check("report.title=[x", "[x");
}

#[test]
fn what_is_toml_keeps_its_type() {
    let file = with(" steer.seed = 7 ").unwrap();
    assert_eq!(file.parameters(&["steer"])["steer.seed"], "7");
    assert_eq!(file.pipeline().unwrap().steer.seed, 7);
    let file = with("extract.poolings=[\"newline\", \"mean\"]").unwrap();
    assert_eq!(
        file.parameters(&["extract"])["extract.poolings"],
        "[\"newline\", \"mean\"]"
    );
    assert_eq!(file.pipeline().unwrap().extract.poolings.len(), 2);
    // A number is not a title.
    let error = with("report.title=5")
        .unwrap()
        .pipeline()
        .unwrap_err()
        .to_string();
    assert!(error.contains("--set: report.title"), "{error}");
}

#[test]
fn later_assignments_win() {
    let mut file = with("report.title=x").unwrap();
    file.assign("report.title=y").unwrap();
    assert_eq!(file.assignments(), ["report.title=x", "report.title=y"]);
    assert_eq!(file.pipeline().unwrap().report.title, "y");
}
