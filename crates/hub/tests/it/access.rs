//! Who may have what, and what the user is told.

use hub::{Error, Request, Token, fetch};

use crate::hub::{Hub, NAME};
use crate::place::{Place, assert_says, names};

const RIGHT: &str = "hf_right";
const STRANGER: &str = "hf_stranger";

fn gated() -> Hub {
    let hub = Hub::with_model();
    hub.behaviour().gated = Some(RIGHT.to_owned());
    hub.behaviour().stranger = Some(STRANGER.to_owned());
    hub
}

#[test]
fn a_gated_model_needs_a_licence_and_a_token() {
    let hub = gated();
    let error = Place::of(&hub).error();
    let page = "https://huggingface.co/owner/name";
    let tokens = "https://huggingface.co/settings/tokens";
    assert_says(&error, &["gated", page, "set HF_TOKEN", tokens]);

    let error = Place::with_token(&hub, STRANGER).error();
    assert_says(&error, &["gated", page, "account", tokens]);
    assert!(!error.contains(STRANGER));

    let error = Place::with_token(&hub, "hf_wrong").error();
    assert_says(&error, &[NAME, "refuses the token", tokens]);
    assert!(!error.contains("hf_wrong"));

    let place = Place::with_token(&hub, RIGHT);
    assert!(place.fetch().unwrap().join("model.safetensors").is_file());
}

#[test]
fn the_token_goes_to_the_hub_alone() {
    let hub = gated();
    Place::with_token(&hub, RIGHT).fetch().unwrap();
    let to_hub = hub.server.seen();
    let sent = |seen: &crate::server::Seen| seen.header("authorization") == Some("Bearer hf_right");
    assert!(to_hub.iter().all(sent), "{to_hub:?}");
    let elsewhere = hub.contents.seen();
    assert_eq!(elsewhere.len(), 2);
    assert!(
        elsewhere
            .iter()
            .all(|seen| seen.header("authorization").is_none())
    );
}

#[test]
fn the_token_is_shown_nowhere() {
    let token = Token::new(" hf_secret\n").unwrap();
    assert_eq!(format!("{token:?}"), "Token(…)");
    let hub = gated();
    // A token with a character that no header can hold must not show in the error of the library.
    let place = Place::with_token(&hub, "hf_sec\nret");
    assert!(!format!("{:?}", place.environment).contains("hf_sec"));
    let error = place.error();
    assert_says(&error, &[NAME, "token", "HF_TOKEN"]);
    assert!(!error.contains("hf_sec"), "{error}");
}

#[test]
fn a_model_that_is_hidden_looks_like_one_that_is_not_there() {
    let hub = gated();
    hub.behaviour().private = true;
    let both = ["no such repository", "private or gated"];
    let error = Place::of(&hub).fetch().unwrap_err();
    assert!(matches!(
        error,
        Error::RepositoryNotFound {
            with_token: false,
            ..
        }
    ));
    assert_says(&error.to_string(), &[both[0], both[1], "set HF_TOKEN"]);
    let error = Place::with_token(&hub, STRANGER).error();
    assert_says(&error, &[both[0], both[1], "may not see it"]);
    assert!(Place::with_token(&hub, RIGHT).fetch().is_ok());

    let request = Request::new("owner/other");
    let error = fetch(&Place::with_token(&hub, RIGHT).environment, &request, &mut ()).unwrap_err();
    assert_says(&error.to_string(), &["owner/other", both[0]]);
}

#[test]
fn a_repository_may_have_been_renamed() {
    let hub = gated();
    hub.behaviour().renamed = true;
    let place = Place::with_token(&hub, RIGHT);
    let folder = place.fetch().unwrap();
    assert!(folder.starts_with(place.repository()), "the name asked for");
    assert!(folder.join("model.safetensors").is_file());
}

#[test]
fn a_revision_that_is_not_there_is_named() {
    let hub = Hub::with_model();
    let mut request = Request::new(NAME);
    request.revision = "v9".to_owned();
    let error = fetch(&Place::of(&hub).environment, &request, &mut ()).unwrap_err();
    assert!(matches!(error, Error::RevisionNotFound { .. }));
    assert_says(&error.to_string(), &[NAME, "v9", "branch"]);
}

#[test]
fn a_file_that_is_not_there_is_named_with_those_that_are() {
    let hub = Hub::with_model();
    hub.add_large("model-Q4_K_M.gguf", b"GGUF");
    let mut request = Request::new(NAME);
    request.file = Some("model-Q5_K_M.gguf".to_owned());
    let error = fetch(&Place::of(&hub).environment, &request, &mut ()).unwrap_err();
    let parts = [NAME, "model-Q5_K_M.gguf", "there is model-Q4_K_M.gguf"];
    assert_says(&error.to_string(), &parts);

    hub.behaviour().files.remove("tokenizer.json");
    let error = Place::of(&hub).error();
    assert_says(&error, &[NAME, "no file tokenizer.json"]);
}

#[test]
fn a_repository_without_safetensors_is_of_no_use() {
    let hub = Hub::start();
    hub.add_small_files();
    hub.add_large("pytorch_model.bin", b"pickle");
    let error = Place::of(&hub).fetch().unwrap_err();
    assert!(matches!(error, Error::NoSafetensors { .. }));
    assert_says(&error.to_string(), &[NAME, "safetensors", "pytorch_model.bin"]);
}

#[test]
fn names_cannot_lead_out_of_the_cache() {
    let hub = Hub::with_model();
    let place = Place::of(&hub);
    let request = |repository: &str, revision: &str, file: Option<&str>| Request {
        repository: repository.to_owned(),
        revision: revision.to_owned(),
        file: file.map(str::to_owned),
        is_adapter: false,
    };
    let bad = [
        request("gpt2", "main", None),
        request("a/b/c", "main", None),
        request("../name", "main", None),
        request("owner/", "main", None),
        request("owner/na me", "main", None),
        request(NAME, "", None),
        request(NAME, "../main", None),
        request(NAME, "main?x", None),
        request(NAME, "main", Some("../../config.json")),
        request(NAME, "main", Some("/etc/passwd")),
    ];
    for request in bad {
        let error = fetch(&place.environment, &request, &mut ()).unwrap_err();
        assert!(matches!(error, Error::Invalid(_)), "{request:?}: {error}");
    }
    assert!(hub.server.seen().is_empty());
}

#[test]
fn odd_names_among_the_files_do_no_harm() {
    let hub = Hub::with_model();
    hub.add("../../evil", b"");
    hub.add("samples/12:30.png", b"");
    let place = Place::of(&hub);
    assert_eq!(names(&place.fetch().unwrap()).len(), 5);
}
