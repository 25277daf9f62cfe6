//! What runs, and what does not.

use std::time::{Duration, SystemTime};

use super::sandbox::{Mishap, Sandbox, all_stages};
use machine::{Gpu, Sort};
use terms::{Device, GpuApi};

use crate::{device, goal::Goal, pipeline_lock::PipelineLock, stage};

fn goal(stage: &str, force: bool) -> Goal {
    Goal::stage(stage::named(stage).unwrap(), force)
}

#[test]
fn the_first_run_runs_everything_and_the_second_nothing() {
    let mut sandbox = Sandbox::new();
    let text = sandbox.run_all().unwrap();
    assert_eq!(sandbox.runner.take_ran(), all_stages());
    assert_eq!(sandbox.runner.builds, [Device::Cpu], "one build for all");
    assert!(
        text.contains("extract  runs: never ran\nextract  done in "),
        "{text}"
    );
    assert!(
        text.ends_with("report: results/tiny/report/report.html\n"),
        "{text}"
    );

    sandbox.runner.builds.clear();
    let text = sandbox.run_all().unwrap();
    assert!(sandbox.runner.take_ran().is_empty());
    assert!(
        sandbox.runner.builds.is_empty(),
        "nothing is built for a fresh pipeline"
    );
    let fresh: String = all_stages()
        .iter()
        .map(|name| format!("{name:<9}fresh\n"))
        .collect();
    assert_eq!(
        text,
        fresh + "everything is fresh: results/tiny/report/report.html\n"
    );
}

#[test]
fn a_stage_is_told_its_pipeline_its_results_and_the_resolved_device() {
    let mut sandbox = Sandbox::new();
    sandbox.set = vec!["steer.seed=3".into()];
    sandbox.run(&goal("extract", false)).unwrap();
    let expected =
        "--pipeline pipelines/tiny.toml --results results/tiny --set steer.seed=3 --set model.device=cpu";
    assert_eq!(sandbox.runner.arguments.join(" "), expected);
}

#[test]
fn a_changed_coefficient_reruns_steer_and_report_only() {
    let mut sandbox = Sandbox::fresh();
    sandbox.edit("pipelines/tiny.toml", "[1.0, 2.0]", "[1.0, 4.0]");
    sandbox.check(
        &["steer", "report"],
        "steer    runs: parameter steer.coefficients changed: [1.0, 2.0] -> [1.0, 4.0]",
    );
    sandbox.check(&[], "everything is fresh");
}

#[test]
fn an_assignment_counts_like_an_edit_of_the_file() {
    let mut sandbox = Sandbox::fresh();
    sandbox.set = vec!["steer.seed=1".into()];
    sandbox.check(&["steer", "report"], "parameter steer.seed changed: 0 -> 1");
    sandbox.check(&[], "everything is fresh");
    sandbox.set.clear();
    sandbox.check(&["steer", "report"], "parameter steer.seed changed: 1 -> 0");
}

#[test]
fn parameters_that_come_or_go_are_named() {
    let mut sandbox = Sandbox::fresh();
    sandbox.edit("pipelines/tiny.toml", "seed = 0", "seed = 0\ntop_k = 5");
    sandbox.check(&["steer", "report"], "parameter steer.top_k added: 5");
    sandbox.edit("pipelines/tiny.toml", "top_k = 5", "");
    sandbox.check(&["steer", "report"], "parameter steer.top_k removed: 5");
}

#[test]
fn a_change_within_a_list_of_conditions_is_seen() {
    let mut sandbox = Sandbox::fresh();
    sandbox.edit("pipelines/tiny.toml", "\"normal\"", "\"swapped\"");
    sandbox.check(
        &["verify", "extract", "dose", "report"],
        r#"parameter conditions[0].name changed: "normal" -> "swapped""#,
    );
}

#[test]
fn other_prompts_rerun_everything_after_them() {
    let mut sandbox = Sandbox::fresh();
    sandbox.write("data/prompts.jsonl", "what do you want\n");
    sandbox.check(&all_stages(), "input changed: data/prompts.jsonl");
}

