//! Models on the disk and in the hub's cache.

use super::sandbox::Sandbox;
use crate::source::{Source, place, source};

/// A sandbox whose model is one of the hub, with nothing in the cache.
fn hub(sandbox: &Sandbox, value: &str) {
    sandbox.edit("pipelines/tiny.toml", "data/model", value);
}

fn source_of(sandbox: &Sandbox) -> Source {
    source(&sandbox.project, &sandbox.pipeline().unwrap()).unwrap()
}

#[test]
fn a_path_that_exists_wins() {
    let sandbox = Sandbox::new();
    assert_eq!(source_of(&sandbox), Source::Local(sandbox.path("data/model")));
}

#[test]
fn repositories_and_files_in_them_are_told_apart() {
    let mut sandbox = Sandbox::new();
    hub(&sandbox, "google/gemma-2-9b-it");
    sandbox.set = vec!["model.revision=v1".into()];
    let Source::Hub(repository) = source_of(&sandbox) else {
        panic!("a repository")
    };
    assert_eq!(
        (repository.id.as_str(), repository.revision.as_str()),
        ("google/gemma-2-9b-it", "v1")
    );
    for (source, file) in [
        ("owner/name/weights-Q8_0.gguf", "weights-Q8_0.gguf"),
        (
            "owner/name/sub/folder/w-00001-of-00003.gguf",
            "sub/folder/w-00001-of-00003.gguf",
        ),
    ] {
        sandbox.set = vec![format!("model.source={source}")];
        let Source::Hub(repository) = source_of(&sandbox) else {
            panic!("a file of a repository: {source}")
        };
        assert_eq!(repository.file.as_deref(), Some(file));
    }
}

/// Nobody is asked for a repository of such a name, and the message says what was meant.
#[test]
fn slips_are_told_for_what_they_are() {
    let mut sandbox = Sandbox::new();
    sandbox.write("models/gemma-2b/config.json", "{}");
    sandbox.write("models/parts/w-00002-of-00003.gguf", "");
    let outside = sandbox.path("models").display().to_string();
    for (value, advice) in [
        ("./modles/gemma-2b", "did you mean \"./models/gemma-2b\"?"),
        ("models/gemma-2", "did you mean \"models/gemma-2b\"?"),
        ("models/other", "correct the path; of it there is \"models\""),
        ("models", "ok"),
        ("modles", "did you mean \"models\"?"),
        ("models\\gemma-2b", "did you mean \"models/gemma-2b\"?"),
        ("models/gemma-2b/", "ok"),
        ("../nowhere-at-all/x", "no such folder or file"),
        (
            &format!("{outside}/gemma-2bb"),
            &format!("did you mean \"{outside}/gemma-2b\"?"),
        ),
        ("/nowhere-at-all/x", "name a folder, a .gguf file"),
        ("~/nowhere-at-all/x", "no such folder or file"),
        ("C:\\models\\x", "no such folder or file"),
        ("x.gguf", "no such folder or file"),
        ("owner/x.gguf", "no such folder or file"),
        (
            "owner/name/",
            "for the repository of the hub give \"owner/name\", without the slash",
        ),
        (
            "https://huggingface.co/owner/name",
            "this is an address, and the name of the repository is wanted; give \"owner/name\"",
        ),
        ("hf.co/owner/name:Q4_K_M", "give \"owner/name\""),
        (
            "huggingface.co/owner/name/tree/v1",
            "give \"owner/name\" and model.revision = \"v1\"",
        ),
        (
            "https://huggingface.co/owner/name/blob/main/sub/x.gguf?download=true",
            "give \"owner/name/sub/x.gguf\"",
        ),
        (
            "https://huggingface.co/datasets/owner/name",
            "not the address of a model",
        ),
        (
            "https://example.com/owner/name",
            "this is an address; name a folder",
        ),
        (
            "google/gemma-3-1b-it:latest",
            "`latest` behind the name has no meaning here; name the repository alone, \"google/gemma-3-1b-it\"",
        ),
        ("owner/name@v1", "`v1` behind the name"),
        (
            "owner/name/config.json",
            "only a .gguf file can be named alone; give \"owner/name\"",
        ),
        ("owner/name.git", "no repository of the hub can have this name"),
        ("owner/na--me", "no repository of the hub can have this name"),
        (
            "owner/name/w-00002-of-00003.gguf",
            "part 2 of 3; give the first part, \"owner/name/w-00001-of-00003.gguf\"",
        ),
        ("models/parts/w-00002-of-00003.gguf", "part 2 of 3"),
        ("", "nothing is named"),
    ] {
        sandbox.set = vec![format!("model.source={}", toml::Value::String(value.to_owned()))];
        match source_of(&sandbox) {
            Source::Wrong(problem) => {
                assert!(problem.contains(advice), "{value}: {problem}");
                assert!(problem.contains("; "), "{value}: says nothing to do: {problem}");
            }
            Source::Local(_) => assert_eq!(advice, "ok", "{value}"),
            Source::Hub(_) => panic!("{value} was taken for a repository"),
        }
    }
}

