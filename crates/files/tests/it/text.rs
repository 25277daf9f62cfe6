//! Texts as editors of every system leave them.

use files::{decode_text, read_text};

#[track_caller]
fn check_refused(bytes: &[u8], message: &str) {
    assert_eq!(decode_text(bytes.to_vec()).unwrap_err(), message);
}

#[test]
fn a_mark_and_carriage_returns_are_as_if_they_were_not_there() {
    let decode = |text: &str| decode_text(text.as_bytes().to_vec()).unwrap();
    assert_eq!(decode("a\nb\n"), "a\nb\n");
    assert_eq!(decode("\u{feff}a\r\nb\r\n"), "a\nb\n");
    assert_eq!(decode("a\rb"), "a\rb", "one alone ends no line here");
    assert_eq!(decode(""), "");
    assert_eq!(decode("é"), "é");
}

#[test]
fn utf_16_is_told_with_and_without_its_mark() {
    let text = "{\"id\": \"a\"}\n";
    for mark in ["", "\u{feff}"] {
        let units: Vec<u16> = format!("{mark}{text}").encode_utf16().collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        check_refused(&little, "is UTF-16 (little-endian); save it as UTF-8");
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        check_refused(&big, "is UTF-16 (big-endian); save it as UTF-8");
    }
}

#[test]
fn the_line_that_is_not_utf_8_is_named() {
    check_refused(
        b"a\nb\ncaf\xE9\n",
        "line 3 is not UTF-8 (it holds the byte 0xE9); save the file as UTF-8",
    );
    check_refused(
        b"a\nbc\0",
        "line 2 holds a zero byte, so this is not a text; check which file is meant",
    );
}

#[test]
fn messages_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some.txt");
    assert!(read_text(&path).unwrap_err().to_string().contains("some.txt"));
    std::fs::write(&path, b"\xFF\xFEa\0").unwrap();
    let error = read_text(&path).unwrap_err().to_string();
    assert_eq!(
        error,
        format!("{}: is UTF-16 (little-endian); save it as UTF-8", path.display())
    );
}
