//! Transfers that go wrong.

use hub::{Error, Request, fetch};

use crate::hub::{Hub, Mishap, NAME, Stored, weights};
use crate::place::{Heard, Place, assert_says};

const MODEL: &str = "model.safetensors";

/// A hub with everything but the weights in the cache, so that mishaps affect only these.
fn with_only_the_weights_missing() -> (Hub, Place, Stored) {
    let hub = Hub::with_model();
    let place = Place::of(&hub);
    let folder = place.fetch().unwrap();
    std::fs::remove_file(folder.join(MODEL)).unwrap();
    let stored = hub.stored(MODEL);
    std::fs::remove_file(place.blob(&stored.checksum())).unwrap();
    hub.server.forget();
    hub.contents.forget();
    (hub, place, stored)
}

fn ranges(hub: &Hub) -> Vec<Option<String>> {
    let range = |seen: &crate::server::Seen| seen.header("range").map(str::to_owned);
    hub.transfers().iter().map(range).collect()
}

fn range(from: usize) -> Option<String> {
    Some(format!("bytes={from}-"))
}

#[test]
fn a_transfer_that_breaks_off_goes_on_by_itself() {
    let (hub, place, stored) = with_only_the_weights_missing();
    hub.behaviour()
        .mishaps
        .extend([Mishap::BreaksAfter(100_000), Mishap::BreaksAfter(50_000)]);
    let mut heard = Heard::default();
    let folder = fetch(&place.environment, &Request::new(NAME), &mut heard).unwrap();
    assert_eq!(ranges(&hub), [None, range(100_000), range(150_000)]);
    assert_eq!(std::fs::read(folder.join(MODEL)).unwrap(), stored.bytes);
    assert!(heard.bytes.is_sorted(), "{heard:?}");
    assert_eq!(heard.bytes.last(), Some(&(300_000, 300_000)));
}

#[test]
fn the_next_fetch_goes_on_where_the_last_one_gave_up() {
    let (hub, place, stored) = with_only_the_weights_missing();
    hub.behaviour().mishaps.extend([Mishap::BreaksAfter(1000); 5]);
    let error = place.error();
    assert_says(&error, &[NAME, MODEL, "run again", "5.0 kB of 300.0 kB"]);
    assert_eq!(hub.transfers().len(), 5);
    let partial = place.blob(&format!("{}.incomplete", stored.checksum()));
    assert_eq!(std::fs::read(partial).unwrap(), stored.bytes[..5000]);
    assert!(
        !place.blob(&stored.checksum()).exists(),
        "only a whole file has the name"
    );

    hub.contents.forget();
    let folder = place.fetch().unwrap();
    assert_eq!(ranges(&hub), [range(5000)]);
    assert_eq!(std::fs::read(folder.join(MODEL)).unwrap(), stored.bytes);
}

#[test]
fn a_server_without_ranges_sends_the_file_anew() {
    let (hub, place, stored) = with_only_the_weights_missing();
    hub.behaviour().no_ranges = true;
    hub.behaviour().mishaps.extend([Mishap::BreaksAfter(100_000)]);
    let folder = place.fetch().unwrap();
    assert_eq!(ranges(&hub), [None, range(100_000)]);
    assert_eq!(std::fs::read(folder.join(MODEL)).unwrap(), stored.bytes);
}

#[test]
fn the_failure_of_a_server_may_pass() {
    let (hub, place, stored) = with_only_the_weights_missing();
    hub.behaviour()
        .mishaps
        .extend([Mishap::Status(503), Mishap::Status(403), Mishap::Status(416)]);
    let folder = place.fetch().unwrap();
    assert_eq!(hub.transfers().len(), 4);
    assert_eq!(std::fs::read(folder.join(MODEL)).unwrap(), stored.bytes);
}

#[test]
fn a_file_that_came_damaged_is_downloaded_once_more() {
    let (hub, place, stored) = with_only_the_weights_missing();
    hub.behaviour().mishaps.extend([Mishap::Damaged]);
    let mut heard = Heard::default();
    let folder = fetch(&place.environment, &Request::new(NAME), &mut heard).unwrap();
    assert_eq!(std::fs::read(folder.join(MODEL)).unwrap(), stored.bytes);
    assert_says(&heard.warnings.concat(), &[MODEL, "damaged", &stored.checksum()]);
    assert_eq!(heard.bytes.last(), Some(&(300_000, 300_000)));
}

