//! What is where, and what is downloaded.

use hub::{Request, cached, fetch};

use crate::hub::{COMMIT, Hub, NAME, weights};
use crate::place::{Heard, Place, assert_says, names};

const OTHER_COMMIT: &str = "89abcdef0123456789abcdef0123456789abcdef";

#[test]
fn a_model_lies_in_the_cache_as_python_lays_it_out() {
    let hub = Hub::with_model();
    let place = Place::of(&hub);
    let mut heard = Heard::default();
    let folder = fetch(&place.environment, &Request::new(NAME), &mut heard).unwrap();

    assert_eq!(folder, place.repository().join("snapshots").join(COMMIT));
    let files = [
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ];
    assert_eq!(names(&folder), files, "the README is of no use");
    let mut checksums = Vec::new();
    for file in files {
        let stored = hub.stored(file);
        let link = std::fs::read_link(folder.join(file)).unwrap();
        assert_eq!(
            link.to_str().unwrap(),
            format!("../../blobs/{}", stored.checksum())
        );
        assert_eq!(std::fs::read(folder.join(file)).unwrap(), stored.bytes);
        checksums.push(stored.checksum());
    }
    checksums.sort();
    assert_eq!(place.blobs(), checksums, "no partial file is left");
    let main = std::fs::read_to_string(place.repository().join("refs/main")).unwrap();
    assert_eq!(main, COMMIT);
    let absent = place.repository().join(".no_exist").join(COMMIT);
    assert_eq!(
        names(&absent),
        [
            "added_tokens.json",
            "chat_template.jinja",
            "chat_template.json",
            "special_tokens_map.json"
        ]
    );
    assert_eq!(names(&place.environment.cache), [".locks", "models--owner--name"]);

    let total = files.map(|file| hub.stored(file).bytes.len() as u64).iter().sum();
    assert_eq!(heard.bytes.last(), Some(&(total, total)));
    assert!(heard.bytes.is_sorted(), "{heard:?}");
    assert!(heard.warnings.is_empty(), "{heard:?}");
}

#[test]
fn a_second_fetch_only_asks_whether_the_branch_moved() {
    let hub = Hub::with_model();
    let place = Place::of(&hub);
    let first = place.fetch().unwrap();
    hub.server.forget();
    hub.contents.forget();
    assert_eq!(place.fetch().unwrap(), first);
    let seen = hub.server.seen();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!(seen[0].path, "/api/models/owner/name/revision/main");
    assert!(hub.contents.seen().is_empty());
}

#[test]
fn when_the_branch_moves_only_what_changed_is_downloaded() {
    let hub = Hub::with_model();
    let place = Place::of(&hub);
    let first = place.fetch().unwrap();
    hub.behaviour().commit = OTHER_COMMIT.to_owned();
    hub.add("config.json", b"{ }");
    hub.server.forget();
    hub.contents.forget();
    let second = place.fetch().unwrap();
    assert_ne!(first, second);
    let transfers = hub.transfers();
    assert_eq!(transfers.len(), 1, "{transfers:?}");
    assert!(transfers[0].path.ends_with("/config.json"));
    assert_eq!(std::fs::read(second.join("config.json")).unwrap(), b"{ }");
    assert_eq!(
        std::fs::read(second.join("model.safetensors")).unwrap(),
        weights(300_000)
    );
    assert!(
        first.join("model.safetensors").is_file(),
        "the old snapshot stays"
    );
    let main = std::fs::read_to_string(place.repository().join("refs/main")).unwrap();
    assert_eq!(main, OTHER_COMMIT);
}

#[test]
fn shards_are_those_that_the_index_names() {
    let hub = Hub::start();
    hub.add_small_files();
    let shards = [
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
    ];
    hub.add_large(shards[0], &weights(1000));
    hub.add_large(shards[1], &weights(2000));
    hub.add_large("consolidated.safetensors", &weights(9000));
    let index = serde_json::json!({ "weight_map": { "a": shards[0], "b": shards[1], "c": shards[0] } });
    hub.add("model.safetensors.index.json", index.to_string().as_bytes());
    let place = Place::of(&hub);
    let folder = place.fetch().unwrap();
    assert_eq!(std::fs::read(folder.join(shards[0])).unwrap(), weights(1000));
    assert_eq!(std::fs::read(folder.join(shards[1])).unwrap(), weights(2000));
    assert!(folder.join("model.safetensors.index.json").is_file());
    assert!(!folder.join("consolidated.safetensors").exists());
    assert_eq!(
        cached(&place.environment, &Request::new(NAME)),
        Some(folder.clone())
    );

    std::fs::remove_file(folder.join(shards[1])).unwrap();
    assert_eq!(
        cached(&place.environment, &Request::new(NAME)),
        None,
        "a shard is missing"
    );
}

#[test]
fn an_index_cannot_name_a_place_outside_of_the_snapshot() {
    let hub = Hub::start();
    hub.add_small_files();
    let index = serde_json::json!({ "weight_map": { "a": "../../../../evil" } });
    hub.add("model.safetensors.index.json", index.to_string().as_bytes());
    let place = Place::of(&hub);
    assert_says(
        &place.error(),
        &[
            "model.safetensors.index.json",
            "../../../../evil",
            "not the name of a file",
        ],
    );
}

