//! Without a hub, and without a network.

use std::net::TcpListener;
use std::time::Duration;

use hub::{Error, Request, cached, fetch};

use crate::hub::{COMMIT, Hub, NAME};
use crate::place::{Heard, Place, assert_says};
use crate::server::{Reply, Server};

/// An address where nothing listens.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn commit() -> Request {
    let mut request = Request::new(NAME);
    request.revision = COMMIT.to_owned();
    request
}

#[test]
fn without_a_hub_an_empty_cache_is_an_error() {
    let place = Place::new(&nowhere());
    let error = place.fetch().unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    let parts = [
        NAME,
        "cannot reach",
        &place.environment.endpoint,
        "HF_HUB_OFFLINE=1",
    ];
    assert_says(&error.to_string(), &parts);
    assert!(!place.environment.cache.exists(), "nothing was made");
}

#[test]
fn without_a_hub_what_the_cache_holds_is_taken_with_a_warning() {
    let hub = Hub::with_model();
    let mut place = Place::of(&hub);
    let folder = place.fetch().unwrap();
    drop(hub);
    for endpoint in [place.environment.endpoint.clone(), nowhere()] {
        place.environment.endpoint = endpoint;
        let mut heard = Heard::default();
        let again = fetch(&place.environment, &Request::new(NAME), &mut heard).unwrap();
        assert_eq!(again, folder);
        assert_eq!(heard.warnings.len(), 1, "{heard:?}");
        assert_says(&heard.warnings[0], &["cannot reach", "cache"]);
    }
    std::fs::remove_file(folder.join("model.safetensors")).unwrap();
    assert!(
        matches!(place.fetch(), Err(Error::Unreachable { .. })),
        "it is not whole"
    );
}

#[test]
fn a_hub_that_is_down_counts_as_unreachable() {
    let hub = Hub::with_model();
    let place = Place::of(&hub);
    let folder = place.fetch().unwrap();
    hub.behaviour().down = Some(503);
    let mut heard = Heard::default();
    let again = fetch(&place.environment, &Request::new(NAME), &mut heard).unwrap();
    assert_eq!(again, folder);
    assert_says(&heard.warnings.concat(), &["503"]);
}

#[test]
fn a_hub_that_says_nothing_is_given_up() {
    let server = Server::start(|_| {
        std::thread::sleep(Duration::from_millis(1500));
        Reply::default()
    });
    let mut place = Place::new(&server.address);
    place.environment.timeout = Duration::from_millis(200);
    assert_says(&place.error(), &["cannot reach", "no answer in time"]);
}

#[test]
fn a_server_that_is_no_hub_is_told_apart() {
    let page = Server::start(|_| Reply {
        status: 200,
        body: b"<html>Log in to the network</html>".to_vec(),
        ..Reply::default()
    });
    let error = Place::new(&page.address).error();
    assert_says(&error, &[NAME, "lists no repository", "HF_ENDPOINT"]);
    let empty = Server::start(|_| Reply {
        status: 404,
        ..Reply::default()
    });
    assert_says(&Place::new(&empty.address).error(), &[NAME, "404", "HF_ENDPOINT"]);
    let circle = Server::start(|seen| Reply {
        status: 302,
        headers: vec![("Location", seen.path.clone())],
        ..Reply::default()
    });
    assert_says(&Place::new(&circle.address).error(), &[NAME, "circles"]);
}

#[test]
fn a_whole_commit_needs_no_network() {
    let hub = Hub::with_model();
    let mut place = Place::of(&hub);
    let folder = place.fetch().unwrap();
    hub.server.forget();
    assert_eq!(fetch(&place.environment, &commit(), &mut ()).unwrap(), folder);
    assert!(hub.server.seen().is_empty());
    place.environment.endpoint = nowhere();
    let mut heard = Heard::default();
    assert_eq!(fetch(&place.environment, &commit(), &mut heard).unwrap(), folder);
    assert!(heard.warnings.is_empty());
}

#[test]
fn what_another_program_left_out_of_a_commit_is_brought() {
    let hub = Hub::with_model();
    let place = Place::of(&hub);
    let folder = place.fetch().unwrap();
    std::fs::remove_file(folder.join("generation_config.json")).unwrap();
    assert_eq!(fetch(&place.environment, &commit(), &mut ()).unwrap(), folder);
    assert!(folder.join("generation_config.json").is_file());

    // Where the hub can't tell, a commit with all that is necessary is good enough.
    std::fs::remove_file(folder.join("generation_config.json")).unwrap();
    hub.behaviour().down = Some(500);
    let mut heard = Heard::default();
    assert_eq!(fetch(&place.environment, &commit(), &mut heard).unwrap(), folder);
    assert_eq!(heard.warnings.len(), 1);
}

#[test]
fn offline_no_request_is_made() {
    let hub = Hub::with_model();
    let mut place = Place::of(&hub);
    place.environment.offline = true;
    let error = place.fetch().unwrap_err();
    assert!(matches!(error, Error::Offline { .. }), "{error}");
    let cache = place.environment.cache.to_str().unwrap().to_owned();
    let parts = [NAME, "HF_HUB_OFFLINE", &cache, "nothing of revision `main`"];
    assert_says(&error.to_string(), &parts);
    assert!(hub.server.seen().is_empty());

    place.environment.offline = false;
    let folder = place.fetch().unwrap();
    hub.server.forget();
    place.environment.offline = true;
    assert_eq!(place.fetch().unwrap(), folder);
    assert_eq!(
        cached(&place.environment, &Request::new(NAME)),
        Some(folder.clone())
    );
    std::fs::remove_file(folder.join("model.safetensors")).unwrap();
    assert_says(&place.error(), &["missing: model.safetensors"]);
    assert!(hub.server.seen().is_empty());
}
