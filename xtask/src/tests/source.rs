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
fn a_path_that_exists_wins_and_a_path_below_an_existing_folder_is_no_repository() {
    let sandbox = Sandbox::new();
    assert_eq!(source_of(&sandbox), Source::Local(sandbox.path("data/model")));
    hub(&sandbox, "data/another");
    assert_eq!(source_of(&sandbox), Source::Unknown("data/another".to_owned()));
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
    sandbox.set = vec!["model.source=owner/name/weights-Q8_0.gguf".into()];
    let Source::Hub(repository) = source_of(&sandbox) else {
        panic!("a file of a repository")
    };
    assert_eq!(repository.file.as_deref(), Some("weights-Q8_0.gguf"));
    for unknown in [
        "gemma",
        "owner/name/config.json",
        "../elsewhere/name",
        "a/b/c/d.gguf",
    ] {
        sandbox.set = vec![format!("model.source={unknown}")];
        assert_eq!(
            source_of(&sandbox),
            Source::Unknown(unknown.to_owned()),
            "{unknown}"
        );
    }
}

#[test]
fn a_model_of_the_hub_is_fetched_once_and_its_place_is_told() {
    let mut sandbox = Sandbox::new();
    hub(&sandbox, "owner/name");
    let text = sandbox.run_all().unwrap();
    assert_eq!(sandbox.runner.fetched.len(), 1, "{text}");
    let path = sandbox.path("hub/models--owner--name/snapshots/c0ffee");
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

#[test]
fn a_source_that_is_nothing_is_said_before_anything_is_built() {
    let mut sandbox = Sandbox::new();
    hub(&sandbox, "data/modle");
    let error = format!("{:#}", sandbox.run_all().unwrap_err());
    assert!(
        error.contains("model.source = \"data/modle\"") && error.contains("owner/name"),
        "{error}"
    );
    assert!(sandbox.runner.builds.is_empty());
}