#[test]
fn a_tilde_is_the_home_and_stages_are_told_the_place() {
    let sandbox = Sandbox::new();
    let home = sandbox.path("data");
    let found = Source::of("~/model", None, sandbox.project.root(), Some(&home));
    assert_eq!(found, Source::Local(sandbox.path("data/model")));
}

#[test]
fn a_model_of_the_hub_is_fetched_once_and_its_place_is_told() {
    let mut sandbox = Sandbox::new();
    hub(&sandbox, "owner/name");
    let text = sandbox.run_all().unwrap();
    assert_eq!(sandbox.runner.fetched.len(), 1, "{text}");
    let path = sandbox.path("hub/models--owner--name/snapshots/c0ffeec0ffeec0ffeec0ffeec0ffeec0ffeec0ff");
    let argument = format!("model.path=\"{}\"", path.display());
    assert!(
        sandbox.runner.arguments.contains(&argument),
        "{:?}",
        sandbox.runner.arguments
    );
    let inputs = sandbox.lock("extract").unwrap().key.inputs;
    assert!(inputs.contains_key("owner/name/model.safetensors"), "{inputs:?}");
    sandbox.runner.fetched.clear();
    sandbox.runner.take_ran();
    sandbox.check(&[], "everything is fresh");
    assert!(
        sandbox.runner.fetched.is_empty(),
        "nothing is asked of the hub where all is fresh"
    );
}

#[test]
fn another_adapter_and_another_file_of_it_make_stages_stale() {
    let mut sandbox = Sandbox::fresh();
    for folder in ["data/one", "data/two"] {
        sandbox.write(&format!("{folder}/adapter_config.json"), folder);
        sandbox.write(&format!("{folder}/adapter_model.safetensors"), "trained");
    }
    sandbox.set = vec!["model.adapter=data/one".into()];
    let text = sandbox.dry_run();
    assert!(text.contains("extract  would run: "), "{text}");
    sandbox.run_all().unwrap();
    sandbox.runner.take_ran();
    let inputs = sandbox.lock("extract").unwrap().key.inputs;
    assert!(inputs.contains_key("data/one/adapter_config.json"), "{inputs:?}");
    assert!(
        inputs.contains_key("data/one/adapter_model.safetensors"),
        "{inputs:?}"
    );
    // Its tokenizer is not read.
    sandbox.write("data/one/tokenizer.json", "{}");
    sandbox.check(&[], "everything is fresh");
    for stage in ["verify", "extract", "steer", "dose", "locate"] {
        let key = sandbox.lock(stage).unwrap().key.inputs;
        assert!(key.contains_key("data/one/adapter_config.json"), "{stage}");
    }
    sandbox.write("data/one/adapter_config.json", "another scale");
    let text = sandbox.dry_run();
    assert!(
        text.contains("input changed: data/one/adapter_config.json"),
        "{text}"
    );
    sandbox.set = vec!["model.adapter=data/two".into()];
    assert!(sandbox.dry_run().contains("extract  would run: "));
    sandbox.set = Vec::new();
    assert!(sandbox.dry_run().contains("extract  would run: "));
}

