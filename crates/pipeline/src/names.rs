//! Which names can be given to conditions and vectors, and which can be parts of file names.

/// Whether a name can be one of a condition or a vector.
pub fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// What such a name may be.
pub(crate) const FILE_NAME: &str =
    "use letters from a to z, digits, `-`, `_` and `.` alone, and no `.` at the start";

/// Whether a name can be a part of a file's name on every system, and leads nowhere else.
pub(crate) fn is_file_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && !name.starts_with('.') && name.chars().all(is_plain)
}
