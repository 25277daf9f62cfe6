//! Runs that do not end well leave the last result as it was.

use super::sandbox::{Mishap, Sandbox};

#[test]
fn an_interrupted_stage_keeps_the_last_result_and_lock() {
    let mut sandbox = Sandbox::fresh();
    let result = sandbox.read("results/tiny/steer/out.txt");
    let lock = sandbox.lock("steer");
    sandbox.edit("pipelines/tiny.toml", "seed = 0", "seed = 1");
    sandbox.runner.mishap = ("steer", Mishap::Dies);

    let error = sandbox.run_all().unwrap_err().to_string();
    assert_eq!(error, "steer failed");
    assert_eq!(
        sandbox.runner.take_ran(),
        ["steer"],
        "nothing runs after a failure"
    );
    assert_eq!(sandbox.read("results/tiny/steer/out.txt"), result);
    assert_eq!(sandbox.lock("steer"), lock);
    assert!(
        sandbox
            .dry_run()
            .contains("steer    would run: interrupted; parameter steer.seed changed: 0 -> 1")
    );

    sandbox.runner.mishap = ("", Mishap::None);
    sandbox.check(&["steer", "report"], "steer    runs: interrupted");
    sandbox.check(&[], "everything is fresh");
}

#[test]
fn an_interrupted_first_run_is_not_taken_for_a_result() {
    let mut sandbox = Sandbox::new();
    sandbox.runner.mishap = ("extract", Mishap::Dies);
    assert!(sandbox.run_all().is_err());
    assert_eq!(sandbox.lock("extract"), None);
    assert!(sandbox.dry_run().contains("extract  would run: interrupted\n"));
}

#[test]
fn a_stage_that_writes_nothing_is_not_recorded() {
    let mut sandbox = Sandbox::new();
    sandbox.runner.mishap = ("analyze", Mishap::WritesNothing);
    let error = sandbox.run_all().unwrap_err().to_string();
    assert_eq!(
        error,
        "analyze ended without an error but wrote nothing to results/tiny/analyze; nothing was recorded"
    );
    assert_eq!(sandbox.lock("analyze"), None);
    assert!(
        sandbox.lock("extract").is_some(),
        "what ran before it stays recorded"
    );
}

#[test]
fn a_stage_that_leaves_its_partial_folder_is_not_recorded() {
    let mut sandbox = Sandbox::fresh();
    let lock = sandbox.lock("analyze");
    sandbox.write("results/tiny/analyze.partial/half", "half");
    sandbox.runner.mishap = ("analyze", Mishap::WritesNothing);
    let error = sandbox.run_all().unwrap_err().to_string();
    assert!(
        error.contains("left results/tiny/analyze.partial; nothing was recorded"),
        "{error}"
    );
    assert_eq!(sandbox.lock("analyze"), lock);
}
