//! Which prompts the paired statistics look at.

use statistics::evenly;

/// The most prompts that the paired statistics look at; where there are more, this many evenly
/// spaced ones. They compare every prompt with every other, and 256 leave hardly any doubt.
const MOST_PROMPTS: usize = 256;

/// Which of these prompts are looked at, by index.
pub fn picked(prompts: &[usize]) -> Vec<usize> {
    let places = evenly(prompts.len(), MOST_PROMPTS).into_iter();
    places.map(|place| prompts[place]).collect()
}
