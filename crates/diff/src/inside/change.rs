//! How far the activations of two models are from each other at one layer, and in which direction.
//!
//! `a_i` is A's residual of prompt `i` in one condition under one pooling, `b_i` is B's: `[hidden]`
//! each, in the residual stream's units. Everything is computed in f64.

use statistics::{BOOTSTRAP_DRAWS, Interval, bootstrap_mean};
use terms::Pooling;

/// One layer under one pooling.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerChange {
    pub layer: usize,
    pub pooling: Pooling,
    /// In the order of [`Common::conditions`](super::Common).
    pub conditions: Vec<ConditionChange>,
    /// None where the conditions of A's contrast are not both compared.
    pub role: Option<RoleChange>,
}

/// One condition.
#[derive(Clone, Debug, PartialEq)]
pub struct ConditionChange {
    /// `mean_i cos(a_i, b_i)`.
    pub cosine: f64,
    /// Its 95 % interval over prompts; none of fewer than three.
    pub interval: Option<Interval>,
    /// `mean_i ||b_i - a_i|| / ||a_i||`, no unit.
    pub difference: f64,
    /// `||shift|| / mean_i ||a_i||` of the shift `mean_i (b_i - a_i)`, no unit.
    pub shift: f64,
    /// The cosine of the shift with A's contrast; none where either is zero, or A's contrast is not
    /// known.
    pub along_contrast: Option<f64>,
}

/// The contrast: the mean residual in the positive condition minus that in the negative one, of A's
/// contrast in both models.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleChange {
    /// `||contrast||` over the mean norm of the residuals in both conditions, in A and in B; no unit.
    pub relative_norms: [f64; 2],
    /// The cosine of A's contrast with B's; none where either is zero.
    pub contrasts_cosine: Option<f64>,
    /// What `contrasts_cosine` could be at most; see
    /// [`attainable_cosine`](crate::attainable_cosine). None where the runs define the contrast
    /// differently, and under other poolings than the contrast's.
    pub attainable: Option<f64>,
    /// The cosine of the positive condition's shift with the negative one's; none where either is
    /// zero.
    pub shifts_cosine: Option<f64>,
}

impl ConditionChange {
    /// The ends of the interval, which are NaN where there is none.
    pub fn ends(&self) -> (f64, f64) {
        let interval = self.interval;
        interval.map_or((f64::NAN, f64::NAN), |interval| (interval.low, interval.high))
    }
}

/// What one pass over the pairs of one condition under one pooling keeps.
#[derive(Clone, Debug)]
pub struct PairSums {
    /// `cos(a_i, b_i)`: `[prompts]`.
    cosines: Vec<f64>,
    /// `||b_i - a_i|| / ||a_i||`: `[prompts]`.
    differences: Vec<f64>,
    /// `sum_i ||a_i||` and `sum_i ||b_i||`.
    norms: [f64; 2],
    /// `sum_i a_i` and `sum_i b_i`: `[hidden]` each.
    rows: [Vec<f64>; 2],
    /// `sum_i (b_i - a_i)`: `[hidden]`, exactly zero where the rows are the same.
    shift: Vec<f64>,
}

impl PairSums {
    pub fn new(prompts: usize, hidden: usize) -> Self {
        PairSums {
            cosines: vec![0.0; prompts],
            differences: vec![0.0; prompts],
            norms: [0.0; 2],
            rows: [vec![0.0; hidden], vec![0.0; hidden]],
            shift: vec![0.0; hidden],
        }
    }

    /// Adds the pair of prompt `prompt`: two rows of `[hidden]`, neither of them zero. Every prompt
    /// must be added once.
    pub fn add(&mut self, prompt: usize, a: &[f32], b: &[f32]) {
        let (mut dot, mut squares, mut apart) = (0.0, [0.0; 2], 0.0);
        for (place, (a, b)) in a.iter().zip(b).enumerate() {
            let (a, b) = (f64::from(*a), f64::from(*b));
            let shift = b - a;
            dot += a * b;
            squares[0] += a * a;
            squares[1] += b * b;
            apart += shift * shift;
            self.rows[0][place] += a;
            self.rows[1][place] += b;
            self.shift[place] += shift;
        }
        let norms = squares.map(f64::sqrt);
        self.norms[0] += norms[0];
        self.norms[1] += norms[1];
        self.cosines[prompt] = (dot / (norms[0] * norms[1])).clamp(-1.0, 1.0);
        self.differences[prompt] = apart.sqrt() / norms[0];
    }

