//! Whether half of the prompts would have given the same contrast.

use crate::bootstrap::quantile;
use crate::draws::{halves, random_signs};
use crate::gram::PairedGram;
use crate::quadratic::{diagonal_sum, off_diagonal_forms};
use crate::sums::mean;

/// How alike the contrasts of two halves are; cosines, no unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SplitHalf {
    /// The mean over the splits.
    pub cosine: f64,
    /// The 2.5 % quantile of the splits.
    pub low: f64,
    /// The 97.5 % quantile of the splits.
    pub high: f64,
    /// What noise of this size reaches in one case in twenty without any contrast. None where there
    /// is no noise: where all prompts have the same difference.
    pub floor: Option<f64>,
}

const SPLITS: usize = 100;
const FLOOR_LABELLINGS: usize = 200;
const FLOOR_SPLITS: usize = 25;
const FLOOR_QUANTILE: f64 = 0.95;

/// The cosine of the contrasts of two halves of the prompts, `n / 2` rounded down and the rest,
/// over 100 random splits.
///
/// For the half `H` the contrast is `mean_{i in H} d_i`. `low` and `high` say how much the cosine
/// depends on the split; they are not a confidence interval. `floor` is what noise alone gives:
/// what the prompts' differences have in common is removed, `e_i = d_i - mean_j d_j`, and each
/// `e_i` gets a random sign; it is the 95 % quantile, over 200 such draws, of the mean cosine over
/// the first 25 of the splits. A half's contrast of zero has the cosine 0 with anything; where all
/// differences are zero, except for rounding, there is no contrast to find again, and this is none,
/// as it is with fewer than two prompts. With two or three prompts the halves are one prompt and
/// the rest, and the floor is high: so few say nothing. Source: split-half reliability, Spearman
/// (1910), without his correction for length; the floor is a wild bootstrap under no difference, Wu
/// (1986), with the signs of Liu (1988).
pub fn split_half(raw: &PairedGram, seed: u64) -> Option<SplitHalf> {
    let prompts = raw.prompts();
    let differences = raw.differences();
    let least = ROUNDING * raw.greatest_square();
    if prompts < 2 || (0..prompts).all(|i| differences[i * prompts + i] <= least) {
        return None;
    }
    let splits = halves(prompts, SPLITS, seed);
    let mut cosines = half_cosines(&differences, &[vec![1; prompts]], &splits).concat();
    let cosine = mean(&cosines);
    cosines.sort_by(f64::total_cmp);
    Some(SplitHalf {
        cosine,
        low: quantile(&cosines, 0.025),
        high: quantile(&cosines, 0.975),
        floor: noise(&differences, prompts).map(|noise| floor(&noise, prompts, &splits, seed)),
    })
}

fn floor(noise: &[f64], prompts: usize, splits: &[Vec<bool>], seed: u64) -> f64 {
    let labellings = random_signs(prompts, FLOOR_LABELLINGS, seed);
    let of_labellings = half_cosines(noise, &labellings, &splits[..FLOOR_SPLITS]);
    let mut means: Vec<f64> = of_labellings.iter().map(|cosines| mean(cosines)).collect();
    means.sort_by(f64::total_cmp);
    quantile(&means, FLOOR_QUANTILE)
}

/// The inner products of `e_i = d_i - mean_j d_j`; none where only rounding is left of the `d_i`.
fn noise(differences: &[f64], prompts: usize) -> Option<Vec<f64>> {
    let means: Vec<f64> = differences.chunks(prompts).map(mean).collect();
    let grand = mean(&means);
    let centred = differences
        .iter()
        .enumerate()
        .map(|(place, value)| value - means[place / prompts] - means[place % prompts] + grand);
    let centred: Vec<f64> = centred.collect();
    let trace = |matrix: &[f64]| (0..prompts).map(|i| matrix[i * prompts + i]).sum::<f64>();
    (trace(&centred) > ROUNDING * trace(differences)).then_some(centred)
}

/// A share of the squared norms that is only rounding.
const ROUNDING: f64 = 1e-13;

/// For every labelling the cosine of every split: with the half's signed sums `u` and `v` and `s =
/// u + v`, `u^T G v = (s^T G s - u^T G u - v^T G v) / 2`, where the sums off the diagonal suffice,
/// as no prompt is in both.
fn half_cosines(differences: &[f64], labellings: &[Vec<i8>], splits: &[Vec<bool>]) -> Vec<Vec<f64>> {
    let wholes = off_diagonal_forms(differences, labellings);
    let signed_halves: Vec<Vec<i8>> = labellings
        .iter()
        .flat_map(|signs| splits.iter().flat_map(|split| signed_halves(signs, split)))
        .collect();
    let forms = off_diagonal_forms(differences, &signed_halves);
    // A sign's square is 1, so that the sum over the diagonal is the same for every labelling.
    let diagonals: Vec<[f64; 2]> = splits
        .iter()
        .map(|split| halves_of(split, |_| 1).map(|half| diagonal_sum(differences, &half)))
        .collect();
    wholes
        .iter()
        .zip(forms.chunks_exact(2 * splits.len()))
        .map(|(whole, forms)| {
            let pairs = forms.as_chunks::<2>().0.iter().zip(&diagonals);
            pairs
                .map(|(forms, diagonals)| cosine(*whole, *forms, *diagonals))
                .collect()
        })
        .collect()
}

fn cosine(whole: f64, [first, second]: [f64; 2], [first_diagonal, second_diagonal]: [f64; 2]) -> f64 {
    let squares = (first + first_diagonal).max(0.0) * (second + second_diagonal).max(0.0);
    if squares > 0.0 {
        ((whole - first - second) / 2.0 / squares.sqrt()).clamp(-1.0, 1.0)
    } else {
        0.0
    }
}

fn signed_halves(signs: &[i8], split: &[bool]) -> [Vec<i8>; 2] {
    halves_of(split, |prompt| signs[prompt])
}

/// The signs of each half's prompts, 0 for the others.
fn halves_of(split: &[bool], sign: impl Fn(usize) -> i8) -> [Vec<i8>; 2] {
    [true, false].map(|half| {
        let of_half = |(prompt, &side): (usize, &bool)| if side == half { sign(prompt) } else { 0 };
        split.iter().enumerate().map(of_half).collect()
    })
}
