use std::path::{Path, PathBuf};

use pipeline::{ModelTable, Pipeline, Turn, VectorKind};
use terms::{CoefficientUnit, Pooling, Site, Speaker};

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
        swapped.filled("Who?").turns,
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

/// Numbers that would make infinities in f32, or noise of every text.
#[test]
fn numbers_that_cannot_be_computed_with_are_refused_by_their_keys() {
    for value in ["1e-30", "1e-46", "1e30", "nan", "inf", "-0.7"] {
        check_error(
            "temperature = 0.7",
            &format!("temperature = {value}"),
            &["steer.decoding.temperature", "between 0.01 and 100", "; "],
        );
    }
    for value in ["1e-20", "1e39", "nan", "inf", "-1.0"] {
        check_error(
            "repetition_penalty = 1.0",
            &format!("repetition_penalty = {value}"),
            &["steer.decoding.repetition_penalty", "between 0.1 and 10", "; "],
        );
    }
    for value in ["nan", "inf", "0.0", "-1.0"] {
        check_error(
            "top_p = 1.0 ",
            &format!("top_p = {value} "),
            &["steer.decoding.top_p", "; "],
        );
    }
    check_error(
        "max_new_tokens = 48",
        "max_new_tokens = 1000000000",
        &["steer.max_new_tokens", "at most 131072"],
    );
    check_error(
        "max_new_tokens = 48",
        "max_new_tokens = -48",
        &[
            "line",
            ": max_new_tokens: ",
            "; here belongs a whole number from 0 on",
        ],
    );
    check_error(
        "temperature = 0.7",
        "temperature = \"hot\"",
        &["line", ": temperature: ", "; here belongs a number"],
    );
    for value in ["1e300", "-1e300", "nan", "inf"] {
        check_error(
            "coefficients = [-0.65, 0.65]",
            &format!("coefficients = [{value}]"),
            &["steer.sets.steered", "coefficient", "; "],
        );
        check_error(
            "layers = [3] }",
            &format!("layers = [3], coefficients = [{value}] }}"),
            &["steer.sets.steered", "coefficient", "; "],
        );
        check_error(
            "coefficients = [0.25,",
            &format!("coefficients = [{value},"),
            &["dose.coefficients", "; "],
        );
        check_error(
            "[dose]",
            &format!("[dose]\npercentiles = [{value}]"),
            &["dose.percentiles"],
        );
        check_error(
            "[dose]",
            &format!("[dose]\nrepetition_penalty = {value}"),
            &["dose.repetition_penalty"],
        );
    }
    for value in ["1e300", "nan", "-inf"] {
        check_error(
            "kind = \"addition\", layers = [3] }]\ncoefficients = [-0.65, 0.65]",
            &format!("kind = \"capping\", threshold = {value}, layers = [3] }}]"),
            &["steer.sets.steered", "threshold", "; "],
        );
    }
    check_error(
        "samples = 4",
        "samples = 1000000",
        &["steer.sets.steered-sampled", "samples"],
    );
    for (line, words) in [
        ("tokens = 0", ["locate.tokens", "from 1 to"]),
        ("prompts = 1", ["locate.prompts", "at least 2"]),
        ("places = []", ["locate.places", "a place at least"]),
        ("places = [\"hook_embed\"]", ["locate.places", "hook_embed"]),
        ("places = [\"hook_z\", \"hook_z\"]", ["locate.places", "twice"]),
    ] {
        check_error("[locate]", &format!("[locate]\n{line}"), &words);
    }
    check_error(
        "poolings = [\"newline\", \"last\", \"mean\"]",
        "poolings = [\"newline\"]\nsites = [\"hook_z\"]",
        &["extract.sites", "hook_z", "locate"],
    );
    check_error(
        "[dose]",
        "[dose]\nrandom_directions = 1000000",
        &["dose.random_directions"],
    );
    let error = Pipeline::read(
        &pipelines().join("tiny.toml"),
        &["steer.max_new_tokens=-5".to_owned()],
    );
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("--set: steer.max_new_tokens: ") && error.contains("; here belongs"),
        "{error}"
    );
    // What is unusual and can be computed with.
    for (from, to) in [
        ("top_k = 50", "top_k = 1000000000"),
        ("top_p = 1.0 ", "top_p = 1e-300 "),
        ("temperature = 0.7", "temperature = 0.01"),
        ("repetition_penalty = 1.0", "repetition_penalty = 0.9"),
    ] {
        read(from, to).unwrap();
    }
}

