use std::path::{Path, PathBuf};

use crate::Result;

/// A hash over files: names and contents, in the order given. Over all files of a model it says
/// what the model computes; over those of the weights alone, which reference it can be compared
/// with.
///
/// For each file: its name, a zero byte, and the 32 bytes of its content's blake3 hash; the result
/// is the blake3 hash of all that, in hexadecimal digits. `known` may give the hash of a file that
/// was hashed before.
///
/// # Errors
/// A file that can't be read.
pub fn fingerprint(files: &[PathBuf], known: &dyn Fn(&Path) -> Option<String>) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    for path in files {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let remembered = known(path).and_then(|text| blake3::Hash::from_hex(text).ok());
        let content = match remembered {
            Some(hash) => hash,
            None => content_hash(path)?,
        };
        hasher
            .update(name.as_bytes())
            .update(&[0])
            .update(content.as_bytes());
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// The blake3 hash of a file's content in hexadecimal digits, as `known` of [`fingerprint`] gives
/// it.
///
/// # Errors
/// A file that can't be read.
pub fn hash_file(path: &Path) -> Result<String> {
    Ok(content_hash(path)?.to_hex().to_string())
}

fn content_hash(path: &Path) -> Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(fs_err::File::open(path)?)?;
    Ok(hasher.finalize())
}