#[test]
fn an_adapter_of_the_hub_is_fetched_with_the_model_and_its_place_is_told() {
    let mut sandbox = Sandbox::new();
    hub(&sandbox, "owner/name");
    sandbox.set = vec![
        "model.adapter=owner/lora".into(),
        "model.adapter_revision=v2".into(),
    ];
    let text = sandbox.run_all().unwrap();
    let fetched: Vec<(&str, &str, bool)> = sandbox
        .runner
        .fetched
        .iter()
        .map(|repository| {
            (
                repository.id.as_str(),
                repository.revision.as_str(),
                repository.is_adapter,
            )
        })
        .collect();
    assert_eq!(
        fetched,
        [("owner/name", "main", false), ("owner/lora", "v2", true)],
        "{text}"
    );
    let told = sandbox.runner.arguments.iter();
    let told: Vec<&String> = told
        .filter(|argument| argument.starts_with("model.adapter_path=") || argument.starts_with("model.path="))
        .collect();
    assert_eq!(told.len(), 2, "{:?}", sandbox.runner.arguments);
    let inputs = sandbox.lock("extract").unwrap().key.inputs;
    assert!(
        inputs.contains_key("owner/lora/adapter_model.safetensors"),
        "{inputs:?}"
    );
    sandbox.runner.fetched.clear();
    sandbox.runner.take_ran();
    sandbox.check(&[], "everything is fresh");
    assert!(sandbox.runner.fetched.is_empty());
}

#[test]
fn an_adapter_that_is_nothing_is_said_before_anything_is_built() {
    let mut sandbox = Sandbox::new();
    for (value, advice) in [
        (
            "data/lora",
            "model.adapter = \"data/lora\": there is no such folder",
        ),
        ("owner/name/lora.gguf", "give \"owner/name\""),
        (
            "https://huggingface.co/owner/name/tree/v1",
            "model.adapter_revision = \"v1\"",
        ),
    ] {
        sandbox.set = vec![format!("model.adapter={value}")];
        let error = format!("{:#}", sandbox.run_all().unwrap_err());
        assert!(error.contains(advice), "{value}: {error}");
        assert!(sandbox.runner.builds.is_empty());
    }
    sandbox.set = vec!["model.adapter_path=elsewhere".into(), "model.adapter=data".into()];
    let error = format!("{:#}", sandbox.run_all().unwrap_err());
    assert!(
        error.contains("model.adapter_path is filled in by cargo xtask"),
        "{error}"
    );
}

#[test]
fn a_cleared_cache_is_filled_again_and_changes_nothing() {
    let mut sandbox = Sandbox::new();
    hub(&sandbox, "owner/name");
    sandbox.run_all().unwrap();
    sandbox.runner.take_ran();
    fs_err::remove_dir_all(sandbox.path("hub")).unwrap();
    assert_eq!(place(&sandbox.project, &source_of(&sandbox)), None);
    sandbox.check(&[], "extract  fresh");
    assert_eq!(sandbox.runner.fetched.len(), 2);
}

/// Links to files that did not come, as an interrupted download leaves them.
#[test]
fn half_a_snapshot_is_no_model_and_is_completed() {
    let mut sandbox = Sandbox::new();
    hub(&sandbox, "owner/name");
    sandbox.run_all().unwrap();
    sandbox.runner.take_ran();
    let snapshot = place(&sandbox.project, &source_of(&sandbox)).unwrap();
    for file in ["model.safetensors", "tokenizer.json", "generation_config.json"] {
        let _ = fs_err::remove_file(snapshot.join(file));
        std::os::unix::fs::symlink("../../blobs/gone", snapshot.join(file)).unwrap();
        assert_eq!(place(&sandbox.project, &source_of(&sandbox)), None, "{file}");
        sandbox.runner.fetched.clear();
        sandbox.run_all().unwrap();
        assert_eq!(sandbox.runner.fetched.len(), 1, "{file}");
        let _ = fs_err::remove_file(snapshot.join("generation_config.json"));
    }
}

