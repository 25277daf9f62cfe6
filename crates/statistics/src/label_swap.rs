//! Whether the conditions differ at all: swapping, within prompts, which row counts for which
//! condition.

use rayon::prelude::*;

use crate::draws::random_signs;
use crate::gram::PairedGram;
use crate::quadratic::off_diagonal_forms;

/// One layer's test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelSwapTest {
    /// The statistic `T` of the labels as they are: within minus cross similarity, no unit.
    pub observed: f64,
    /// The exact mean of `T` over all labellings.
    pub centre: f64,
    /// The exact standard deviation of `T` over all labellings.
    pub standard_deviation: f64,
    /// The share of labellings at least as far from the centre as the observed one, itself
    /// included.
    pub p: f64,
    /// The same for the layer farthest from its centre in each labelling: the probability that any
    /// of the layers would come as far, so that all layers may be read together.
    pub p_family: f64,
}

/// The tests of several layers with the same labellings.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelSwapFamily {
    /// One for each layer, in the order given.
    pub tests: Vec<LabelSwapTest>,
    /// How many labellings `p` is based on: all `2^n`, or the number drawn.
    pub labellings: u64,
    /// Whether these are all labellings.
    pub exact: bool,
    /// See [`smallest_p`].
    pub smallest_p: f64,
}

const DRAWS: usize = 9_999;
const MOST_PROMPTS_FOR_EXACT: usize = 14;

/// Tests for each layer whether the conditions differ more, or less, than labels given at random
/// would.
///
/// `layers`: the cosines of one layer's rows each ([`PairedGram::unit`]), all of the same prompts. A
/// labelling is a sign `s_i = ±1` for each prompt: whether its two rows keep their conditions. With
/// `M = sum_i (a_i + b_i) / 2` and `D = sum_i s_i (a_i - b_i) / 2` the statistic is the within minus the
/// cross similarity of the relabelled rows, `T(s) = (M.M + D.D - n) / (n (n - 1)) - (M.M - D.D) / n^2`. Only
/// `D.D = s^T G s / 4` varies, `G_ij = d_i . d_j`; its mean over all labellings is `trace G / 4` and its
/// variance `sum_{i != j} G_ij^2 / 8`.
///
/// The p value is two-sided about the exact mean: a `T` that is smaller than chance gives,
/// conditions more alike than random labels make them, is as extreme as one that is larger. Up to
/// 14 prompts all `2^n` labellings are tried, and `p` is the share of those at least as extreme.
/// With more, 9,999 are drawn, and `p = (1 + those at least as extreme) / (1 + 9,999)` (Phipson &
/// Smyth 2010). Because `T(s) = T(-s)`, an exact `p` is at least `2 / 2^n`; see [`smallest_p`].
/// Ties count as at least as extreme, within 1e-12 of the scale of `s^T G s` and what rounding does
/// to cosines.
///
/// `p_family` compares `|T - centre| / standard deviation` with the greatest of all layers in the
/// same labelling: the single-step max-T procedure of Westfall & Young (1993), "Resampling-Based
/// Multiple Testing". It controls the probability of any false finding among the layers.
///
/// Assumes that under no difference a prompt's two rows could just as well have come in the other
/// order, and that prompts are independent: a prompt whose rows are copies of another's should be
/// left out. A layer whose `T` doesn't vary (a contrast of zero) has `p = p_family = 1` and is left
/// out of the greatest. Without layers there are no tests, no labellings, and the smallest p is 1;
/// with fewer than two prompts `T` is not defined, and there are no tests either.
pub fn label_swap_tests(layers: &[PairedGram], seed: u64) -> LabelSwapFamily {
    let prompts = layers.first().map_or(0, PairedGram::prompts);
    let labellings = Labellings::of(prompts, seed);
    let layers = if prompts < 2 { &[] } else { layers };
    let layers: Vec<Layer> = layers
        .par_iter()
        .map(|unit| Layer::of(unit, &labellings))
        .collect();
    let greatest = greatest_scores(&layers, labellings.signs.len());
    let tolerance = layers.iter().map(Layer::score_tolerance).fold(0.0, f64::max);
    let test = |layer: &Layer| {
        let own = layer.excesses.iter().map(|excess| excess.abs());
        let least = layer.observed_excess.abs() - layer.tolerance;
        let least_score = layer.score(layer.observed_excess) - tolerance;
        let varies = layer.deviation > 0.0;
        LabelSwapTest {
            observed: layer.centre + layer.factor * layer.observed_excess,
            centre: layer.centre,
            standard_deviation: layer.factor * layer.deviation,
            p: if varies { labellings.p(own, least) } else { 1.0 },
            p_family: if varies {
                labellings.p(greatest.iter().copied(), least_score)
            } else {
                1.0
            },
        }
    };
    LabelSwapFamily {
        tests: layers.iter().map(test).collect(),
        labellings: labellings.count,
        exact: labellings.exact,
        smallest_p: smallest_p(prompts),
    }
}

