//! `accept` and `clean`.

use super::sandbox::{Mishap, Sandbox};
use crate::{accept, clean, stage};

fn accept(sandbox: &Sandbox, stage: Option<&str>) -> Result<String, String> {
    let mut out = Vec::new();
    let pipeline = sandbox.pipeline().unwrap();
    let stage = stage.map(|name| stage::named(name).unwrap());
    accept::accept(&sandbox.project, &pipeline, stage, &mut out).map_err(|error| format!("{error:#}"))?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn accepting_after_a_refactor_makes_stages_fresh_without_a_run() {
    let mut sandbox = Sandbox::fresh();
    sandbox.change_code("model");
    let text = accept(&sandbox, None).unwrap();
    for line in [
        "verify   accepted: code changed: model",
        "extract  accepted: code changed: model",
        "analyze  fresh",
        "steer    accepted: code changed: model",
        "dose     accepted: code changed: model",
        "report   fresh",
    ] {
        assert!(text.lines().any(|found| found == line), "no {line:?} in:\n{text}");
    }
    let provenance = sandbox.lock("extract").unwrap().provenance;
    assert_eq!(
        provenance.origin.commit.as_deref(),
        Some("0123abc"),
        "the run that made it is still known"
    );
    assert!(provenance.accepted_unix.is_some());
    assert_eq!(sandbox.lock("analyze").unwrap().provenance.accepted_unix, None);
    sandbox.check(&[], "everything is fresh");
}

#[test]
fn one_stage_can_be_accepted_alone() {
    let mut sandbox = Sandbox::fresh();
    sandbox.change_code("model");
    accept(&sandbox, Some("extract")).unwrap();
    sandbox.check(
        &["verify", "steer", "dose", "locate"],
        "steer    runs: code changed: model",
    );
}

#[test]
fn parameters_and_inputs_can_be_accepted() {
    let mut sandbox = Sandbox::fresh();
    sandbox.edit("pipelines/tiny.toml", "seed = 0", "seed = 1");
    sandbox.write("data/prompts.jsonl", "who are  you\n");
    accept(&sandbox, None).unwrap();
    assert_eq!(sandbox.lock("steer").unwrap().key.parameters["steer.seed"], "1");
    sandbox.check(&[], "everything is fresh");
}

#[test]
fn missing_and_edited_outputs_cannot_be_accepted() {
    let sandbox = Sandbox::fresh();
    sandbox.change_code("results");
    let before = sandbox.lock("extract");
    sandbox.write("results/tiny/report/report.html", "edited");
    let error = accept(&sandbox, None).unwrap_err();
    assert!(
        error.starts_with("cannot accept report: output edited: report.html"),
        "{error}"
    );
    assert_eq!(sandbox.lock("extract"), before, "all or none");

    sandbox.write("results/tiny/report/other.html", "a folder that is not empty");
    sandbox.remove("results/tiny/report/report.html");
    let error = accept(&sandbox, Some("report")).unwrap_err();
    assert!(
        error.starts_with("cannot accept report: output missing: report.html"),
        "{error}"
    );

    sandbox.remove("results/tiny/report/other.html");
    let error = accept(&sandbox, Some("report")).unwrap_err();
    assert!(error.contains("results/tiny/report holds no outputs"), "{error}");
}

#[test]
fn a_stage_whose_upstream_is_gone_cannot_be_accepted() {
    let sandbox = Sandbox::fresh();
    sandbox.remove("results/tiny/analyze/out.txt");
    let error = accept(&sandbox, Some("steer")).unwrap_err();
    assert!(
        error.starts_with("cannot accept steer: analyze has no outputs"),
        "{error}"
    );
}

#[test]
fn the_last_result_can_be_accepted_after_an_interruption() {
    let mut sandbox = Sandbox::fresh();
    sandbox.change_code("steer");
    sandbox.runner.mishap = ("steer", Mishap::Dies);
    assert!(sandbox.run_all().is_err());
    sandbox.runner.take_ran();
    let text = accept(&sandbox, Some("steer")).unwrap();
    assert!(
        text.starts_with("steer    accepted: interrupted; code changed: steer"),
        "{text}"
    );
    assert!(!sandbox.path("results/tiny/steer.partial").exists());
    sandbox.check(&["dose"], "dose     runs: code changed: steer");
    sandbox.check(&[], "everything is fresh");
}

#[test]
fn clean_removes_the_results_of_the_pipeline_and_nothing_else() {
    let sandbox = Sandbox::fresh();
    sandbox.write("results/other/extract/out.txt", "of another pipeline");
    let clean = |dry_run| {
        let mut out = Vec::new();
        clean::clean(&sandbox.project, "tiny", dry_run, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    assert_eq!(clean(true), "would remove results/tiny\n");
    assert!(sandbox.path("results/tiny").exists());
    assert_eq!(clean(false), "removed results/tiny\n");
    assert!(!sandbox.path("results/tiny").exists());
    assert!(sandbox.path("results/other/extract/out.txt").exists());
    assert_eq!(clean(false), "nothing to remove: there is no results/tiny\n");
}
