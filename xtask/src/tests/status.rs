//! `status` and `--dry-run` say what would happen, and do nothing.

use super::sandbox::{Sandbox, all_stages};
use crate::{lock::unix_now, status};

fn rows(sandbox: &Sandbox) -> Vec<String> {
    let mut out = Vec::new();
    status::print(&sandbox.project, &sandbox.pipeline().unwrap(), false, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    // The columns are as wide as they are; a test of words should not care.
    text.lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

#[test]
fn before_the_first_run() {
    let sandbox = Sandbox::new();
    let mut expected = vec![
        "pipeline tiny (pipelines/tiny.toml), cpu".to_owned(),
        String::new(),
        "stage state took when size why".to_owned(),
        "──────── ───── ──── ──── ──── ───".to_owned(),
    ];
    expected.extend(
        all_stages()
            .iter()
            .map(|name| format!("{name} stale - - - never ran")),
    );
    let advice = "`cargo xtask why verify` says more, `cargo xtask all` brings everything up to date";
    expected.extend([String::new(), advice.to_owned()]);
    assert_eq!(rows(&sandbox), expected);
    assert!(!sandbox.path("results").exists(), "looking creates nothing");
}

#[test]
fn a_row_per_stage_with_size_age_and_seconds() {
    let sandbox = Sandbox::fresh();
    sandbox.edit("pipelines/tiny.toml", "seed = 0", "seed = 1");
    for stage in ["extract", "steer"] {
        let mut lock = sandbox.lock(stage).unwrap();
        lock.provenance.seconds = 1.24;
        lock.provenance.finished_unix = unix_now() - 3 * 3600;
        lock.write(&sandbox.lock_path(stage)).unwrap();
    }
    let rows = rows(&sandbox);
    assert_eq!(rows[5], "extract fresh 1.2 s 3 h ago 12 B");
    assert!(rows[8].starts_with("steer stale 1.2 s 3 h ago"), "{}", rows[8]);
    assert!(
        rows[8].ends_with("parameter steer.seed changed: 0 -> 1"),
        "{}",
        rows[8]
    );
    let last = rows.last().unwrap();
    assert!(
        last.ends_with("everything up to date: up to 1.2 s, as the last runs took"),
        "{last}"
    );
}

#[test]
fn a_stage_waits_for_what_is_stale_before_it() {
    let mut sandbox = Sandbox::fresh();
    // What will be in the folder is unknown until it ran, so the missing file is not a reason for
    // the stages after it.
    sandbox.remove("results/tiny/extract/out.txt");
    let text = sandbox.dry_run();
    for line in [
        "verify   fresh",
        "extract  would run: output missing: out.txt",
        "analyze  waits for extract",
        "features waits for extract",
        "steer    waits for extract, analyze",
        "dose     waits for extract, analyze",
        "locate   waits for extract, analyze",
        "report   waits for extract, analyze, features, steer, dose, locate",
    ] {
        assert!(text.lines().any(|found| found == line), "no {line:?} in:\n{text}");
    }
    assert!(sandbox.runner.take_ran().is_empty());
    assert!(!sandbox.path("results/tiny/extract/out.txt").exists());
}

#[test]
fn a_dry_run_of_a_fresh_pipeline_names_the_report() {
    let sandbox = Sandbox::fresh();
    assert!(
        sandbox
            .dry_run()
            .ends_with("everything is fresh: results/tiny/report/report.html\n")
    );
}

#[test]
fn the_json_says_the_same_and_can_be_read() {
    let sandbox = Sandbox::fresh();
    sandbox.edit("pipelines/tiny.toml", "layer = 2", "layer = 3");
    let mut out = Vec::new();
    status::print_json(&sandbox.project, &sandbox.pipeline().unwrap(), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["stages"].as_array().unwrap().len(), all_stages().len());
    for part in [
        "\"pipeline\": \"tiny\"",
        "\"report\": \"results/tiny/report/report.html\"",
        "\"state\": \"stale\",\n      \"reasons\": [\n        \"parameter contrast.layer changed: 2 -> 3\"\n      ]",
        "\"state\": \"waits\",\n      \"reasons\": [],\n      \"waits_for\": [\n        \"analyze\"\n      ]",
    ] {
        assert!(text.contains(part), "no {part} in:\n{text}");
    }
}
