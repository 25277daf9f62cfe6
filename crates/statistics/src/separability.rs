//! How well the contrast of the other prompts tells a prompt's two rows apart.

use crate::gram::{PairedGram, square};
use crate::sums::{mean, sum};

/// What a direction from the other prompts says about each prompt's rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Separability {
    /// The share of pairs of a plus and a minus score in which the plus score is greater, ties counting half: 0 to 1.
    pub auc: f64,
    /// The share of rows with the right sign, a score of 0 counting half: 0 to 1.
    pub accuracy: f64,
    /// Cohen's d: in standard deviations of the scores. None where they have none.
    pub effect_size: Option<f64>,
    /// One for each prompt, in the residual stream's units.
    pub scores_plus: Vec<f64>,
    /// The same for the minus rows.
    pub scores_minus: Vec<f64>,
}

/// Scores every row by the other prompts' contrast: with `v_i = mean_{j != i} d_j` and
/// `c_i = mean_{j != i} m_j` the score of a row `x` of prompt `i` is `(x - c_i) . v_i / ||v_i||`.
///
/// `auc` is over all `n` plus and `n` minus scores (Hanley & McNeil 1982). `accuracy` counts plus scores
/// above 0 and minus scores below.
/// `effect_size = (mean plus - mean minus) / sqrt((var plus + var minus) / 2)` with `n - 1` in the variances
/// (Cohen 1988). Scores that spread less than the rounding of the rows' own f32 numbers would make them have no effect size:
/// it would be the size of the rounding. Where the other prompts' contrast is zero, except for rounding, both scores are 0; if
/// that is so everywhere, the AUC and the accuracy are 0.5. None with fewer than two prompts.
///
/// This describes a difference and does not test for one. Under no difference the AUC is about 0.5 on average,
/// since a prompt's own difference, as likely either way round, is not part of its direction. But the scores
/// depend on each other: any two directions share all prompts but two, and a prompt's two rows share what is
/// the prompt's. The first makes the AUC scatter more than that of independent scores does, by about a third;
/// the second makes it scatter less, down to half. [`label_swap_tests`](crate::label_swap_tests) is the test.
pub fn separability(raw: &PairedGram) -> Option<Separability> {
    if raw.prompts() < 2 {
        return None;
    }
    let scores: Vec<[f64; 2]> = LeftOut::of(raw).scores();
    let scores_plus: Vec<f64> = scores.iter().map(|[plus, _]| *plus).collect();
    let scores_minus: Vec<f64> = scores.iter().map(|[_, minus]| *minus).collect();
    Some(Separability {
        auc: auc(&scores_plus, &scores_minus),
        accuracy: accuracy(&scores_plus, &scores_minus),
        effect_size: effect_size(&scores_plus, &scores_minus, raw.greatest_square().sqrt()),
        scores_plus,
        scores_minus,
    })
}

/// A squared contrast below this share of the greatest squared norm is rounding.
const ROUNDING: f64 = 1e-14;
/// A standard deviation below this share of the greatest row's norm is what the rounding of f32 numbers makes.
const ROUNDING_OF_ROWS: f64 = f32::EPSILON as f64;

/// Sums over all prompts, from which those without one prompt follow.
struct LeftOut {
    prompts: usize,
    centred: PairedGram,
    differences: Vec<f64>,
    /// `m_i . d_j`: `[n, n]`, row-major.
    midpoint_products: Vec<f64>,
    least_square: f64,
}

impl LeftOut {
    /// The mean of all rows falls out of every score, and without it less is lost to rounding.
    fn of(raw: &PairedGram) -> Self {
        let centred = raw.centred();
        let n = raw.prompts();
        let along = |i, j| centred.get(i, j) - centred.get(i, n + j);
        LeftOut {
            prompts: n,
            differences: centred.differences(),
            midpoint_products: square(n, |i, j| (along(i, j) + along(n + i, j)) / 2.0),
            least_square: ROUNDING * raw.greatest_square(),
            centred,
        }
    }

    fn scores(&self) -> Vec<[f64; 2]> {
        let n = self.prompts;
        let others = n as f64 - 1.0;
        let difference_sums = row_sums(&self.differences, n);
        let difference_total = sum(&difference_sums);
        let midpoint_rows = row_sums(&self.midpoint_products, n);
        let midpoint_total = sum(&midpoint_rows);
        let score = |i: usize| {
            let own = self.differences[i * n + i];
            let contrast_square = (difference_total - 2.0 * difference_sums[i] + own) / (others * others);
            if contrast_square <= self.least_square {
                return [0.0, 0.0];
            }
            let column: f64 = (0..n).map(|j| self.midpoint_products[j * n + i]).sum();
            let own = self.midpoint_products[i * n + i];
            let midpoint = (midpoint_total - midpoint_rows[i] - column + own) / (others * others);
            [i, n + i].map(|row| (self.along_others(row, i) / others - midpoint) / contrast_square.sqrt())
        };
        (0..n).map(score).collect()
    }

    /// `x . sum_{j != prompt} d_j` for the row `x`.
    fn along_others(&self, row: usize, prompt: usize) -> f64 {
        let (plus, minus) = self.centred.row(row).split_at(self.prompts);
        let all: f64 = plus.iter().zip(minus).map(|(plus, minus)| plus - minus).sum();
        all - (plus[prompt] - minus[prompt])
    }
}

fn row_sums(matrix: &[f64], n: usize) -> Vec<f64> {
    matrix.chunks_exact(n).map(sum).collect()
}

fn auc(plus: &[f64], minus: &[f64]) -> f64 {
    let won = |plus: f64, minus: f64| match plus.total_cmp(&minus) {
        _ if plus == minus => 0.5,
        std::cmp::Ordering::Greater => 1.0,
        _ => 0.0,
    };
    let wins: f64 = plus
        .iter()
        .map(|&plus| minus.iter().map(|&minus| won(plus, minus)).sum::<f64>())
        .sum();
    wins / (plus.len() * minus.len()) as f64
}

fn accuracy(plus: &[f64], minus: &[f64]) -> f64 {
    let signed = plus.iter().copied().chain(minus.iter().map(|score| -score));
    let right = signed.map(|score| match score {
        _ if score > 0.0 => 1.0,
        _ if score < 0.0 => 0.0,
        _ => 0.5,
    });
    right.sum::<f64>() / (plus.len() + minus.len()) as f64
}

fn effect_size(plus: &[f64], minus: &[f64], greatest_norm: f64) -> Option<f64> {
    let deviation = ((variance(plus) + variance(minus)) / 2.0).sqrt();
    (deviation > ROUNDING_OF_ROWS * greatest_norm).then(|| (mean(plus) - mean(minus)) / deviation)
}

fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    squares / (values.len() as f64 - 1.0)
}
