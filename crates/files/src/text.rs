//! How a text that somebody wrote is read: UTF-8, as editors of every system leave it.

use std::io::{Error, ErrorKind, Result};
use std::path::Path;

/// The whole text of a file, by [`decode`].
///
/// # Errors
/// What keeps the file from being read, and [`ErrorKind::InvalidData`] for what isn't a text in
/// UTF-8. Both name the file.
pub fn read_text(path: &Path) -> Result<String> {
    let invalid = |problem| Error::new(ErrorKind::InvalidData, format!("{}: {problem}", path.display()));
    decode(fs_err::read(path)?).map_err(invalid)
}

/// A byte order mark is as if it weren't there, and `\r\n` is a line's end as `\n` is: were it
/// left, what a template or a text of several lines says would be other tokens on Windows.
///
/// # Errors
/// What isn't UTF-8, in words that say what to do.
pub fn decode(bytes: Vec<u8>) -> std::result::Result<String, String> {
    if let Some(order) = utf_16(&bytes) {
        return Err(format!("is UTF-16 ({order}); save it as UTF-8"));
    }
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let bytes = error.as_bytes();
            return Err(format!(
                "line {} is not UTF-8 (it holds the byte 0x{:02X}); save the file as UTF-8",
                line_of(bytes, at),
                bytes[at]
            ));
        }
    };
    if let Some(at) = text.find('\0') {
        let line = line_of(text.as_bytes(), at);
        return Err(format!(
            "line {line} holds a zero byte, so this is not a text; check which file is meant"
        ));
    }
    if text.starts_with(LFS) {
        return Err(
            "is a pointer of Git LFS, not the file itself; run `git lfs pull` where it was cloned".to_owned(),
        );
    }
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    };
    Ok(if text.contains("\r\n") {
        text.replace("\r\n", "\n")
    } else {
        text
    })
}

/// What Git leaves in place of a large file that it did not bring.
pub const LFS: &str = "version https://git-lfs.github.com/spec/";

/// The order of the bytes where they are UTF-16: by the mark, or since one half of the first letter
/// is zero, as it is for all signs that JSON, TOML and templates begin with.
fn utf_16(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xFF, 0xFE, ..] => Some("little-endian"),
        [0xFE, 0xFF, ..] => Some("big-endian"),
        [first, 0, ..] if *first != 0 => Some("little-endian"),
        [0, second, ..] if *second != 0 => Some("big-endian"),
        _ => None,
    }
}

fn line_of(bytes: &[u8], at: usize) -> usize {
    1 + bytes[..at].iter().filter(|byte| **byte == b'\n').count()
}
