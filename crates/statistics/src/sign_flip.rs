//! Which of many numbers differ between two conditions: swapping, within prompts, which one counts for
//! which condition.

use rayon::prelude::*;

use crate::label_swap::smallest_p;
use crate::labellings::Labellings;

/// The test of one number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignFlipTest {
    /// The share of labellings whose mean difference is at least as far from 0 as the observed one, itself
    /// included.
    pub p: f64,
    /// The same for the number that is farthest from 0 in each labelling, in its own standard deviations:
    /// the probability that any of the numbers would come as far, so that all may be read together.
    pub p_family: f64,
}

/// The tests of several numbers with the same labellings.
#[derive(Clone, Debug, PartialEq)]
pub struct SignFlipFamily {
    /// One for each number, in the order given.
    pub tests: Vec<SignFlipTest>,
    /// How many labellings `p` is based on: all `2^n`, or the number drawn.
    pub labellings: u64,
    /// Whether these are all labellings.
    pub exact: bool,
    /// See [`smallest_p`].
    pub smallest_p: f64,
}

/// Tests for each number whether its mean difference between two conditions is farther from 0 than
/// labels given at random would make it.
///
/// `differences[number][prompt]`: the number in the plus condition less that in the minus condition,
/// for the same prompts everywhere. A labelling is a sign `s_i = ±1` for each prompt, and the statistic
/// `T(s) = |sum_i s_i d_i|`, whose mean square over all labellings is `sum_i d_i^2`. Up to 14 prompts all
/// `2^n` labellings are tried; with more, 9,999 are drawn, and
/// `p = (1 + those at least as extreme) / (1 + 9,999)` (Phipson & Smyth 2010).
///
/// `p_family` compares `T / sqrt(sum_i d_i^2)` with the greatest of all numbers in the same labelling: the
/// single-step max-T procedure of Westfall & Young (1993), as [`label_swap_tests`](crate::label_swap_tests)
/// has it. Ties count as at least as extreme, within 1e-12 of `sum_i |d_i|`.
///
/// Assumes that under no difference a prompt's two numbers could just as well have come in the other
/// order, and that prompts are independent. A number that differs nowhere has `p = p_family = 1`, and is
/// left out of the greatest. With fewer than two prompts there are no tests.
pub fn sign_flip_tests(differences: &[Vec<f64>], seed: u64) -> SignFlipFamily {
    let prompts = differences.first().map_or(0, Vec::len);
    let labellings = Labellings::of(prompts, seed);
    let differences = if prompts < 2 { &[] } else { differences };
    let size = |number: &Vec<f64>| number.iter().map(|d| d * d).sum::<f64>().sqrt();
    let sizes: Vec<f64> = differences.iter().map(size).collect();
    let greatest = greatest_scores(differences, &sizes, &labellings);
    let test = |(number, size): (&Vec<f64>, &f64)| {
        if *size == 0.0 {
            return SignFlipTest {
                p: 1.0,
                p_family: 1.0,
            };
        }
        let least = number.iter().sum::<f64>().abs()
            - RELATIVE_TOLERANCE * number.iter().map(|d| d.abs()).sum::<f64>();
        // At most sqrt(n) times the tolerance of a number's own comparison.
        let least_score = least / size - RELATIVE_TOLERANCE * (prompts as f64).sqrt();
        let own = labellings
            .signs
            .iter()
            .map(|signs| signed_sum(signs, number).abs());
        SignFlipTest {
            p: labellings.p(own, least),
            p_family: labellings.p(greatest.iter().copied(), least_score),
        }
    };
    SignFlipFamily {
        tests: differences.par_iter().zip(&sizes).map(test).collect(),
        labellings: labellings.count,
        exact: labellings.exact,
        smallest_p: smallest_p(prompts),
    }
}

const RELATIVE_TOLERANCE: f64 = 1e-12;

/// For every labelling the greatest score of all numbers.
fn greatest_scores(differences: &[Vec<f64>], sizes: &[f64], labellings: &Labellings) -> Vec<f64> {
    let score = |signs: &Vec<i8>| {
        let scores = differences.iter().zip(sizes).filter(|(_, size)| **size > 0.0);
        scores
            .map(|(number, size)| signed_sum(signs, number).abs() / size)
            .fold(0.0, f64::max)
    };
    labellings.signs.par_iter().map(score).collect()
}

fn signed_sum(signs: &[i8], number: &[f64]) -> f64 {
    signs
        .iter()
        .zip(number)
        .map(|(sign, d)| f64::from(*sign) * d)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_values_are_those_of_counting_by_hand() {
        // |sum| of all 8 labellings of (1, 2, 4): 7 and 7, 5 and 5, 3 and 3, 1 and 1.
        let family = sign_flip_tests(&[vec![1.0, 2.0, 4.0], vec![-1.0, 2.0, 4.0], vec![0.0; 3]], 0);
        let p: Vec<f64> = family.tests.iter().map(|test| test.p).collect();
        assert_eq!(p, [0.25, 0.5, 1.0]);
        assert!(family.exact && family.labellings == 8 && family.smallest_p == 0.25);
        // Both numbers have the same size, and the greatest of both is 7 in half of the labellings, else 3.
        let p_family: Vec<f64> = family.tests.iter().map(|test| test.p_family).collect();
        assert_eq!(p_family, [0.5, 0.5, 1.0]);
    }

    #[test]
    fn one_real_difference_is_found_among_numbers_of_noise() {
        let noise = |index: usize| ((index * 7919 + 13) as f64 * 0.618).sin();
        let mut numbers: Vec<Vec<f64>> = (0..300)
            .map(|number| (0..40).map(|prompt| noise(number * 40 + prompt)).collect())
            .collect();
        numbers[123].iter_mut().for_each(|d| *d += 1.5);
        let family = sign_flip_tests(&numbers, 7);
        assert!(!family.exact);
        assert!(family.tests[123].p_family <= 0.001);
        let others = family
            .tests
            .iter()
            .enumerate()
            .filter(|(number, _)| *number != 123);
        assert!(others.filter(|(_, test)| test.p_family < 0.05).count() <= 1);
        assert_eq!(sign_flip_tests(&numbers, 7), family);
    }

    #[test]
    fn without_prompts_to_swap_there_are_no_tests() {
        assert!(sign_flip_tests(&[], 0).tests.is_empty());
        assert!(sign_flip_tests(&[vec![1.0]], 0).tests.is_empty());
    }
}
