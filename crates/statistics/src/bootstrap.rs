//! Intervals from prompts drawn again.

use rand::RngExt;
use rayon::prelude::*;

use crate::draws::{Purpose, generator, resamples};
use crate::gram::PairedGram;
use crate::level::interval_tail;
use crate::quadratic::{diagonal_form, diagonal_sum, off_diagonal_forms};
use crate::sums::mean;

/// The 95 % interval that resampling gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The 2.5 % quantile, moved outwards for few prompts.
    pub low: f64,
    /// The 97.5 % quantile, likewise.
    pub high: f64,
}

impl Interval {
    /// Between the quantiles that [`interval_tail`] gives for draws of this many units.
    pub(crate) fn of(mut values: Vec<f64>, units: usize) -> Self {
        values.sort_by(f64::total_cmp);
        let tail = interval_tail(units);
        Interval {
            low: quantile(&values, tail),
            high: quantile(&values, 1.0 - tail),
        }
    }
}

/// An interval for each figure of [`SimilarityFigures`](crate::SimilarityFigures), and for the
/// contrast's norm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bootstrap {
    /// The interval of `within_plus` of [`SimilarityFigures`](crate::SimilarityFigures).
    pub within_plus: Interval,
    /// The interval of `within_minus` of [`SimilarityFigures`](crate::SimilarityFigures).
    pub within_minus: Interval,
    /// The interval of `within` of [`SimilarityFigures`](crate::SimilarityFigures).
    pub within: Interval,
    /// The interval of `cross` of [`SimilarityFigures`](crate::SimilarityFigures).
    pub cross: Interval,
    /// The interval of `difference` of [`SimilarityFigures`](crate::SimilarityFigures).
    pub difference: Interval,
    /// The interval of `matched` of [`SimilarityFigures`](crate::SimilarityFigures).
    pub matched: Interval,
    /// The interval of the contrast's norm, in the residual stream's units.
    pub contrast_norm: Interval,
}

/// The figures of prompts that were drawn again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResampledFigures {
    /// `within_plus` of the prompts drawn (see [`SimilarityFigures`](crate::SimilarityFigures)).
    pub within_plus: f64,
    /// `within_minus` of the prompts drawn (see [`SimilarityFigures`](crate::SimilarityFigures)).
    pub within_minus: f64,
    /// `within` of the prompts drawn (see [`SimilarityFigures`](crate::SimilarityFigures)).
    pub within: f64,
    /// `cross` of the prompts drawn (see [`SimilarityFigures`](crate::SimilarityFigures)).
    pub cross: f64,
    /// `difference` of the prompts drawn (see [`SimilarityFigures`](crate::SimilarityFigures)).
    pub difference: f64,
    /// `matched` of the prompts drawn (see [`SimilarityFigures`](crate::SimilarityFigures)).
    pub matched: f64,
    /// The contrast's norm, in the residual stream's units.
    pub contrast_norm: f64,
}

/// How many times the prompts are drawn again.
pub const BOOTSTRAP_DRAWS: usize = 5000;

/// 95 % percentile intervals over 5,000 draws of `n` prompts with replacement; each draw's figures
/// are those of [`resampled`]. `raw`: the inner products of the rows as they are; cosines are taken
/// from them.
///
/// Assumes that the prompts are independent and represent the prompts of interest. Few prompts push
/// the ends outward, see [`interval_tail`]. Draws of a single prompt have no two prompts to compare
/// and are redrawn, so that two prompts would always be drawn as they are: none with fewer than
/// three prompts, nor where a row is zero and has no cosine. Source: Efron & Tibshirani (1993), "An
/// Introduction to the Bootstrap"; Hesterberg (2015).
pub fn bootstrap(raw: &PairedGram, seed: u64) -> Option<Bootstrap> {
    if raw.prompts() < FEWEST_PROMPTS || raw.lacks_cosines() {
        return None;
    }
    let draws = resamples(raw.prompts(), BOOTSTRAP_DRAWS, seed);
    let figures = resampled_figures(raw, &draws);
    let interval = |figure: fn(&ResampledFigures) -> f64| {
        Interval::of(figures.iter().map(figure).collect(), raw.prompts())
    };
    Some(Bootstrap {
        within_plus: interval(|figures| figures.within_plus),
        within_minus: interval(|figures| figures.within_minus),
        within: interval(|figures| figures.within),
        cross: interval(|figures| figures.cross),
        difference: interval(|figures| figures.difference),
        matched: interval(|figures| figures.matched),
        contrast_norm: interval(|figures| figures.contrast_norm),
    })
}

