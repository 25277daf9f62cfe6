//! Hashes of files, and the memo of big ones: it saves reading, and never hides a change of size or
//! time.

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::sandbox::Sandbox;
use crate::hash;
use files::HashMemo;

const REMEMBERED_FROM_BYTES: u64 = 4;

/// Hashes a file as one command would: the memo is loaded, used and saved.
fn hash_once(sandbox: &Sandbox, path: &Path) -> String {
    let mut memo = HashMemo::load(sandbox.project.hash_memo(), REMEMBERED_FROM_BYTES);
    let hash = hash::file_contents(path, &mut memo).unwrap().hash;
    memo.save();
    hash
}

fn write_aged(path: &Path, text: &str, age: Duration) {
    fs_err::write(path, text).unwrap();
    let file = fs_err::File::options().append(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000) - age)
        .unwrap();
}

fn sandbox_with_weights() -> (Sandbox, PathBuf, String) {
    let sandbox = Sandbox::new();
    let path = sandbox.path("data/model/model.safetensors");
    write_aged(&path, "weights", Duration::ZERO);
    let hash = hash_once(&sandbox, &path);
    assert_eq!(hash, blake3::hash(b"weights").to_hex().as_str());
    (sandbox, path, hash)
}

#[test]
fn the_memo_is_used_while_size_and_time_are_the_same() {
    // The content is changed behind its back: only this shows that the file was not read.
    let (sandbox, path, hash) = sandbox_with_weights();
    write_aged(&path, "WEIGHTS", Duration::ZERO);
    assert_eq!(hash_once(&sandbox, &path), hash);
}

#[test]
fn another_time_is_not_hidden() {
    let (sandbox, path, hash) = sandbox_with_weights();
    write_aged(&path, "WEIGHTS", Duration::from_nanos(1_000_000));
    assert_ne!(hash_once(&sandbox, &path), hash);
}

#[test]
fn another_size_is_not_hidden() {
    let (sandbox, path, hash) = sandbox_with_weights();
    write_aged(&path, "weights and more", Duration::ZERO);
    assert_ne!(hash_once(&sandbox, &path), hash);
}

#[test]
fn small_files_are_always_read() {
    let sandbox = Sandbox::new();
    let path = sandbox.path("data/small");
    write_aged(&path, "abc", Duration::ZERO);
    let hash = hash_once(&sandbox, &path);
    write_aged(&path, "ABC", Duration::ZERO);
    assert_ne!(hash_once(&sandbox, &path), hash);
}

#[test]
fn a_file_written_just_now_is_not_remembered() {
    let sandbox = Sandbox::new();
    let path = sandbox.path("data/new");
    fs_err::write(&path, "weights").unwrap();
    hash_once(&sandbox, &path);
    assert!(!sandbox.project.hash_memo().exists());
}

#[test]
fn a_file_that_changed_while_it_was_read_is_not_remembered() {
    let sandbox = Sandbox::new();
    let path = sandbox.path("data/model/model.safetensors");
    write_aged(&path, "weights", Duration::ZERO);
    let before = fs_err::metadata(&path).unwrap();
    write_aged(&path, "WEIGHTS", Duration::from_secs(60));
    let mut memo = HashMemo::load(sandbox.project.hash_memo(), REMEMBERED_FROM_BYTES);
    memo.learn(&path, &before, "a hash of who knows what");
    assert_eq!(memo.recall(&path, &before), None);
}

#[test]
fn the_name_of_a_file_counts_like_its_content() {
    let sandbox = Sandbox::new();
    let mut memo = HashMemo::default();
    let mut folder_hash =
        |folder: &str| hash::combined(&hash::folder_contents(&sandbox.path(folder), &mut memo).unwrap());
    sandbox.write("one/a.txt", "text");
    sandbox.write("two/b.txt", "text");
    sandbox.write("three/a.txt", "text");
    assert_ne!(folder_hash("one"), folder_hash("two"));
    assert_eq!(folder_hash("one"), folder_hash("three"));
    assert_eq!(folder_hash("none"), None);
}

#[test]
fn a_memo_that_cannot_be_read_is_empty() {
    let (sandbox, path, hash) = sandbox_with_weights();
    sandbox.write("results/.hash-memo.toml", "not TOML");
    assert_eq!(hash_once(&sandbox, &path), hash);
    assert!(
        sandbox.read("results/.hash-memo.toml").contains(&hash),
        "and is written again"
    );
}
