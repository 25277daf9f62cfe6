//! Which prompts the page shows one by one. Every mean or count is over all of
//! them.

/// A page with more of them takes long to load, and nobody reads it.
const SHOWN_PROMPTS: usize = 50;

/// All ids where they are few; of many, as many as are shown, evenly spaced from the first to the
/// last.
pub fn shown_prompts<'a>(ids: &[&'a str]) -> Vec<&'a str> {
    if ids.len() <= SHOWN_PROMPTS {
        return ids.to_vec();
    }
    let place = |index: usize| index * (ids.len() - 1) / (SHOWN_PROMPTS - 1);
    (0..SHOWN_PROMPTS).map(|index| ids[place(index)]).collect()
}