#[test]
fn a_file_that_came_damaged_twice_is_deleted() {
    let (hub, place, stored) = with_only_the_weights_missing();
    hub.behaviour().mishaps.extend([Mishap::Damaged; 2]);
    let error = place.error();
    assert_says(
        &error,
        &[NAME, MODEL, "damaged twice", &stored.checksum(), "deleted"],
    );
    assert!(!place.blobs().iter().any(|blob| blob.contains(&stored.checksum())));
    let snapshot = place.repository().join("snapshots").join(crate::hub::COMMIT);
    assert!(!snapshot.join(MODEL).exists());
}

#[test]
fn small_files_are_verified_too() {
    let hub = Hub::with_model();
    let place = Place::of(&hub);
    hub.behaviour().mishaps.extend([Mishap::Damaged; 2]);
    let checksum = hub.stored("config.json").checksum();
    assert_eq!(checksum.len(), 40);
    assert_says(&place.error(), &["config.json", &checksum]);
}

#[test]
fn a_file_of_another_size_than_promised_is_refused() {
    let (hub, place, _) = with_only_the_weights_missing();
    hub.behaviour().claimed_size = Some(200_000);
    assert_says(&place.error(), &[MODEL, "damaged", "instead of 200000 bytes"]);
}

#[test]
fn a_partial_file_with_other_bytes_does_no_harm() {
    let (_hub, place, stored) = with_only_the_weights_missing();
    let partial = place.blob(&format!("{}.incomplete", stored.checksum()));
    for left in [vec![7; 1000], vec![7; 300_000], vec![7; 400_000]] {
        std::fs::write(&partial, left).unwrap();
        let folder = place.fetch().unwrap();
        assert_eq!(std::fs::read(folder.join(MODEL)).unwrap(), stored.bytes);
        std::fs::remove_file(folder.join(MODEL)).unwrap();
        std::fs::remove_file(place.blob(&stored.checksum())).unwrap();
    }
}

#[test]
fn a_disk_that_is_too_small_is_seen_before_the_transfer() {
    let (hub, place, _) = with_only_the_weights_missing();
    hub.behaviour().claimed_size = Some(1_000_000_000_000_000);
    let error = place.fetch().unwrap_err();
    assert!(matches!(error, Error::DiskFull { .. }), "{error}");
    let folder = place.repository();
    let parts = [
        NAME,
        "needs 1000.0 TB",
        folder.to_str().unwrap(),
        "free",
        "HF_HOME",
    ];
    assert_says(&error.to_string(), &parts);
    assert!(hub.transfers().is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_gets_full_is_named() {
    let (_hub, place, stored) = with_only_the_weights_missing();
    let partial = place.blob(&format!("{}.incomplete", stored.checksum()));
    std::os::unix::fs::symlink("/dev/full", partial).unwrap();
    let error = place.fetch().unwrap_err();
    assert!(matches!(error, Error::DiskFull { .. }), "{error}");
    assert_says(&error.to_string(), &[NAME, "needs 300.0 kB", "HF_HOME"]);
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let hub = Hub::with_model();
    let place = Place::of(&hub);
    // A file where the folder should be fails for every user, root included.
    std::fs::write(&place.environment.cache, "").unwrap();
    let error = place.fetch().unwrap_err();
    assert!(matches!(error, Error::Cache { .. }), "{error}");
    let cache = place.environment.cache.to_str().unwrap();
    assert_says(&error.to_string(), &[NAME, cache, "write there", "HF_HOME"]);
}

#[test]
fn of_two_fetches_at_a_time_one_downloads() {
    let (hub, place, stored) = with_only_the_weights_missing();
    hub.behaviour().delay_ms = 200;
    std::thread::scope(|scope| {
        let threads = [0; 3].map(|_| scope.spawn(|| place.fetch().unwrap()));
        for thread in threads {
            let folder = thread.join().unwrap();
            assert_eq!(std::fs::read(folder.join(MODEL)).unwrap(), stored.bytes);
        }
    });
    assert_eq!(hub.transfers().len(), 1);
    assert_eq!(stored.bytes, weights(300_000));
}
