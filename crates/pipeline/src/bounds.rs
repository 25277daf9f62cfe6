//! Which numbers of a pipeline can be computed with, and why not others: beyond these bounds texts
//! would be noise, or infinities would pass for choices.

use std::ops::RangeInclusive;

use crate::{Decoding, GenerationSet};

/// Logits are divided by it in f32. Below, a difference of a hundredth between two logits is a
/// factor of e already, and what is drawn is the most likely token, but for infinities where the
/// quotient exceeds f32; above, logits 30 apart differ by a third, and the vocabulary is drawn from
/// evenly.
const TEMPERATURE: RangeInclusive<f64> = 0.01..=100.0;
/// Logits are divided or multiplied by it in f32. Useful ones are between 1 and 2; below a tenth or
/// above ten, what was said once is all that is said or never is again.
const REPETITION_PENALTY: RangeInclusive<f64> = 0.1..=10.0;
/// No Gemma reads more tokens than this.
const MAX_NEW_TOKENS: RangeInclusive<usize> = 1..=131_072;
const SAMPLES: RangeInclusive<usize> = 1..=10_000;
/// 1 is the whole way from one condition's mean to the other's; a vector of length 1 from another
/// tool needs as much as the residual stream is long, up to some 100,000. The product with another
/// coefficient and with the vector stays far below the largest f32, 3e38.
const LARGEST_COEFFICIENT: f64 = 1e6;

pub(crate) fn decoding_problem(decoding: &Decoding) -> Option<String> {
    let Decoding {
        temperature,
        top_p,
        repetition_penalty,
        ..
    } = decoding;
    if !TEMPERATURE.contains(temperature) {
        return Some(format!(
            "steer.decoding.temperature: is {temperature}, and must be {}; for the most likely token use `greedy = true`",
            shown(&TEMPERATURE)
        ));
    }
    if !(*top_p > 0.0 && *top_p <= 1.0) {
        return Some(format!(
            "steer.decoding.top_p: is {top_p}; it must be above 0 and at most 1 (1 keeps all tokens)"
        ));
    }
    repetition_penalty_problem("steer.decoding", *repetition_penalty)
}

/// `table` is the one that the key is in; the same below.
pub(crate) fn repetition_penalty_problem(table: &str, penalty: f64) -> Option<String> {
    (!REPETITION_PENALTY.contains(&penalty)).then(|| {
        let range = shown(&REPETITION_PENALTY);
        format!("{table}.repetition_penalty: is {penalty}; it must be {range} (1 means no penalty)")
    })
}

pub(crate) fn max_new_tokens_problem(table: &str, tokens: usize) -> Option<String> {
    (!MAX_NEW_TOKENS.contains(&tokens)).then(|| {
        let most = MAX_NEW_TOKENS.end();
        format!("{table}.max_new_tokens: is {tokens}; it must be at least 1 and at most {most}, the most tokens that a Gemma reads")
    })
}

/// `place` names the set.
pub(crate) fn set_problem(place: &str, set: &GenerationSet) -> Option<String> {
    if !SAMPLES.contains(&set.samples) || (set.greedy && set.samples > 1) {
        let most = SAMPLES.end();
        return Some(format!(
            "{place}: samples must be at least 1 and at most {most}, and 1 for a greedy set (all would be the same)"
        ));
    }
    let of_interventions = set.interventions.iter().flat_map(|table| &table.coefficients);
    let coefficient = set
        .coefficients
        .iter()
        .chain(of_interventions)
        .find(|value| !is_coefficient(**value));
    coefficient.map(|value| {
        format!(
            "{place}: the coefficient {value} can't be computed with; give numbers between -{LARGEST_COEFFICIENT} and \
             {LARGEST_COEFFICIENT}"
        )
    })
}

pub(crate) fn is_coefficient(value: f64) -> bool {
    value.abs() <= LARGEST_COEFFICIENT
}

fn shown(range: &RangeInclusive<f64>) -> String {
    format!("between {} and {}", range.start(), range.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the constants promise: the quotients of any logit that a model has stay finite in f32.
    #[test]
    fn nothing_within_the_bounds_makes_an_infinity() {
        let largest_logit = 1e6_f32;
        assert!((largest_logit / *TEMPERATURE.start() as f32).is_finite());
        assert!(
            (largest_logit / *REPETITION_PENALTY.start() as f32 / *TEMPERATURE.start() as f32).is_finite()
        );
        let longest_vector = 1e7_f32;
        assert!((LARGEST_COEFFICIENT as f32 * LARGEST_COEFFICIENT as f32 * longest_vector).is_finite());
    }
}
