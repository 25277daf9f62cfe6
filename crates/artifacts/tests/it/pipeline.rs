use std::path::{Path, PathBuf};

use artifacts::{Pipeline, Pooling, Speaker, Turn};

fn pipelines() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../pipelines")
}

fn tiny() -> String {
    std::fs::read_to_string(pipelines().join("tiny.toml")).unwrap()
}

/// Reads a pipeline with one text replaced by another.
fn read(from: &str, to: &str) -> Result<Pipeline, String> {
    let text = tiny();
    assert!(text.contains(from), "tiny.toml has no {from:?}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
    Pipeline::read(&path, &[]).map_err(|error| error.to_string())
}

#[track_caller]
fn check_error(from: &str, to: &str, parts: &[&str]) {
    let error = read(from, to).unwrap_err();
    for part in ["mine.toml"].iter().chain(parts) {
        assert!(error.contains(part), "{part:?} is not in: {error}");
    }
}

#[test]
fn all_pipelines_of_the_repository_read() {
    for entry in std::fs::read_dir(pipelines()).unwrap() {
        let path = entry.unwrap().path();
        let pipeline = Pipeline::read(&path, &[]).unwrap();
        assert_eq!(pipeline.name, path.file_stem().unwrap().to_str().unwrap());
        assert_eq!(
            (pipeline.contrast.positive.as_str(), pipeline.contrast.pooling),
            ("normal", Pooling::Newline)
        );
    }
}

#[test]
fn the_notebooks_settings() {
    let pipeline = Pipeline::read(&pipelines().join("user-swap-gemma-2-9b-it.toml"), &[]).unwrap();
    let steer = &pipeline.steer;
    assert_eq!(
        (
            steer.max_new_tokens,
            steer.decoding.temperature,
            steer.decoding.top_k
        ),
        (300, 0.7, 50)
    );
    assert_eq!(
        (steer.decoding.repetition_penalty, steer.decoding.top_p),
        (1.1, 1.0)
    );
    let names: Vec<&str> = steer.sets.iter().map(|set| set.name.as_str()).collect();
    assert_eq!(names, ["swapped", "swapped-suppressed", "steered"]);
    assert_eq!(steer.sets[1].suppress, ["\n\n", "<end_of_turn>"]);
    assert_eq!(
        (
            steer.sets[2].interventions[0].layers.as_slice(),
            steer.sets[2].coefficients.as_slice()
        ),
        (&[20][..], &[-3.0, 3.0][..])
    );
}

#[test]
fn turns_hold_the_prompt() {
    let pipeline = Pipeline::read(&pipelines().join("tiny.toml"), &[]).unwrap();
    let swapped = pipeline.condition("swapped").unwrap();
    assert_eq!(swapped.opens, Speaker::User);
    let turn = |speaker, text: &str| Turn {
        speaker,
        text: text.to_owned(),
    };
    assert_eq!(
        swapped.turns_for("Who?"),
        [turn(Speaker::User, "Hello."), turn(Speaker::Model, "Who?")]
    );
}

#[test]
fn few_prompts_have_cosine_matrices_and_the_pipeline_may_say_otherwise() {
    let contrast = |line: &str| {
        let pipeline = read("[contrast]", &format!("[contrast]\n{line}")).unwrap();
        [256, 257].map(|prompts| pipeline.contrast.builds_cosine_matrices(prompts))
    };
    assert_eq!(contrast(""), [true, false]);
    assert_eq!(contrast("cosine_matrices = true"), [true, true]);
    assert_eq!(contrast("cosine_matrices = false"), [false, false]);
    check_error(
        "[contrast]",
        "[contrast]\ncosine_matrix = true",
        &["unknown field `cosine_matrix`", "cosine_matrices"],
    );
    check_error("[contrast]", "[contrast]\ncosine_matrices = 3", &["boolean"]);
}

#[test]
fn typing_errors_name_the_key_and_the_line() {
    check_error(
        "max_new_tokens = 48",
        "max_new_token = 48",
        &["unknown field `max_new_token`", "max_new_tokens"],
    );
    check_error("[report]", "[reprot]", &["reprot"]);
    check_error("seed = 0", "seed = ", &["line"]);
    check_error("dtype = \"f32\"", "dtype = \"f16\"", &["f16", "bf16"]);
    check_error("kind = \"addition\"", "kind = \"add\"", &["add", "mean-ablation"]);
}

#[test]
fn parts_that_do_not_fit_together_are_named() {
    check_error(
        "positive = \"normal\"",
        "positive = \"norml\"",
        &["contrast.positive", "norml", "normal, swapped"],
    );
    check_error(
        "negative = \"swapped\"",
        "negative = \"normal\"",
        &["contrast", "both"],
    );
    check_error(
        "name = \"swapped\"\nlabel",
        "name = \"normal\"\nlabel",
        &["[[conditions]]", "normal", "unique"],
    );
    check_error(
        "{ speaker = \"user\", text = \"{prompt}\" }",
        "{ speaker = \"user\", text = \"Hi\" }",
        &["conditions.normal", "{prompt}"],
    );
    check_error(
        "poolings = [\"newline\",",
        "poolings = [",
        &["contrast.pooling", "newline", "extract.poolings"],
    );
    check_error(
        "temperature = 0.7",
        "temperature = 0",
        &["temperature", "greedy = true"],
    );
    check_error("top_p = 1.0 ", "top_p = 1.5 ", &["top_p"]);
    check_error(
        "repetition_penalty = 1.0",
        "repetition_penalty = 0.0",
        &["repetition_penalty"],
    );
    check_error("max_new_tokens = 48", "max_new_tokens = 0", &["max_new_tokens"]);
    check_error(
        "condition = \"normal\"\ngreedy",
        "condition = \"other\"\ngreedy",
        &["steer.sets.normal", "other"],
    );
    check_error(
        "samples = 4",
        "samples = 0",
        &["steer.sets.steered-sampled", "samples"],
    );
    check_error(
        "layers = [3] }",
        "layers = [3, 4] }",
        &["steer.sets.steered", "layers has 2 entries for 1 directions"],
    );
    check_error(
        "layers = [3] }",
        "layers = [3], directions = [\"mean.other\"] }",
        &["mean.other"],
    );
    check_error("kind = \"addition\"", "kind = \"capping\"", &["threshold"]);
    check_error("kind = \"addition\"", "kind = \"mean-ablation\"", &["mean"]);
    check_error(
        "kind = \"addition\"",
        "kind = \"mean-ablation\", mean = \"mean.normal\", positions = \"last\"",
        &["mean-ablation", "all positions"],
    );
}

#[test]
fn hazard_13_a_system_turn_is_refused_with_what_to_do() {
    check_error(
        "speaker = \"user\"",
        "speaker = \"system\"",
        &["no system turn", "first user turn"],
    );
    check_error(
        "opens = \"model\"",
        "opens = \"assistant\"",
        &["assistant", "\"user\" and \"model\""],
    );
}

#[test]
fn a_sweep_needs_something_to_sweep() {
    check_error(
        "kind = \"addition\"",
        "kind = \"capping\", threshold = 1.0",
        &["steer.sets.steered", "no coefficient"],
    );
}

#[test]
fn overrides_are_toml_or_plain_text() {
    let path = pipelines().join("tiny.toml");
    let set = |entries: &[&str]| {
        Pipeline::read(
            &path,
            &entries
                .iter()
                .map(|entry| (*entry).to_owned())
                .collect::<Vec<_>>(),
        )
    };
    let pipeline = set(&["steer.seed=7", "model.device=cpu", "steer.decoding.top_k=5"]).unwrap();
    assert_eq!(
        (
            pipeline.steer.seed,
            pipeline.model.device.to_string(),
            pipeline.steer.decoding.top_k
        ),
        (7, "cpu".to_owned(), 5)
    );
    assert!(set(&["steer.sede=7"]).unwrap_err().to_string().contains("sede"));
    assert!(set(&["seed"]).unwrap_err().to_string().contains("--set seed"));
}

#[test]
fn a_missing_file_is_named() {
    let error = Pipeline::read(Path::new("pipelines/nothing.toml"), &[])
        .unwrap_err()
        .to_string();
    assert!(error.contains("pipelines/nothing.toml"), "{error}");
}