#[test]
fn names_that_become_parts_of_files_are_plain() {
    for name in ["../x", "a/b", "a\\\\b", ".hidden", "..", "a b", "", "a:b"] {
        check_error(
            "short_name = \"tiny\"",
            &format!("short_name = \"{name}\""),
            &["model.short_name", "; use letters"],
        );
        check_error(
            "name = \"steered-sampled\"",
            &format!("name = \"{name}\""),
            &["steer.sets", "; use letters"],
        );
    }
    for name in ["../x", ".hidden", "a b", "a.b"] {
        check_error(
            "name = \"normal\"\nlabel",
            &format!("name = \"{name}\"\nlabel"),
            &["conditions: the name", "letters"],
        );
    }
    read("short_name = \"tiny\"", "short_name = \"gemma-3_1b.it\"").unwrap();
}

#[test]
fn a_pipeline_from_windows_is_the_same_pipeline() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    let with_system = |text: &str| {
        text.replacen(
            "label = \"User Role\"",
            "label = \"User Role\"\nsystem = \"\"\"Be brief.\nBe kind.\"\"\"",
            1,
        )
    };
    let text = format!("\u{feff}{}", with_system(&tiny()).replace('\n', "\r\n"));
    std::fs::write(&path, &text).unwrap();
    let pipeline = Pipeline::read(&path, &[]).unwrap();
    let system = pipeline.condition("swapped").unwrap().system.as_deref();
    assert_eq!(system, Some("Be brief.\nBe kind."));
    let wide: Vec<u8> = tiny().encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(&path, wide).unwrap();
    let error = Pipeline::read(&path, &[]).unwrap_err().to_string();
    assert!(error.contains("mine.toml: is UTF-16"), "{error}");
}