/// Draws of pairs of fewer prompts don't differ from each other.
pub(crate) const FEWEST_PROMPTS: usize = 3;

/// The figures when prompt `i` occurs `counts[i] = w_i` times; `sum_i w_i = n`, and at least two
/// prompts occur.
///
/// A pair of a prompt with itself is not a pair of two prompts, so that `W = sum_{i != j} w_i w_j`
/// weighs the pairs, and `within_plus = sum_{i != j} w_i w_j cos(a_i, a_j) / W`, `within_minus`
/// likewise. `matched = sum_i w_i cos(a_i, b_i) / n`. `cross = matched / n + (n - 1) / n * sum_{i
/// != j} w_i w_j cos(a_i, b_j) / W` keeps the share of matched pairs that the figure itself has.
/// `contrast_norm = sqrt(max(0, sum_{i != j} w_i w_j d_i . d_j / W))`, in the residual stream's
/// units, is free of noise as [`contrast_norm_unbiased`] is. All weights 1 give the figures of
/// [`similarity`](crate::similarity).
pub fn resampled(raw: &PairedGram, counts: &[u16]) -> ResampledFigures {
    let parts = Parts::of(raw);
    let form = |matrix: &[f64]| off_diagonal_forms(matrix, &[counts.to_vec()]).iter().sum();
    parts.figures(
        counts,
        [&parts.plus, &parts.minus, &parts.cross, &parts.differences].map(|matrix| form(matrix)),
    )
}

/// The contrast's norm without what noise adds to it: `sqrt(max(0, sum_{i != j} d_i . d_j / (n (n -
/// 1))))`, in the residual stream's units.
///
/// The plain norm of a mean of `n` differences is too large, since `E ||mean d||^2 = ||E d||^2 +
/// trace(cov d) / n`. Under the root is the unbiased estimate (U-statistic) of `||E d||^2`; where
/// it is negative, this is 0. None with fewer than two prompts. Source: Hoeffding (1948), "A Class
/// of Statistics with Asymptotically Normal Distribution".
pub fn contrast_norm_unbiased(raw: &PairedGram) -> Option<f64> {
    let n = raw.prompts();
    norm_free_of_noise(&raw.differences(), n)
}

/// [`contrast_norm_unbiased`] of the vectors whose inner products are in the `[n, n]` matrix.
pub(crate) fn norm_free_of_noise(differences: &[f64], n: usize) -> Option<f64> {
    if n < 2 {
        return None;
    }
    let pairs = (n * (n - 1)) as f64;
    let form: f64 = off_diagonal_forms(differences, &[vec![1_u16; n]]).iter().sum();
    Some((form / pairs).max(0.0).sqrt())
}

/// The quantile `q` (0 to 1) of values in ascending order: linear between the two values around the
/// place `q (count - 1)`, as numpy's `quantile` does by default. Without values it is 0.
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return 0.0;
    };
    let place = q.clamp(0.0, 1.0) * last as f64;
    let below = place.floor() as usize;
    let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
    low + (high - low) * (place - below as f64)
}

/// The 95 % percentile interval of the mean of independent values: the mean of as many values drawn
/// with replacement, `draws` times. In the values' units; none of fewer than two values, whose mean
/// may be off by any amount. Source: Efron & Tibshirani (1993).
pub fn bootstrap_mean(values: &[f64], draws: usize, seed: u64) -> Option<Interval> {
    bootstrap_statistic(values.len(), draws, seed, |indices| {
        let drawn: Vec<f64> = indices.iter().map(|&index| values[index]).collect();
        mean(&drawn)
    })
}