/// The smallest p value that [`label_swap_tests`] can give: `2 / 2^n` up to 14 prompts, since a
/// labelling and its opposite are the same, else `1 / (1 + 9,999)`. With two prompts it is 1: the
/// two values that `T` then has are equally far from their mean.
pub fn smallest_p(prompts: usize) -> f64 {
    match prompts {
        0..=2 => 1.0,
        3..=MOST_PROMPTS_FOR_EXACT => 2.0 / (1_u64 << prompts) as f64,
        _ => 1.0 / (1 + DRAWS) as f64,
    }
}

/// The least number of prompts whose [`smallest_p`] is below `p`: 6 for 0.05, 8 for 0.01. At 0.0001
/// and below no number is enough, and this gives `usize::MAX`.
pub fn prompts_for(p: f64) -> usize {
    let enough = |&prompts: &usize| smallest_p(prompts) < p;
    (2..=MOST_PROMPTS_FOR_EXACT + 1)
        .find(enough)
        .unwrap_or(usize::MAX)
}

pub(crate) struct Labellings {
    pub(crate) signs: Vec<Vec<i8>>,
    pub(crate) count: u64,
    pub(crate) exact: bool,
}

impl Labellings {
    /// Only the labellings that keep the first prompt: the others are their opposites.
    pub(crate) fn of(prompts: usize, seed: u64) -> Self {
        if prompts == 0 {
            return Labellings {
                signs: Vec::new(),
                count: 0,
                exact: true,
            };
        }
        if prompts > MOST_PROMPTS_FOR_EXACT {
            return Labellings {
                signs: random_signs(prompts, DRAWS, seed),
                count: DRAWS as u64,
                exact: false,
            };
        }
        let sign = |number: u64, prompt: usize| if number >> prompt & 1 == 1 { -1 } else { 1 };
        let all = 1_u64 << prompts;
        let signs = (0..all)
            .step_by(2)
            .map(|number| (0..prompts).map(|prompt| sign(number, prompt)).collect());
        Labellings {
            signs: signs.collect(),
            count: all,
            exact: true,
        }
    }

    /// The p value of what is at least `least`. The observed labelling is added to drawn ones.
    pub(crate) fn p(&self, values: impl Iterator<Item = f64>, least: f64) -> f64 {
        let as_extreme = values.filter(|&value| value >= least).count();
        let observed = usize::from(!self.exact);
        (as_extreme + observed) as f64 / (self.signs.len() + observed) as f64
    }
}

/// A layer in terms of the excess of `s^T G s` over its mean, `sum_{i != j} s_i s_j G_ij`:
/// `T = centre + factor * excess`.
struct Layer {
    centre: f64,
    factor: f64,
    observed_excess: f64,
    /// The standard deviation of the excess; 0 where it doesn't vary except for rounding.
    deviation: f64,
    tolerance: f64,
    excesses: Vec<f64>,
}

impl Layer {
    fn of(unit: &PairedGram, labellings: &Labellings) -> Self {
        let prompts = unit.prompts();
        let n = prompts as f64;
        let differences = unit.differences();
        let trace: f64 = (0..prompts).map(|i| differences[i * prompts + i]).sum();
        let midpoint_square = unit.values().iter().sum::<f64>() / 4.0;
        let mean_square = trace / 4.0;
        let within = (midpoint_square + mean_square - unit.trace() / 2.0) / (n * (n - 1.0));
        let cross = (midpoint_square - mean_square) / (n * n);
        let (absolute, squares) = off_diagonal_sizes(&differences, prompts);
        let tolerance = RELATIVE_TOLERANCE * absolute + ROUNDING_OF_A_COSINE * n * n;
        let deviation = (2.0 * squares).sqrt();
        let as_is = off_diagonal_forms(&differences, &[vec![1_i8; prompts]]);
        Layer {
            centre: within - cross,
            factor: (1.0 / (n * (n - 1.0)) + 1.0 / (n * n)) / 4.0,
            observed_excess: as_is.iter().sum(),
            deviation: if deviation > tolerance { deviation } else { 0.0 },
            tolerance,
            excesses: off_diagonal_forms(&differences, &labellings.signs),
        }
    }

    /// How many standard deviations an excess is from the mean of all labellings.
    fn score(&self, excess: f64) -> f64 {
        if self.deviation > 0.0 {
            excess.abs() / self.deviation
        } else {
            0.0
        }
    }

    fn score_tolerance(&self) -> f64 {
        self.score(self.tolerance)
    }
}

const RELATIVE_TOLERANCE: f64 = 1e-12;
const ROUNDING_OF_A_COSINE: f64 = 1e-15;

/// The sums of `|G_ij|` and of `G_ij^2` over `i != j`.
fn off_diagonal_sizes(matrix: &[f64], n: usize) -> (f64, f64) {
    let off_diagonal = (0..n * n).filter(|place| place / n != place % n);
    off_diagonal.fold((0.0, 0.0), |(absolute, squares), place| {
        let entry = matrix[place];
        (absolute + entry.abs(), squares + entry * entry)
    })
}

/// For every labelling the greatest score of all layers.
fn greatest_scores(layers: &[Layer], labellings: usize) -> Vec<f64> {
    let mut greatest = vec![0.0; labellings];
    for layer in layers {
        for (greatest, &excess) in greatest.iter_mut().zip(&layer.excesses) {
            *greatest = layer.score(excess).max(*greatest);
        }
    }
    greatest
}
