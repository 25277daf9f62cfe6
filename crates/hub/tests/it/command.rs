//! The `fetch` command.

use std::process::{Command, Output};

use crate::hub::{COMMIT, Hub, NAME};
use crate::place::{Place, assert_says};

fn run(place: &Place, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fetch"))
        .args(arguments)
        .env_clear()
        .env("HF_HOME", place.home.path())
        .env("HF_ENDPOINT", &place.environment.endpoint)
        .output()
        .unwrap()
}

#[test]
fn it_prints_the_folder_and_nothing_else() {
    let hub = Hub::with_model();
    let place = Place::of(&hub);
    let output = run(&place, &[NAME]);
    let folder = place.repository().join("snapshots").join(COMMIT);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(printed, format!("{}\n", folder.display()));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert!(output.status.success());

    let output = run(&place, &["--file", "config.json", NAME, "--revision", "v1"]);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(printed, format!("{}\n", folder.join("config.json").display()));
}

#[test]
fn it_asks_and_brings_nothing() {
    let hub = Hub::with_model();
    let place = Place::of(&hub);
    let answer = |arguments: &[&str]| {
        let output = run(&place, arguments);
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let bytes: u64 = answer(&[NAME, "--ask"])
        .trim()
        .strip_prefix("bytes ")
        .unwrap()
        .parse()
        .unwrap();
    assert!(bytes > 0);
    let missing = answer(&[NAME, "--ask", "--revision", "nowhere"]);
    assert!(
        missing.starts_with("problem ") && missing.contains("nowhere"),
        "{missing}"
    );
    assert!(!place.repository().exists(), "nothing was written");
}

#[test]
fn it_says_what_went_wrong() {
    let hub = Hub::start();
    let place = Place::of(&hub);
    for (arguments, code, part) in [
        (&[][..], 2, "<REPOSITORY> must be given"),
        (&["--fast", NAME], 2, "there is no option `--fast`"),
        (&[NAME, "--file"], 2, "--file <NAME> has no value"),
        (&[NAME, NAME], 2, "one argument too many"),
        (&["gpt2"], 1, "owner/name"),
        (&[NAME], 1, "no model.safetensors"),
    ] {
        let output = run(&place, arguments);
        assert_eq!(output.status.code(), Some(code));
        assert!(output.stdout.is_empty());
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.starts_with("error: "), "{error}");
        assert_says(&error, &[part]);
    }
}