/// [`bootstrap_mean`] of several numbers with the same draws, to the last bit: `values[number][unit]`, all of
/// one length.
pub fn bootstrap_means(values: &[Vec<f64>], draws: usize, seed: u64) -> Vec<Option<Interval>> {
    let units = values.first().map_or(0, Vec::len);
    if units < 2 {
        return vec![None; values.len()];
    }
    let mut generator = generator(seed, Purpose::Resamples);
    let drawn: Vec<u32> = (0..draws * units)
        .map(|_| generator.random_range(0..units) as u32)
        .collect();
    let interval = |values: &Vec<f64>| {
        let mean_of = |indices: &[u32]| {
            let drawn: Vec<f64> = indices.iter().map(|&index| values[index as usize]).collect();
            mean(&drawn)
        };
        Some(Interval::of(drawn.chunks(units).map(mean_of).collect(), units))
    };
    values.par_iter().map(interval).collect()
}

/// The 95 % percentile interval of any statistic of `units` independent units: `statistic` gets the
/// indices of `units` units drawn with replacement, `draws` times, and must give a finite number.
/// None of fewer than two units. Source: Efron & Tibshirani (1993).
pub fn bootstrap_statistic(
    units: usize,
    draws: usize,
    seed: u64,
    statistic: impl Fn(&[usize]) -> f64,
) -> Option<Interval> {
    if units < 2 {
        return None;
    }
    let mut generator = generator(seed, Purpose::Resamples);
    let mut draw = || {
        let indices: Vec<usize> = (0..units).map(|_| generator.random_range(0..units)).collect();
        statistic(&indices)
    };
    Some(Interval::of((0..draws).map(|_| draw()).collect(), units))
}

/// `W = sum_{i != j} w_i w_j`.
pub(crate) fn weight_of_pairs(counts: &[u16]) -> f64 {
    let total: f64 = counts.iter().map(|&count| f64::from(count)).sum();
    let squares: f64 = counts.iter().map(|&count| f64::from(count).powi(2)).sum();
    total * total - squares
}

/// `w^T A w`, from its part off the diagonal.
pub(crate) fn plain_form(matrix: &[f64], counts: &[u16], off_diagonal: f64) -> f64 {
    off_diagonal + diagonal_form(matrix, counts)
}

fn resampled_figures(raw: &PairedGram, draws: &[Vec<u16>]) -> Vec<ResampledFigures> {
    let parts = Parts::of(raw);
    let matrices = [&parts.plus, &parts.minus, &parts.cross, &parts.differences];
    let forms = matrices.map(|matrix| off_diagonal_forms(matrix, draws));
    let figures = |(draw, counts): (usize, &Vec<u16>)| {
        let forms = [0, 1, 2, 3].map(|which| forms[which][draw]);
        parts.figures(counts, forms)
    };
    draws.par_iter().enumerate().map(figures).collect()
}

/// What the figures need from the rows: `[n, n]` each.
struct Parts {
    plus: Vec<f64>,
    minus: Vec<f64>,
    cross: Vec<f64>,
    differences: Vec<f64>,
}

impl Parts {
    fn of(raw: &PairedGram) -> Self {
        let unit = raw.unit();
        Parts {
            plus: unit.plus(),
            minus: unit.minus(),
            cross: unit.cross(),
            differences: raw.differences(),
        }
    }

    /// `forms`: the sums over pairs of two prompts, in the order of the fields.
    fn figures(&self, counts: &[u16], forms: [f64; 4]) -> ResampledFigures {
        let n = counts.len() as f64;
        let pairs = weight_of_pairs(counts);
        let [within_plus, within_minus, unmatched, contrast] = forms.map(|form| form / pairs);
        let matched = (diagonal_sum(&self.cross, counts) / n).clamp(-1.0, 1.0);
        let [within_plus, within_minus] = [within_plus, within_minus].map(|cosine| cosine.clamp(-1.0, 1.0));
        let within = (within_plus + within_minus) / 2.0;
        let cross = (matched / n + (n - 1.0) / n * unmatched).clamp(-1.0, 1.0);
        ResampledFigures {
            within_plus,
            within_minus,
            within,
            cross,
            difference: within - cross,
            matched,
            contrast_norm: contrast.max(0.0).sqrt(),
        }
    }
}
