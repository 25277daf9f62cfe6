//! Which of many numbers differ between two conditions: swapping, within prompts, which one counts for
//! which condition.

use rayon::prelude::*;

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
/// left out of the greatest; so has every number of fewer than two prompts. No p is below
/// [`smallest_p`](crate::smallest_p).
pub fn sign_flip_tests(differences: &[Vec<f64>], seed: u64) -> Vec<SignFlipTest> {
    const NOTHING: SignFlipTest = SignFlipTest {
        p: 1.0,
        p_family: 1.0,
    };
    let prompts = differences.first().map_or(0, Vec::len);
    if prompts < 2 {
        return vec![NOTHING; differences.len()];
    }
    let labellings = Labellings::of(prompts, seed);
    let size = |number: &Vec<f64>| number.iter().map(|d| d * d).sum::<f64>().sqrt();
    let sizes: Vec<f64> = differences.iter().map(size).collect();
    let greatest = greatest_scores(differences, &sizes, &labellings);
    let test = |(number, size): (&Vec<f64>, &f64)| {
        if *size == 0.0 {
            return NOTHING;
        }
        let absolute: f64 = number.iter().map(|d| d.abs()).sum();
        let least = number.iter().sum::<f64>().abs() - RELATIVE_TOLERANCE * absolute;
        // At most sqrt(n) times the tolerance of a number's own comparison.
        let least_score = least / size - RELATIVE_TOLERANCE * (prompts as f64).sqrt();
        let sums = labellings.signs.iter().map(|signs| signed_sum(signs, number));
        SignFlipTest {
            p: labellings.p(sums.map(f64::abs), least),
            p_family: labellings.p(greatest.iter().copied(), least_score),
        }
    };
    differences.par_iter().zip(&sizes).map(test).collect()
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
        let p: Vec<f64> = family.iter().map(|test| test.p).collect();
        assert_eq!(p, [0.25, 0.5, 1.0]);
        // Both numbers have the same size, and the greatest of both is 7 in half of the labellings, else 3.
        let p_family: Vec<f64> = family.iter().map(|test| test.p_family).collect();
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
        assert!(family[123].p_family <= 0.001);
        let others = family.iter().enumerate().filter(|(number, _)| *number != 123);
        assert!(others.filter(|(_, test)| test.p_family < 0.05).count() <= 1);
        assert_eq!(sign_flip_tests(&numbers, 7), family);
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

    #[test]
    fn without_prompts_to_swap_no_number_is_rare() {
        assert!(sign_flip_tests(&[], 0).is_empty());
        assert_eq!(sign_flip_tests(&[vec![1.0]], 0)[0].p_family, 1.0);
    }
}
