use std::collections::HashMap;

use ::gguf::Metadata;

use super::keys::MERGES;
use crate::gguf::present;

/// The merges that a file lists, best first: two tokens with a space between them.
///
/// # Errors
/// Names the merge whose parts, or whose result, are not in the vocabulary.
pub(super) fn listed_merges(
    metadata: &Metadata,
    ids: &HashMap<&str, u32>,
) -> Result<Vec<(String, String)>, String> {
    let lines = present(MERGES, metadata.texts(MERGES)?)?;
    let merges = lines.iter().enumerate().map(|(number, line)| {
        let (left, right) = parts(line, ids).ok_or_else(|| {
            format!(
                "`{MERGES}` has {line:?} (number {number}), which is not two tokens that make a third; download the file \
                 again, or another conversion of the model"
            )
        })?;
        Ok((left.to_owned(), right.to_owned()))
    });
    merges.collect()
}

/// The two tokens of a merge. They may contain spaces themselves, so that several places for the
/// cut are possible.
fn parts<'a>(line: &'a str, ids: &HashMap<&str, u32>) -> Option<(&'a str, &'a str)> {
    let mut cuts = line.match_indices(' ').filter_map(|(place, space)| {
        let (left, right) = (&line[..place], &line[place + space.len()..]);
        let are_tokens = ids.contains_key(left) && ids.contains_key(right);
        (are_tokens && ids.contains_key([left, right].concat().as_str())).then_some((left, right))
    });
    cuts.next()
}