#[test]
fn files_of_a_list_of_tables_are_inputs() {
    let mut sandbox = Sandbox::fresh();
    sandbox.write("data/refusal.gguf", "a vector");
    let list = "[[vectors]]\nname = \"refusal\"\nfile = \"data/refusal.gguf\"\n\n[steer]";
    sandbox.edit("pipelines/tiny.toml", "[steer]", list);
    sandbox.check(&["analyze", "report"], "input added: data/refusal.gguf");
    sandbox.write("data/refusal.gguf", "another one");
    sandbox.check(&["analyze"], "input changed: data/refusal.gguf");
    sandbox.remove("data/refusal.gguf");
    let error = format!("{:#}", sandbox.run_all().unwrap_err());
    assert!(
        error.contains(r#"pipelines/tiny.toml: vectors[0].file = "data/refusal.gguf" names no file"#),
        "{error}"
    );
}

#[test]
fn a_file_that_is_only_touched_reruns_nothing() {
    let mut sandbox = Sandbox::fresh();
    let prompts = fs_err::File::options()
        .append(true)
        .open(sandbox.path("data/prompts.jsonl"))
        .unwrap();
    prompts
        .set_modified(SystemTime::now() + Duration::from_secs(3600))
        .unwrap();
    sandbox.check(&[], "everything is fresh");
}

#[test]
fn an_upstream_rerun_that_changes_nothing_stops_there() {
    let mut sandbox = Sandbox::fresh();
    // The fake extraction forgets the case, so its output stays.
    sandbox.write("data/prompts.jsonl", "WHO are you\n");
    sandbox.check(&["verify", "extract"], "analyze  fresh");
}

#[test]
fn what_decides_the_model_is_an_input_and_nothing_else_of_its_folder() {
    let mut sandbox = Sandbox::fresh();
    let readers = ["verify", "extract", "steer", "dose", "locate"];
    sandbox.write("data/model/model.safetensors", "WEIGHTS");
    sandbox.check(&readers, "input changed: data/model/model.safetensors");
    sandbox.write("data/model/tokenizer.json", "{}");
    sandbox.check(&readers, "input added: data/model/tokenizer.json");
    sandbox.remove("data/model/config.json");
    sandbox.check(&readers, "input removed: data/model/config.json");
    sandbox.write("data/model/README.md", "about the model");
    sandbox.write(
        "data/model/original/model.pth",
        "the same weights in another format",
    );
    sandbox.check(&[], "everything is fresh");
}

#[test]
fn changed_code_reruns_the_stages_it_is_part_of() {
    let mut sandbox = Sandbox::fresh();
    sandbox.change_code("analyze");
    sandbox.check(&["analyze"], "analyze  runs: code changed: analyze");
    sandbox.write("crates/model/src/attention.rs", "pub fn attend() {}\n");
    sandbox.check(
        &["verify", "extract", "steer", "dose", "locate"],
        "code changed: model",
    );
    sandbox.edit(
        "crates/report/Cargo.toml",
        "[dep",
        "[features]\ncolours = []\n\n[dep",
    );
    sandbox.check(&["report"], "code changed: report");
    sandbox.change_code("results");
    sandbox.check(&all_stages(), "code changed: results");
}

#[test]
fn the_kind_of_device_is_part_of_the_key() {
    let mut sandbox = Sandbox::fresh();
    sandbox.present = Device::Gpu(GpuApi::Cuda, 0);
    sandbox.runner.builds.clear();
    sandbox.check(
        &["verify", "extract", "steer", "dose", "locate", "report"],
        r#"parameter model.device changed: "cpu" -> "cuda""#,
    );
    assert_eq!(sandbox.runner.builds, [Device::Gpu(GpuApi::Cuda, 0)]);
    // Asked for by name, it is the same device.
    sandbox.set = vec!["model.device=cuda".into()];
    sandbox.check(&[], "everything is fresh");
}

#[test]
fn a_stage_verb_runs_the_stage_and_its_ancestors() {
    let mut sandbox = Sandbox::new();
    let text = sandbox.run(&goal("analyze", false)).unwrap();
    assert_eq!(sandbox.runner.take_ran(), ["extract", "analyze"]);
    assert!(text.ends_with("result: results/tiny/analyze\n"), "{text}");
}

#[test]
fn force_means_the_named_stage_only() {
    let mut sandbox = Sandbox::fresh();
    let text = sandbox.run(&goal("steer", true)).unwrap();
    assert_eq!(sandbox.runner.take_ran(), ["steer"]);
    assert!(text.contains("steer    runs: forced"), "{text}");
    // It wrote the same bytes, so that the report holds.
    sandbox.check(&[], "everything is fresh");

    sandbox.run(&Goal::all(true)).unwrap();
    assert_eq!(sandbox.runner.take_ran(), all_stages());
}

#[test]
fn a_forced_stage_still_gets_fresh_ancestors() {
    let mut sandbox = Sandbox::fresh();
    sandbox.edit("pipelines/tiny.toml", "layer = 2", "layer = 3");
    sandbox.run(&goal("steer", true)).unwrap();
    assert_eq!(sandbox.runner.take_ran(), ["analyze", "steer"]);
}

#[test]
fn what_changes_during_a_run_is_seen_by_the_next() {
    let mut sandbox = Sandbox::fresh();
    sandbox.runner.mishap = ("extract", Mishap::PromptsChangeMeanwhile);
    sandbox.run(&goal("extract", true)).unwrap();
    sandbox.runner.take_ran();
    sandbox.runner.mishap = ("", Mishap::None);
    sandbox.check(&all_stages(), "extract  runs: input changed: data/prompts.jsonl");
}

#[test]
fn a_prompts_file_that_is_not_there_is_named_before_anything_is_built() {
    let mut sandbox = Sandbox::new();
    sandbox.remove("data/prompts.jsonl");
    let error = format!("{:#}", sandbox.run_all().unwrap_err());
    assert!(
        error.starts_with(
            r#"nothing was run: pipelines/tiny.toml: prompts.file = "data/prompts.jsonl" names no file"#
        ),
        "{error}"
    );
    assert!(sandbox.runner.builds.is_empty());
}

#[test]
fn one_xtask_at_a_time() {
    let mut sandbox = Sandbox::fresh();
    let guard = PipelineLock::take(&sandbox.project, "tiny").unwrap();
    assert!(PipelineLock::is_held(&sandbox.project, "tiny"));
    let error = format!("{:#}", sandbox.run_all().unwrap_err());
    assert!(
        error.contains("another `cargo xtask` is already running pipeline tiny"),
        "{error}"
    );
    drop(guard);
    assert!(!PipelineLock::is_held(&sandbox.project, "tiny"));
    sandbox.check(&[], "everything is fresh");
}

#[test]
fn a_results_folder_that_cannot_be_written_is_said_so() {
    let mut sandbox = Sandbox::new();
    // A file in its place fails for every user, the administrator included.
    sandbox.write("results", "in the way");
    let error = format!("{:#}", sandbox.run_all().unwrap_err());
    assert!(
        error.starts_with("nothing was run: cannot write to the results folder results/tiny"),
        "{error}"
    );
    assert!(sandbox.runner.builds.is_empty());
}

#[test]
fn a_crate_that_is_not_there_is_named() {
    let mut sandbox = Sandbox::new();
    sandbox.remove("crates/steer/Cargo.toml");
    let error = format!("{:#}", sandbox.run_all().unwrap_err());
    assert!(
        error.starts_with("nothing was run: the crate `steer` is not in the checkout"),
        "{error}"
    );
}

#[test]
fn a_gpu_that_is_asked_for_and_absent_is_said_with_the_reason() {
    let gpu = Gpu {
        api: GpuApi::Vulkan,
        number: 0,
        name: "llvmpipe".to_owned(),
        driver: String::new(),
        sort: Sort::Software,
        memory: None,
        arithmetic: terms::Arithmetic {
            bf16: false,
            tf32: false,
        },
    };
    let all = [gpu.clone()];
    let error = device::require_among(GpuApi::Cuda, 1, None, &all)
        .unwrap_err()
        .to_string();
    for part in [
        "\"cuda:1\"",
        "NVIDIA driver",
        "vulkan = llvmpipe, software",
        "\"cpu\" or \"auto\"",
    ] {
        assert!(error.contains(part), "{part:?} is not in: {error}");
    }
    let error = device::require_among(GpuApi::Vulkan, 0, None, &[])
        .unwrap_err()
        .to_string();
    assert!(error.contains("no driver of a GPU answers here"), "{error}");
    assert!(device::require_among(GpuApi::Vulkan, 0, Some(gpu), &all).is_ok());
    assert!(device::require(Device::Cpu).is_ok());
}
