//! Whether what was done to prompts differs from a control, at any of many places.

use rayon::prelude::*;

use crate::label_swap::Labellings;

/// One place's test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignFlipTest {
    /// The share of labellings at least as extreme as the observed one, itself included.
    pub p: f64,
    /// The same for the most extreme place of each labelling.
    pub p_family: f64,
}

/// Tests for each place whether the mean difference of pairs is further from 0 than random labels make it.
///
/// `places`: for each the differences `d_i` of the same prompts, what was done less its control. A labelling
/// is a sign `s_i = ±1` for each prompt, whether the two keep their labels; the statistic is
/// `|sum_i s_i d_i| / sqrt(sum_i d_i^2)`, whose denominator no labelling changes, so that places of different
/// scales can be compared. Labellings and p values are those of
/// [`label_swap_tests`](crate::label_swap_tests): all `2^n` up to 14 prompts, else 9,999 drawn ones and the
/// observed. `p_family` compares with the greatest statistic of all places in the same labelling: single-step
/// max-T, Westfall & Young (1993).
///
/// Assumes independent prompts, and that without an effect what was done and its control could just as well
/// have come in the other order. A place whose differences are all 0 has `p = p_family = 1`, and so does every
/// place of fewer than two prompts.
pub fn sign_flip_tests(places: &[Vec<f64>], seed: u64) -> Vec<SignFlipTest> {
    let prompts = places.first().map_or(0, Vec::len);
    if prompts < 2 {
        let nothing = SignFlipTest {
            p: 1.0,
            p_family: 1.0,
        };
        return vec![nothing; places.len()];
    }
    let labellings = Labellings::of(prompts, seed);
    let scores = |differences: &Vec<f64>| -> Vec<f64> {
        labellings
            .signs
            .iter()
            .map(|signs| score(differences, signs))
            .collect()
    };
    let scores: Vec<Vec<f64>> = places.par_iter().map(scores).collect();
    let mut greatest = vec![0.0_f64; labellings.signs.len()];
    for scores in &scores {
        for (greatest, score) in greatest.iter_mut().zip(scores) {
            *greatest = greatest.max(*score);
        }
    }
    let as_they_are = vec![1_i8; prompts];
    let test = |(differences, scores): (&Vec<f64>, &Vec<f64>)| {
        let observed = score(differences, &as_they_are) - TOLERANCE;
        match differences.iter().all(|difference| *difference == 0.0) {
            true => SignFlipTest {
                p: 1.0,
                p_family: 1.0,
            },
            false => SignFlipTest {
                p: labellings.p(scores.iter().copied(), observed),
                p_family: labellings.p(greatest.iter().copied(), observed),
            },
        }
    };
    places.iter().zip(&scores).map(test).collect()
}

/// Ties count as at least as extreme; the statistic is at most `sqrt(n)`.
const TOLERANCE: f64 = 1e-12;

fn score(differences: &[f64], signs: &[i8]) -> f64 {
    let sum: f64 = differences
        .iter()
        .zip(signs)
        .map(|(difference, sign)| difference * f64::from(*sign))
        .sum();
    let squares: f64 = differences.iter().map(|difference| difference * difference).sum();
    if squares > 0.0 {
        sum.abs() / squares.sqrt()
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_of_one_sign_are_as_extreme_as_can_be() {
        let places = [vec![1.0, 2.0, 0.5, 1.5, 1.0, 3.0], vec![0.0; 6]];
        let tests = sign_flip_tests(&places, 0);
        // Only the labels as they are and their opposite come as far.
        assert_eq!(tests[0].p, 2.0 / 64.0);
        assert_eq!(tests[0].p_family, 2.0 / 64.0);
        assert_eq!((tests[1].p, tests[1].p_family), (1.0, 1.0));
    }

    /// By hand: of the eight labellings of (1, 1, 3), |sum| is 5, 3, 3, 1 and the same again.
    #[test]
    fn a_mixed_place_has_the_share_that_counting_gives() {
        let tests = sign_flip_tests(&[vec![1.0, -1.0, 3.0]], 0);
        assert_eq!(tests[0].p, 6.0 / 8.0);
        assert_eq!(tests[0].p_family, 6.0 / 8.0);
    }

    #[test]
    fn among_many_places_a_chance_result_is_not_rare() {
        // The last digits of a sine, which have no pattern to speak of.
        let digits = |number: usize| ((number + 1) as f64 * 12.9898).sin() * 43758.5453;
        let noise = |place: usize| -> Vec<f64> {
            (0..10)
                .map(|prompt| digits(10 * place + prompt).rem_euclid(1.0) - 0.5)
                .collect()
        };
        let places: Vec<Vec<f64>> = (0..60).map(noise).collect();
        let tests = sign_flip_tests(&places, 1);
        for test in &tests {
            assert!(test.p_family >= test.p);
        }
        let least = tests.iter().map(|test| test.p).fold(1.0, f64::min);
        let least_family = tests.iter().map(|test| test.p_family).fold(1.0, f64::min);
        assert!(least < 0.05 && least_family > 0.05, "{least} {least_family}");
    }
}
