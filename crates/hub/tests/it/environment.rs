//! What the variables mean, without setting any.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use hub::{Environment, Error, Result, Token};

fn read(variables: &[(&str, &str)]) -> Result<Environment> {
    Environment::from_variables(|name| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| OsString::from(value))
    })
}

#[test]
fn the_defaults_are_those_of_python() {
    let environment = read(&[("HOME", "/home/me")]).unwrap();
    assert_eq!(environment.cache, Path::new("/home/me/.cache/huggingface/hub"));
    assert_eq!(environment.endpoint, "https://huggingface.co");
    assert_eq!(environment.token, None);
    assert!(!environment.offline);
}

#[test]
fn the_cache_is_where_the_variables_say() {
    let cache = |variables: &[(&str, &str)]| read(variables).unwrap().cache;
    let home = ("HOME", "/home/me");
    assert_eq!(
        cache(&[home, ("XDG_CACHE_HOME", "/cache")]),
        Path::new("/cache/huggingface/hub")
    );
    assert_eq!(
        cache(&[home, ("XDG_CACHE_HOME", "/cache"), ("HF_HOME", "/big")]),
        Path::new("/big/hub")
    );
    assert_eq!(
        cache(&[("HF_HOME", "/big"), ("HF_HUB_CACHE", "/models")]),
        Path::new("/models")
    );
    assert_eq!(cache(&[home, ("HF_HOME", "~/hf")]), Path::new("/home/me/hf/hub"));
    assert_eq!(
        cache(&[home, ("HF_HOME", "")]),
        Path::new("/home/me/.cache/huggingface/hub")
    );
    assert_eq!(
        cache(&[("HF_HOME", "relative/hf")]),
        std::env::current_dir().unwrap().join("relative/hf/hub")
    );
    assert_eq!(
        read(&[]).unwrap_err().to_string(),
        "this user has no home folder; set HF_HOME"
    );
}

/// As `os.path.expanduser` and `os.path.expandvars` do it, and by the names of earlier versions
/// too.
#[test]
fn paths_that_no_shell_expanded_are_expanded() {
    let cache = |variables: &[(&str, &str)]| {
        let all = [&[("HOME", "/home/me"), ("DISK", "/big")], variables].concat();
        read(&all).unwrap().cache
    };
    assert_eq!(cache(&[("HF_HOME", "$DISK/hf")]), Path::new("/big/hf/hub"));
    assert_eq!(cache(&[("HF_HOME", "${DISK}/hf")]), Path::new("/big/hf/hub"));
    assert_eq!(
        cache(&[("XDG_CACHE_HOME", "~/c")]),
        Path::new("/home/me/c/huggingface/hub")
    );
    assert_eq!(cache(&[("HF_HUB_CACHE", "~")]), Path::new("/home/me"));
    assert_eq!(
        cache(&[("HF_HOME", "/a/$NONE/${NONE}/$")]),
        Path::new("/a/$NONE/${NONE}/$/hub")
    );
    assert_eq!(cache(&[("HF_HOME", "/a~/b")]), Path::new("/a~/b/hub"));
    assert_eq!(
        cache(&[("HF_HOME", "/hf"), ("HUGGINGFACE_HUB_CACHE", "~/old")]),
        Path::new("/home/me/old")
    );
    assert_eq!(
        cache(&[("HF_HUB_CACHE", "/new"), ("HUGGINGFACE_HUB_CACHE", "/old")]),
        Path::new("/new")
    );
}

#[test]
fn a_token_comes_from_the_variable_before_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let home = ("HF_HOME", folder.path().to_str().unwrap());
    let token = |variables: &[(&str, &str)]| read(variables).unwrap().token;
    assert_eq!(token(&[home]), None, "there is no file yet");
    std::fs::write(folder.path().join("token"), "hf_file\n").unwrap();
    assert_eq!(token(&[home]), Token::new("hf_file"));
    assert_eq!(
        token(&[home, ("HF_TOKEN", " hf_variable ")]),
        Token::new("hf_variable")
    );
    assert_eq!(token(&[home, ("HF_TOKEN", " ")]), Token::new("hf_file"));
    assert_eq!(
        token(&[home, ("HUGGING_FACE_HUB_TOKEN", "hf_old")]),
        Token::new("hf_old")
    );
    assert_eq!(
        token(&[home, ("HF_TOKEN", "hf_new"), ("HUGGING_FACE_HUB_TOKEN", "hf_old")]),
        Token::new("hf_new")
    );
    assert_eq!(
        token(&[
            home,
            ("HF_TOKEN", "hf_new"),
            ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")
        ]),
        None
    );
    let other = folder.path().join("other");
    std::fs::write(&other, "hf_other").unwrap();
    assert_eq!(
        token(&[home, ("HF_TOKEN_PATH", other.to_str().unwrap())]),
        Token::new("hf_other")
    );
}

#[test]
fn switches_and_numbers_are_read() {
    let home = ("HF_HOME", "/big");
    let offline = |value| read(&[home, ("HF_HUB_OFFLINE", value)]).unwrap().offline;
    assert!(["1", "true", "YES", "On"].into_iter().all(offline));
    assert!(!["0", "false", "no", "off", ""].into_iter().any(offline));
    let variables = |variables: &[(&str, &str)]| read(&[&[home], variables].concat()).unwrap().offline;
    assert!(variables(&[("TRANSFORMERS_OFFLINE", "1")]));
    assert!(variables(&[
        ("HF_HUB_OFFLINE", ""),
        ("TRANSFORMERS_OFFLINE", "1")
    ]));
    assert!(!variables(&[
        ("HF_HUB_OFFLINE", "0"),
        ("TRANSFORMERS_OFFLINE", "1")
    ]));
    let endpoint = |value| read(&[home, ("HF_ENDPOINT", value)]).map(|environment| environment.endpoint);
    assert_eq!(
        endpoint("https://mirror.example/").unwrap(),
        "https://mirror.example"
    );
    assert!(matches!(endpoint("mirror.example"), Err(Error::Invalid(_))));
    let timeout =
        |value| read(&[home, ("HF_HUB_DOWNLOAD_TIMEOUT", value)]).map(|environment| environment.timeout);
    assert_eq!(timeout("7").unwrap(), Duration::from_secs(7));
    assert!(matches!(timeout("soon"), Err(Error::Invalid(_))));
}