#[test]
fn hazard_13_a_system_turn_is_refused_with_what_to_do() {
    check_error(
        "speaker = \"user\"",
        "speaker = \"system\"",
        &["instructions aren't a turn", "`system = ", "first user turn"],
    );
    check_error(
        "opens = \"model\"",
        "opens = \"tool\"",
        &["tool", "\"user\" and \"model\""],
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
fn a_key_of_another_kind_is_refused() {
    check_error(
        "layers = [3] }",
        "layers = [3], threshold = 1.0 }",
        &["steer.sets.steered: addition has no `threshold`; "],
    );
    check_error(
        "layers = [3] }",
        "layers = [3], treshold = 1.0 }",
        &[
            "line ",
            "unknown field `treshold`",
            "; the keys here are",
            "`threshold`",
        ],
    );
    check_error(
        "kind = \"addition\"",
        "kind = \"capping\", threshold = \"low\"",
        &["line ", "; here belongs a number"],
    );
    check_error("kind = \"addition\", ", "", &["line ", "missing field `kind`"]);
}

#[test]
fn the_notebooks_set_is_one_that_steers() {
    let set = "notebook_set = \"steered\"";
    check_error(
        set,
        "notebook_set = \"steerd\"",
        &[
            "steer.notebook_set",
            "\"steerd\"; the sets are: normal, swapped, ",
            "steered",
        ],
    );
    check_error(
        set,
        "notebook_set = \"normal\"",
        &[
            "steer.notebook_set",
            "\"normal\" has no intervention",
            "; name a set",
        ],
    );
    let text = std::fs::read_to_string(pipelines().join("tiny.toml")).unwrap();
    assert!(text.contains(set));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.toml");
    std::fs::write(&path, text.replace(set, "")).unwrap();
    assert_eq!(Pipeline::read(&path, &[]).unwrap().steer.notebook_set, None);
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

#[test]
fn a_system_text_holds_the_prompt_too() {
    let condition = "label = \"User Role\"";
    let pipeline = read(condition, &format!("{condition}\nsystem = \"Be {{prompt}}.\"")).unwrap();
    let filled = pipeline.condition("swapped").unwrap().filled("brief");
    assert_eq!(filled.system.as_deref(), Some("Be brief."));
    let texts: Vec<&str> = filled.turns.iter().map(|turn| turn.text.as_str()).collect();
    assert_eq!(texts, ["Hello.", "brief"]);
}

#[test]
fn assistant_is_another_word_for_the_model() {
    let pipeline = read("opens = \"model\"", "opens = \"assistant\"").unwrap();
    assert_eq!(pipeline.condition("normal").unwrap().opens, Speaker::Model);
}

#[test]
fn the_template_is_told_what_the_pipeline_says() {
    let with = |line: &str| read("short_name = ", &format!("{line}\nshort_name = "));
    let table = with("date = 2026-11-30\ntemplate_arguments = { enable_thinking = false }")
        .unwrap()
        .model;
    assert_eq!(table.date.as_deref(), Some("2026-11-30"));
    assert_eq!(table.template_arguments["enable_thinking"].as_bool(), Some(false));
    assert_eq!(
        with("date = \"2026-11-30\"").unwrap().model.date.as_deref(),
        Some("2026-11-30")
    );
    let error = with("template_arguments = { messages = [] }")
        .unwrap_err()
        .to_string();
    assert!(error.contains("model.template_arguments.messages"), "{error}");
}

#[test]
fn four_crossed_conditions_are_a_design() {
    assert_eq!(
        Pipeline::read(&pipelines().join("tiny.toml"), &[])
            .unwrap()
            .design(),
        None
    );
    for name in ["tiny-audit", "user-swap-gemma-2-9b-it-audit"] {
        let pipeline = Pipeline::read(&pipelines().join(format!("{name}.toml")), &[]).unwrap();
        let cells = pipeline.design().unwrap().cells;
        // Transcripts down, speakers across: the contrast lies on the diagonal.
        assert_eq!(
            cells,
            [["normal", "same-turns-user"], ["greeted-model", "swapped"]].map(|row| row.map(str::to_owned))
        );
        assert_eq!(pipeline.contrast.project_out, ["effect.transcript"]);
    }
}

/// A contrast of one factor alone needs no design, and other transcripts make none.
#[test]
fn a_system_text_makes_another_transcript() {
    let tiny_audit = std::fs::read_to_string(pipelines().join("tiny-audit.toml")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    let without = tiny_audit
        .replace("project_out = [\"effect.transcript\"]", "")
        .replace("effect.speaker", "pca");
    let changed = without.replacen("opens = \"user\"", "opens = \"user\"\nsystem = \"Be brief.\"", 1);
    std::fs::write(&path, changed).unwrap();
    assert_eq!(Pipeline::read(&path, &[]).unwrap().design(), None);
}

#[test]
fn vectors_that_are_not_made_are_refused_with_those_that_are() {
    for known in ["contrast", "pca", "probe", "lda", "mean.swapped"] {
        let directions = format!("layers = [3], directions = [\"{known}\"] }}");
        read("layers = [3] }", &directions).unwrap();
    }
    for unknown in ["effect.speaker", "contrast.cleaned", "pcs"] {
        let directions = format!("layers = [3], directions = [\"{unknown}\"] }}");
        check_error(
            "layers = [3] }",
            &directions,
            &[unknown, "contrast, pca, probe, lda"],
        );
    }
    read(
        "[contrast]",
        "[contrast]\nproject_out = [\"pca\", \"mean.normal\"]",
    )
    .unwrap();
    check_error(
        "[contrast]",
        "[contrast]\nproject_out = [\"contrast\"]",
        &["contrast.project_out", "pca"],
    );
}

#[test]
fn vectors_from_files_have_names_of_their_own() {
    let list = |name: &str| format!("[[vectors]]\nname = \"{name}\"\nfile = \"data/some.gguf\"\n\n[extract]");
    let refusal = read("[extract]", &list("refusal")).unwrap();
    assert_eq!(
        (refusal.vectors[0].name.as_str(), refusal.vectors[0].layer),
        ("refusal", None)
    );
    for name in ["contrast", "mean.normal", "a b", ""] {
        check_error("[extract]", &list(name), &["vectors: the name", name]);
    }
    let twice = list("refusal").replace("[extract]", &list("refusal"));
    check_error("[extract]", &twice, &["two [[vectors]] are named \"refusal\""]);
    let pipeline = std::fs::read_to_string(pipelines().join("tiny.toml")).unwrap();
    let uses = pipeline.replace("[extract]", &list("refusal")).replacen(
        "layers = [3] }",
        "layers = [3], directions = [\"refusal\"] }",
        1,
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, uses).unwrap();
    Pipeline::read(&path, &[]).unwrap();
}

#[test]
fn a_dose_has_defaults_and_says_what_cannot_be() {
    let pipeline = read("[dose]", "[dose]\nunit = \"relative\"").unwrap();
    assert_eq!(pipeline.dose.unit, CoefficientUnit::Relative);
    assert_eq!(
        (pipeline.dose.perplexity_budget, pipeline.dose.random_directions),
        (1.5, 3)
    );
    for (line, parts) in [
        (
            "perplexity_budget = 0.5",
            ["dose.perplexity_budget", "at least 1"],
        ),
        ("percentiles = [120.0]", ["dose.percentiles", "100"]),
        ("prompts = 1", ["dose.prompts", "at least 2"]),
        ("max_new_tokens = 0", ["dose.max_new_tokens", "at least 1"]),
        (
            "repetition_penalty = 0.0",
            ["dose.repetition_penalty", "between 0.1 and 10"],
        ),
        ("unit = \"norms\"", ["norms", "relative"]),
        (
            "directions = [\"pca\"]",
            ["dose.directions", "\"contrast\" is not among them"],
        ),
        (
            "directions = [\"contrast\", \"pca\", \"pca\"]",
            ["dose.directions", "twice"],
        ),
        (
            "directions = [\"contrast\", \"shuffled\"]",
            ["dose.directions", "controls"],
        ),
        (
            "directions = [\"contrast\", \"mine\"]",
            [
                "dose.directions",
                "there is no vector \"mine\"; use contrast, pca",
            ],
        ),
        (
            "directions = [\"contrast\", \"sae.mine.3\"]",
            ["dose.directions", "there is no vector \"sae.mine.3\""],
        ),
        ("budget = 2", ["budget", "perplexity_budget"]),
    ] {
        check_error("[dose]", &format!("[dose]\n{line}"), &parts);
    }
    let pipeline = read(
        "[dose]",
        "[dose]\ndirections = [\"pca\", \"mean.normal\", \"contrast\"]",
    )
    .unwrap();
    let names: Vec<String> = pipeline.dose.directions().iter().map(VectorKind::name).collect();
    assert_eq!(names, ["contrast", "pca", "mean.normal"]);
    check_error(
        "[steer]",
        "[steer]\nprompts = 0",
        &["steer.prompts", "at least 1"],
    );
    check_error(
        "coefficients = [0.25,",
        "coefficients = [-0.25,",
        &["dose.coefficients", "both signs"],
    );
}

#[test]
fn sites_are_named_as_elsewhere() {
    let with = |sites: &str| format!("[extract]\nsites = [{sites}]");
    let pipeline = read("[extract]", &with("\"hook_attn_out\", \"hook_embed\"")).unwrap();
    assert_eq!(pipeline.extract.sites, [Site::AttentionOutput, Site::Embedding]);
    check_error("[extract]", &with("\"attn\""), &["attn", "hook_attn_out"]);
    check_error(
        "[extract]",
        &with("\"hook_embed\", \"hook_embed\""),
        &["extract.sites", "twice"],
    );
    check_error(
        "[extract]",
        &with("\"hook_resid_post\""),
        &["extract.sites", "in any case"],
    );
}

/// Tables name the model without a path, which differs between machines.
#[test]
fn a_models_source_is_told_without_its_path() {
    let local = |source: &str| ModelTable::local(source, "A Model").public_source();
    assert_eq!(local("/home/someone/models/gemma-2-9b-it"), "gemma-2-9b-it");
    assert_eq!(
        local("models/gemma-3-270m-q4_k_m.gguf"),
        "gemma-3-270m-q4_k_m.gguf"
    );
    let cached = "/cache/hub/models--google--gemma-2-9b-it/snapshots/11c9b309";
    assert_eq!(local(cached), "google/gemma-2-9b-it");
    let hub = ModelTable {
        path: Some(cached.into()),
        ..ModelTable::local("google/gemma-2-9b-it", "A Model")
    };
    assert_eq!(hub.public_source(), "google/gemma-2-9b-it");
}
