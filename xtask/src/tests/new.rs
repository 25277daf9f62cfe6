//! `new` writes a pipeline; that it is a good one is checked in `crates/pipeline/tests`, which can
//! read it.

use super::sandbox::Sandbox;
use terms::Device;

use crate::{
    new::{self, TEMPLATE, filled},
    pipeline::Pipeline,
};

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("data/prompts/role-questions.jsonl", "{}\n");
    sandbox
}

fn create(sandbox: &Sandbox, name: &str, prompts: Option<&str>) -> Result<String, String> {
    let mut out = Vec::new();
    new::create(&sandbox.project, name, None, prompts, &mut out).map_err(|error| format!("{error:#}"))?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn a_pipeline_and_prompts_are_written_and_nothing_is_overwritten() {
    let sandbox = sandbox();
    let text = create(&sandbox, "mine", None).unwrap();
    assert_eq!(
        text,
        "wrote data/prompts/mine.jsonl: prompts to edit, one a line\nwrote pipelines/mine.toml\n\
         next: cargo xtask all --pipeline mine\n"
    );
    let pipeline = Pipeline::load(&sandbox.project, "mine", &[], Device::Cpu).unwrap();
    assert_eq!(pipeline.text("prompts.file"), Some("data/prompts/mine.jsonl"));

    sandbox.write("data/prompts/mine.jsonl", "edited\n");
    let error = create(&sandbox, "mine", None).unwrap_err();
    assert!(error.starts_with("pipelines/mine.toml exists already"), "{error}");
    sandbox.remove("pipelines/mine.toml");
    create(&sandbox, "mine", None).unwrap();
    assert_eq!(sandbox.read("data/prompts/mine.jsonl"), "edited\n");
}

#[test]
fn bad_names_and_missing_prompts_are_refused_before_anything_is_written() {
    let sandbox = sandbox();
    for name in ["../mine", "mine.toml", ""] {
        assert!(create(&sandbox, name, None).is_err(), "{name}");
    }
    let error = create(&sandbox, "mine", Some("no/such.jsonl")).unwrap_err();
    assert!(
        error.starts_with("--prompts no/such.jsonl: there is no such file"),
        "{error}"
    );
    assert!(!sandbox.path("pipelines/mine.toml").exists());
    create(&sandbox, "mine", Some("data/prompts.jsonl")).unwrap();
    assert!(
        sandbox
            .read("pipelines/mine.toml")
            .contains("\nfile = \"data/prompts.jsonl\" ")
    );
}

#[test]
fn a_model_that_cannot_be_is_refused_before_anything_is_written() {
    let sandbox = sandbox();
    let create = |model: &str| {
        let outcome = new::create(&sandbox.project, "mine", Some(model), None, &mut Vec::new());
        outcome.map_err(|error| format!("{error:#}"))
    };
    let error = create("data/modle").unwrap_err();
    assert_eq!(
        error,
        "--model data/modle: there is no such folder or file; did you mean \"data/model\"?"
    );
    assert!(!sandbox.path("pipelines/mine.toml").exists());
    create("google/gemma-3-1b-it").unwrap();
    let pipeline = Pipeline::load(&sandbox.project, "mine", &[], Device::Cpu).unwrap();
    assert_eq!(pipeline.text("model.source"), Some("google/gemma-3-1b-it"));
    assert_eq!(pipeline.text("model.short_name"), Some("gemma-3-1b-it"));
}

#[test]
fn another_model_takes_the_place_of_the_shipped_one() {
    let text = filled("mine", Some("google/gemma-2-9b-it"), "p.jsonl");
    for line in [
        "\nsource = \"google/gemma-2-9b-it\" # a Hugging Face folder",
        "\nname = \"gemma-2-9b-it\"        # what the report",
        "\nshort_name = \"gemma-2-9b-it\"  # what file",
        "\n# reference = ",
        "\n# neutral = ",
        "\nname = \"normal\" ",
        "\ntitle = \"mine\"\n",
    ] {
        assert!(text.contains(line), "no {line:?} in:\n{text}");
    }
    for (source, name, short_name) in [
        ("google/gemma-3-1b-it", "gemma-3-1b-it", "gemma-3-1b-it"),
        ("owner/name/Q8/w-00001-of-00002.gguf", "w", "w"),
        ("/models/Gemma 2 (9B)/", "Gemma 2 (9B)", "Gemma-2--9B"),
        ("..", "..", "model"),
    ] {
        let text = filled("mine", Some(source), "p.jsonl");
        assert!(text.contains(&format!("\nname = \"{name}\" ")), "{text}");
        assert!(
            text.contains(&format!("\nshort_name = \"{short_name}\" ")),
            "{text}"
        );
    }
    assert!(!text.contains("data/tiny"), "{text}");
    assert_eq!(text.lines().count(), TEMPLATE.lines().count());
}