    fn prompts(&self) -> f64 {
        self.cosines.len() as f64
    }

    fn mean_row(&self, model: usize) -> Vec<f64> {
        self.rows[model].iter().map(|sum| sum / self.prompts()).collect()
    }

    /// `mean_i (b_i - a_i)`: `[hidden]`.
    fn mean_shift(&self) -> Vec<f64> {
        self.shift.iter().map(|sum| sum / self.prompts()).collect()
    }

    fn mean_norm(&self, model: usize) -> f64 {
        self.norms[model] / self.prompts()
    }
}

/// As in the analysis of a single run.
const SEED: u64 = 0;

/// A difference of means below this share of the rows' mean norm is rounding of the sums.
const ROUNDING: f64 = 1e-13;

/// The figures of one layer under one pooling, from the sums of each condition. With `has_role` the
/// first two conditions are those of A's contrast. `attainable` is left to the caller.
pub fn layer_change(layer: usize, pooling: Pooling, sums: &[PairSums], has_role: bool) -> LayerChange {
    let role = match sums {
        [positive, negative, ..] if has_role => Some([positive, negative]),
        _ => None,
    };
    let contrast = role.map(|pair| contrast(pair, 0));
    LayerChange {
        layer,
        pooling,
        conditions: sums
            .iter()
            .map(|sums| condition_change(sums, contrast.as_deref()))
            .collect(),
        role: role.map(role_change),
    }
}

fn condition_change(sums: &PairSums, contrast: Option<&[f64]>) -> ConditionChange {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let shift = sums.mean_shift();
    ConditionChange {
        cosine: mean(&sums.cosines),
        interval: interval(&sums.cosines),
        difference: mean(&sums.differences),
        shift: norm(&shift) / sums.mean_norm(0),
        along_contrast: contrast.and_then(|contrast| cosine(&shift, contrast, sums.mean_norm(0))),
    }
}

/// As everywhere, none of fewer than three prompts: two can be drawn in only one way.
fn interval(cosines: &[f64]) -> Option<Interval> {
    (cosines.len() > 2)
        .then(|| bootstrap_mean(cosines, BOOTSTRAP_DRAWS, SEED))
        .flatten()
}

fn role_change(pair: [&PairSums; 2]) -> RoleChange {
    let contrasts = [0, 1].map(|model| contrast(pair, model));
    let scales = [0, 1].map(|model| (pair[0].mean_norm(model) + pair[1].mean_norm(model)) / 2.0);
    let shifts = pair.map(PairSums::mean_shift);
    RoleChange {
        relative_norms: [0, 1].map(|model| norm(&contrasts[model]) / scales[model]),
        contrasts_cosine: cosine(&contrasts[0], &contrasts[1], scales[0].max(scales[1])),
        attainable: None,
        shifts_cosine: cosine(&shifts[0], &shifts[1], scales[0]),
    }
}

/// The mean row of the positive condition minus that of the negative one: `[hidden]`.
fn contrast([positive, negative]: [&PairSums; 2], model: usize) -> Vec<f64> {
    let rows = positive.mean_row(model).into_iter().zip(negative.mean_row(model));
    rows.map(|(positive, negative)| positive - negative).collect()
}

/// None where a vector is only rounding next to rows of the norm `scale`.
fn cosine(one: &[f64], other: &[f64], scale: f64) -> Option<f64> {
    let (one_norm, other_norm) = (norm(one), norm(other));
    let least = ROUNDING * scale;
    let cosine = || (dot(one, other) / (one_norm * other_norm)).clamp(-1.0, 1.0);
    (one_norm > least && other_norm > least).then(cosine)
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

fn norm(vector: &[f64]) -> f64 {
    dot(vector, vector).sqrt()
}