/// As transformers does: the shards beside a single file are those of an older save.
#[test]
fn a_single_file_wins_over_an_index() {
    let hub = Hub::with_model();
    let index = serde_json::json!({ "weight_map": { "a": "model-00001-of-00001.safetensors" } });
    hub.add("model.safetensors.index.json", index.to_string().as_bytes());
    hub.add_large("model-00001-of-00001.safetensors", &weights(1000));
    let place = Place::of(&hub);
    let folder = place.fetch().unwrap();
    assert_eq!(
        std::fs::read(folder.join("model.safetensors")).unwrap(),
        weights(300_000)
    );
    assert!(!folder.join("model-00001-of-00001.safetensors").exists());
    assert_eq!(cached(&place.environment, &Request::new(NAME)), Some(folder));
}

#[test]
fn an_index_may_name_files_in_folders() {
    let hub = Hub::start();
    hub.add_small_files();
    hub.add_large("weights/w.safetensors", &weights(1000));
    let index = serde_json::json!({ "weight_map": { "a": "weights/w.safetensors" } });
    hub.add("model.safetensors.index.json", index.to_string().as_bytes());
    let place = Place::of(&hub);
    let folder = place.fetch().unwrap();
    let shard = folder.join("weights/w.safetensors");
    assert_eq!(std::fs::read(&shard).unwrap(), weights(1000));
    std::fs::remove_file(&shard).unwrap();
    assert_eq!(cached(&place.environment, &Request::new(NAME)), None);
}

/// The files of google/gemma-3-1b-it, by their names; the contents are made up.
#[test]
fn of_a_text_only_gemma_3_comes_all_that_is_read_and_nothing_else() {
    let hub = Hub::with_model();
    for name in [".gitattributes", "added_tokens.json", "special_tokens_map.json"] {
        hub.add(name, b"{}");
    }
    hub.add_large("tokenizer.model", &weights(2000));
    let place = Place::of(&hub);
    let folder = place.fetch().unwrap();
    let files = [
        "added_tokens.json",
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ];
    assert_eq!(names(&folder), files);
    assert_eq!(cached(&place.environment, &Request::new(NAME)), Some(folder));
}

#[test]
fn all_chat_templates_come_along() {
    let hub = Hub::with_model();
    hub.add("chat_template.json", b"{}");
    hub.add("additional_chat_templates/tool_use.jinja", b"{{ tools }}");
    hub.add("additional_chat_templates/README.md", b"#");
    let place = Place::of(&hub);
    let folder = place.fetch().unwrap();
    assert_eq!(
        names(&folder.join("additional_chat_templates")),
        ["tool_use.jinja"]
    );
    assert!(folder.join("chat_template.json").is_file());
}

#[test]
fn a_gguf_file_in_parts_comes_with_all_of_them() {
    let hub = Hub::with_model();
    let part = |number| format!("Q8_0/deep/model-0000{number}-of-00003.gguf");
    for number in 1..=3 {
        hub.add_large(&part(number), &weights(1000 * u32::from(number as u8)));
    }
    let place = Place::of(&hub);
    let mut request = Request::new(NAME);
    request.file = Some(part(2));
    let error = fetch(&place.environment, &request, &mut ()).unwrap_err();
    assert_says(
        &error.to_string(),
        &["part 2 of 3; give the first part, \"Q8_0/deep/model-00001-of-00003.gguf\""],
    );
    request.file = Some(part(1));
    let path = fetch(&place.environment, &request, &mut ()).unwrap();
    assert!(path.ends_with(part(1)));
    let folder = path.parent().unwrap();
    assert_eq!(names(folder).len(), 3);
    assert_eq!(cached(&place.environment, &request), Some(path.clone()));
    std::fs::remove_file(folder.join("model-00003-of-00003.gguf")).unwrap();
    assert_eq!(cached(&place.environment, &request), None, "a part is missing");

    hub.behaviour().files.remove(&part(3));
    let error = fetch(&place.environment, &request, &mut ()).unwrap_err();
    assert_says(
        &error.to_string(),
        &["has no file Q8_0/deep/model-00003-of-00003.gguf"],
    );
}

/// What an interrupted download leaves: links to blobs that did not come, and their beginnings.
#[test]
fn half_a_snapshot_is_told_offline_and_completed_online() {
    let hub = Hub::with_model();
    let mut place = Place::of(&hub);
    let folder = place.fetch().unwrap();
    for name in ["model.safetensors", "generation_config.json"] {
        let blob = place.blob(&hub.stored(name).checksum());
        std::fs::rename(&blob, format!("{}.incomplete", blob.display())).unwrap();
        assert!(folder.join(name).is_symlink());
        place.environment.offline = true;
        assert_eq!(cached(&place.environment, &Request::new(NAME)), None);
        assert_says(&place.error(), &["HF_HUB_OFFLINE", &format!("missing: {name}")]);
        place.environment.offline = false;
        assert_eq!(place.fetch().unwrap(), folder);
        assert_eq!(std::fs::read(folder.join(name)).unwrap(), hub.stored(name).bytes);
    }
}