#[test]
fn what_an_index_names_is_hashed_and_nothing_beside_it() {
    let mut sandbox = Sandbox::fresh();
    sandbox.remove("data/model/model.safetensors");
    sandbox.write("data/model/weights/w.safetensors", "one");
    sandbox.write("data/model/old.safetensors", "old");
    sandbox.write(
        "data/model/model.safetensors.index.json",
        r#"{"weight_map": {"a": "weights/w.safetensors"}}"#,
    );
    sandbox.run_all().unwrap();
    let inputs = sandbox.lock("extract").unwrap().key.inputs;
    let names: Vec<&str> = inputs
        .keys()
        .map(String::as_str)
        .filter(|name| name.contains("model/"))
        .collect();
    assert_eq!(
        names,
        [
            "data/model/config.json",
            "data/model/model.safetensors.index.json",
            "data/model/weights/w.safetensors"
        ]
    );
    sandbox.runner.take_ran();
    sandbox.write("data/model/old.safetensors", "other");
    sandbox.check(&[], "everything is fresh");
    sandbox.write("data/model/weights/w.safetensors", "two");
    assert!(
        sandbox
            .dry_run()
            .contains("extract  would run: input changed: data/model/weights/w.safetensors")
    );
    // A single file wins, and what the index names no longer counts.
    sandbox.write("data/model/model.safetensors", "whole");
    sandbox.run_all().unwrap();
    sandbox.runner.take_ran();
    sandbox.write("data/model/weights/w.safetensors", "three");
    sandbox.check(&[], "everything is fresh");

    sandbox.remove("data/model/model.safetensors");
    for name in ["../w.safetensors", "/w.safetensors"] {
        sandbox.write(
            "data/model/model.safetensors.index.json",
            &format!(r#"{{"weight_map": {{"a": "{name}"}}}}"#),
        );
        let error = format!("{:#}", sandbox.run_all().unwrap_err());
        assert!(error.contains(name) && error.contains("index.json"), "{error}");
    }
}

#[test]
fn every_text_that_tokenizers_read_is_hashed() {
    let sandbox = Sandbox::fresh();
    for name in [
        "special_tokens_map.json",
        "added_tokens.json",
        "chat_template.json",
        "additional_chat_templates/tool_use.jinja",
    ] {
        sandbox.write(&format!("data/model/{name}"), "{}");
        let text = sandbox.dry_run();
        assert!(
            text.contains(&format!("input added: data/model/{name}")),
            "{text}"
        );
        sandbox.remove(&format!("data/model/{name}"));
    }
    sandbox.write("data/model/additional_chat_templates/README.md", "#");
    assert!(sandbox.dry_run().contains("everything is fresh"));
}

#[test]
fn all_parts_of_a_gguf_file_are_hashed() {
    let mut sandbox = Sandbox::new();
    hub(&sandbox, "data/gguf/w-00001-of-00002.gguf");
    for number in 1..=3 {
        sandbox.write(&format!("data/gguf/w-0000{number}-of-00002.gguf"), "part");
    }
    sandbox.run_all().unwrap();
    sandbox.runner.take_ran();
    sandbox.write("data/gguf/w-00003-of-00002.gguf", "no part of it");
    sandbox.check(&[], "everything is fresh");
    sandbox.write("data/gguf/w-00002-of-00002.gguf", "another");
    assert!(
        sandbox
            .dry_run()
            .contains("input changed: data/gguf/w-00002-of-00002.gguf")
    );
}

#[test]
fn a_link_that_leads_nowhere_is_told() {
    let mut sandbox = Sandbox::new();
    let link = sandbox.path("data/model/generation_config.json");
    std::os::unix::fs::symlink("../blobs/gone", link).unwrap();
    let error = format!("{:#}", sandbox.run_all().unwrap_err());
    assert!(
        error.contains("generation_config.json is a link to a file that isn't there; "),
        "{error}"
    );
}

#[test]
fn the_place_of_a_model_is_not_to_be_set() {
    let mut sandbox = Sandbox::new();
    sandbox.set = vec!["model.path=elsewhere".into()];
    let error = format!("{:#}", sandbox.run_all().unwrap_err());
    assert!(
        error.contains("model.path is filled in by cargo xtask; "),
        "{error}"
    );
}

#[test]
fn a_source_that_is_nothing_is_said_before_anything_is_built() {
    let mut sandbox = Sandbox::new();
    hub(&sandbox, "data/modle");
    let error = format!("{:#}", sandbox.run_all().unwrap_err());
    assert!(
        error.ends_with(
            "model.source = \"data/modle\": there is no such folder or file; did you mean \"data/model\"?"
        ),
        "{error}"
    );
    assert!(sandbox.runner.builds.is_empty());
}
