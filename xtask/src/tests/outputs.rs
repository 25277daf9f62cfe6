//! A stage's own results, and its lock.

use super::sandbox::Sandbox;

#[test]
fn an_edited_output_is_made_anew() {
    let mut sandbox = Sandbox::fresh();
    let result = sandbox.read("results/tiny/extract/out.txt");
    sandbox.write("results/tiny/extract/out.txt", "edited by hand");
    // The rerun restores it, so that nothing after it is stale.
    sandbox.check(&["extract"], "extract  runs: output edited: out.txt");
    assert_eq!(sandbox.read("results/tiny/extract/out.txt"), result);
}

#[test]
fn a_deleted_output_is_made_anew() {
    let mut sandbox = Sandbox::fresh();
    sandbox.remove("results/tiny/analyze/out.txt");
    sandbox.check(&["analyze"], "analyze  runs: output missing: out.txt");
}

#[test]
fn a_file_that_appeared_among_the_outputs_is_noticed() {
    let mut sandbox = Sandbox::fresh();
    sandbox.write("results/tiny/report/figures/extra.svg", "<svg/>");
    sandbox.check(&["report"], "report   runs: output unexpected: figures/extra.svg");
    assert!(!sandbox.path("results/tiny/report/figures").exists());
}

#[test]
fn the_traces_of_a_file_manager_are_not() {
    let mut sandbox = Sandbox::fresh();
    sandbox.write("results/tiny/report/.DS_Store", "");
    sandbox.check(&[], "everything is fresh");
}

#[test]
fn a_lock_of_another_format_is_not_trusted() {
    let mut sandbox = Sandbox::fresh();
    sandbox.edit("results/tiny/steer.lock.toml", "format = 2", "format = 1");
    sandbox.check(
        &["steer"],
        "steer    runs: lock of another version of xtask (format 1, not 2)",
    );
    sandbox.write("results/tiny/steer.lock.toml", "this is not TOML");
    sandbox.check(&["steer"], "steer    runs: lock cannot be read");
}

#[test]
fn the_lock_is_readable_and_complete() {
    let sandbox = Sandbox::fresh();
    let text = sandbox.read("results/tiny/steer.lock.toml");
    for part in [
        "format = 2\nstage = \"steer\"\nversion = 1\n",
        "\"steer.seed\" = \"0\"\n",
        "[inputs]\n\"data/model/config.json\" = \"",
        "[upstream]\nanalyze = \"",
        "[code]\nextract = \"",
        "[outputs.\"out.txt\"]\nhash = \"",
        "[provenance]\ncommit = \"0123abc\"\ndirty = false\n\
         rustc = \"rustc 1.0\"\npipeline = \"pipelines/tiny.toml\"\ndevice = \"cpu\"\nseconds = ",
    ] {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
    let lock = sandbox.lock("steer").unwrap();
    assert_eq!(
        lock.outputs["out.txt"].bytes,
        sandbox.read("results/tiny/steer/out.txt").len() as u64
    );
    assert_eq!(
        lock.key.code.keys().collect::<Vec<_>>(),
        ["extract", "gguf", "kernels", "model", "results", "steer"]
    );
    assert_eq!(lock.key.inputs.len(), 2);
}

#[test]
fn provenance_is_no_part_of_the_key() {
    let mut sandbox = Sandbox::fresh();
    sandbox.edit("results/tiny/extract.lock.toml", "0123abc", "fedcba9");
    sandbox.edit("results/tiny/extract.lock.toml", "dirty = false", "dirty = true");
    sandbox.edit("results/tiny/extract.lock.toml", "rustc 1.0", "rustc 2.0");
    sandbox.check(&[], "everything is fresh");
}