#[test]
fn one_file_comes_alone() {
    let hub = Hub::with_model();
    hub.add_large("gguf/model Q4_K_M.gguf", &weights(5000));
    let place = Place::of(&hub);
    let mut request = Request::new(NAME);
    request.file = Some("gguf/model Q4_K_M.gguf".to_owned());
    let path = fetch(&place.environment, &request, &mut ()).unwrap();
    let snapshot = place.repository().join("snapshots").join(COMMIT);
    assert_eq!(path, snapshot.join("gguf/model Q4_K_M.gguf"));
    assert_eq!(std::fs::read(&path).unwrap(), weights(5000));
    assert!(std::fs::read_link(&path).unwrap().starts_with("../../../blobs"));
    assert_eq!(names(&snapshot), ["gguf"]);
    assert_eq!(cached(&place.environment, &request), Some(path));
    assert_eq!(
        cached(&place.environment, &Request::new(NAME)),
        None,
        "the model isn't there"
    );
}

#[test]
fn a_model_that_python_downloaded_is_found() {
    let hub = Hub::with_model();
    hub.add("chat_template.jinja", b"{{ messages }}");
    let place = Place::of(&hub);
    let snapshot = place.repository().join("snapshots").join(COMMIT);
    for folder in [
        &snapshot,
        &place.repository().join("blobs"),
        &place.repository().join("refs"),
    ] {
        std::fs::create_dir_all(folder).unwrap();
    }
    for (name, stored) in &hub.behaviour().files {
        std::fs::write(place.blob(&stored.checksum()), &stored.bytes).unwrap();
        let target = format!("../../blobs/{}", stored.checksum());
        std::os::unix::fs::symlink(target, snapshot.join(name)).unwrap();
    }
    std::fs::write(place.repository().join("refs/main"), COMMIT).unwrap();
    assert_eq!(
        cached(&place.environment, &Request::new(NAME)),
        Some(snapshot.clone())
    );
    assert_eq!(place.fetch().unwrap(), snapshot);
    assert_eq!(hub.server.seen().len(), 1, "one look at the branch");
    assert!(hub.contents.seen().is_empty());
}

#[test]
fn revisions_have_their_own_references() {
    let hub = Hub::with_model();
    let place = Place::of(&hub);
    for revision in ["v1", "refs/pr/1", COMMIT] {
        let mut request = Request::new(NAME);
        request.revision = revision.to_owned();
        let folder = fetch(&place.environment, &request, &mut ()).unwrap();
        assert_eq!(cached(&place.environment, &request), Some(folder));
    }
    assert_eq!(names(&place.repository().join("refs")), ["refs", "v1"]);
    let pull = std::fs::read_to_string(place.repository().join("refs/refs/pr/1")).unwrap();
    assert_eq!(pull, COMMIT);
    assert_eq!(
        cached(&place.environment, &Request::new(NAME)),
        None,
        "main was not asked for"
    );
}

#[test]
fn a_blob_that_was_cut_or_removed_is_downloaded_again() {
    let hub = Hub::with_model();
    let place = Place::of(&hub);
    let folder = place.fetch().unwrap();
    let model = folder.join("model.safetensors");
    let blob = place.blob(&hub.stored("model.safetensors").checksum());
    std::fs::remove_file(&blob).unwrap();
    assert_eq!(place.fetch().unwrap(), folder);
    assert_eq!(std::fs::read(&model).unwrap(), weights(300_000));

    std::fs::remove_file(&model).unwrap();
    std::fs::write(&blob, "cut").unwrap();
    assert_eq!(place.fetch().unwrap(), folder);
    assert_eq!(std::fs::read(&model).unwrap(), weights(300_000));
}

#[test]
fn an_adapter_is_its_two_files_and_where_its_template_may_be() {
    let hub = Hub::start();
    for name in [
        "adapter_config.json",
        "tokenizer_config.json",
        "training_args.bin",
        "tokenizer.json",
    ] {
        hub.add(name, b"{}");
    }
    let place = Place::of(&hub);
    let mut request = Request::new(NAME);
    request.is_adapter = true;
    let error = fetch(&place.environment, &request, &mut ())
        .unwrap_err()
        .to_string();
    assert!(error.contains("adapter_model.safetensors"), "{error}");
    hub.add_large("adapter_model.safetensors", b"trained");
    let folder = fetch(&place.environment, &request, &mut ()).unwrap();
    assert_eq!(
        names(&folder),
        [
            "adapter_config.json",
            "adapter_model.safetensors",
            "tokenizer_config.json"
        ]
    );
    assert_eq!(cached(&place.environment, &request), Some(folder));
    assert_eq!(
        cached(&place.environment, &Request::new(NAME)),
        None,
        "it is not a model"
    );
}
