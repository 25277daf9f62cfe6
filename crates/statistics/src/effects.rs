//! The two-by-two design: who speaks and which transcript they speak in, each varied by itself.

use crate::bootstrap::{
    BOOTSTRAP_DRAWS, FEWEST_PROMPTS, Interval, norm_free_of_noise, plain_form, weight_of_pairs,
};
use crate::draws::resamples;
use crate::gram::PairedGram;
use crate::products::gram;
use crate::quadratic::off_diagonal_forms;
use crate::sums::{cosine, dot, mean_row, norm};

/// `cells[transcript][speaker]`: the rows of the same `n` prompts in all four combinations, `[n,
/// hidden]` each. Level 0 of either factor counts as plus, so that the method's plus condition is
/// `cells[0][0]` and its minus condition `cells[1][1]`.
#[derive(Clone, Copy, Debug)]
pub struct Cells<'a> {
    /// By transcript, then by speaker.
    pub cells: [[&'a [Vec<f32>]; 2]; 2],
}

/// One effect: what going from level 1 to level 0 adds.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// `[hidden]`, in the residual stream's units.
    pub vector: Vec<f64>,
    /// The norm of `vector`.
    pub norm: f64,
    /// `norm` without what noise adds to it; see
    /// [`contrast_norm_unbiased`](crate::contrast_norm_unbiased). None with fewer than two prompts.
    pub norm_unbiased: Option<f64>,
    /// The interval of `norm_unbiased`; none with fewer than three prompts.
    pub norm_interval: Option<Interval>,
    /// The effect's share of the sum of squares of all `4n` rows about their mean: 0 to 1. None
    /// where all rows are the same.
    pub share: Option<f64>,
}

/// The effects of a two-by-two design. All shares together make 1, unless all rows are the same:
/// then there are none.
#[derive(Clone, Debug, PartialEq)]
pub struct Effects {
    /// The effect of the speaker, whatever the transcript.
    pub speaker: Effect,
    /// The effect of the transcript, whatever the speaker.
    pub transcript: Effect,
    /// By how much the effect of one depends on the other.
    pub interaction: Effect,
    /// What differs between prompts whatever the cell.
    pub prompt_share: Option<f64>,
    /// What is left: effects that differ from prompt to prompt.
    pub residual_share: Option<f64>,
    /// `S.C / ||C||^2`: how much of the whole contrast, along itself, the speaker accounts for; the
    /// transcript accounts for the rest. It can be below 0 or above 1 where the two effects oppose
    /// each other. None where the contrast is zero.
    pub speaker_share_of_contrast: Option<f64>,
    /// Also none with fewer than three prompts.
    pub speaker_share_interval: Option<Interval>,
    /// The cosine of `S` and `C`. This and the other cosines are none where one of the two is zero.
    pub speaker_contrast_cosine: Option<f64>,
    /// The cosine of `T` and `C`.
    pub transcript_contrast_cosine: Option<f64>,
    /// The cosine of `S` and `T`.
    pub speaker_transcript_cosine: Option<f64>,
    /// The cosine of the speaker contrasts within the two transcripts: whether the speaker has the
    /// same direction in both.
    pub simple_cosine: Option<f64>,
}

/// Splits what the whole contrast mixes into the effect of the speaker and that of the transcript.
///
/// With cell means `c_ts`, the speaker effect is `S = ((c_00 - c_01) + (c_10 - c_11)) / 2`, the
/// transcript effect `T = ((c_00 - c_10) + (c_01 - c_11)) / 2` and the interaction `I = (c_00 -
/// c_01 - c_10 + c_11) / 2`, so that each cell is `mean ± T/2 ± S/2 ± I/2`. The contrast of the
/// method is `C = c_00 - c_11 = S + T`. The speaker's simple contrasts are `c_00 - c_01 = S + I`
/// and `c_10 - c_11 = S - I`.
///
/// Sums of squares about the grand mean: `n ||S||^2`, `n ||T||^2`, `n ||I||^2`, `4 sum_i ||prompt
/// mean - grand mean||^2`, and as residual `sum_i (||S_i - S||^2 + ||T_i - T||^2 + ||I_i - I||^2)`
/// with each prompt's own effects (analysis of variance with repeated measures, Winer 1971,
/// "Statistical Principles in Experimental Design").
///
/// Intervals: 95 % percentile, over 5,000 draws of the prompts with replacement; the norms from
/// pairs of different prompts as in [`resampled`](crate::resampled), the share from the drawn means
/// as they are. Draws whose contrast is zero have no share and are left out. Assumes that prompts
/// are independent. A vector counts as zero where its squared norm is below 1e-14 of the greatest
/// row's, since it is only rounding then.
pub fn effects(cells: &Cells<'_>, seed: u64) -> Effects {
    let own = PromptEffects::of(cells);
    let n = own.speaker.len();
    let total = own.total_sum_of_squares();
    let least_square = ROUNDING * greatest_square(cells);
    let share = |squares: f64| (total > least_square).then(|| squares / total);
    let grams = Grams::of(&own);
    let draws = Draws::of(&grams, n, seed);
    let effect = |vectors: &[Vec<f64>], gram: &[f64], forms: &[f64]| {
        let vector = mean_row(vectors);
        Effect {
            norm: norm(&vector),
            norm_unbiased: norm_free_of_noise(gram, n),
            norm_interval: draws.norm_interval(forms),
            share: share(n as f64 * dot(&vector, &vector)),
            vector,
        }
    };
    let speaker = effect(&own.speaker, &grams.speaker, &draws.speaker);
    let transcript = effect(&own.transcript, &grams.transcript, &draws.transcript);
    let interaction = effect(&own.interaction, &grams.interaction, &draws.interaction);
    let (s, t) = (&speaker.vector, &transcript.vector);
    let contrast = combined(s, t, 1.0);
    let simple = [1.0, -1.0].map(|sign| combined(s, &interaction.vector, sign));
    let cosine = |a: &[f64], b: &[f64]| cosine(a, b, least_square.sqrt());
    let contrast_square = dot(&contrast, &contrast);
    Effects {
        prompt_share: share(own.prompt_squares),
        residual_share: share(own.residual_squares),
        speaker_share_of_contrast: share_along(dot(s, &contrast), contrast_square, least_square),
        speaker_share_interval: draws
            .share_interval(&grams, least_square)
            .filter(|_| contrast_square > least_square),
        speaker_contrast_cosine: cosine(s, &contrast),
        transcript_contrast_cosine: cosine(t, &contrast),
        speaker_transcript_cosine: cosine(s, t),
        simple_cosine: cosine(&simple[0], &simple[1]),
        speaker,
        transcript,
        interaction,
    }
}

/// Every prompt's own effects, `[n, hidden]` each, and the sums of squares.
struct PromptEffects {
    speaker: Vec<Vec<f64>>,
    transcript: Vec<Vec<f64>>,
    interaction: Vec<Vec<f64>>,
    prompt_squares: f64,
    residual_squares: f64,
}

impl PromptEffects {
    fn of(cells: &Cells<'_>) -> Self {
        let [[plus_plus, plus_minus], [minus_plus, minus_minus]] = cells.cells;
        // The signs of the cells `[00, 01, 10, 11]`.
        let with = |signs: [f64; 4]| -> Vec<Vec<f64>> {
            let prompts = 0..plus_plus.len();
            prompts
                .map(|i| {
                    let rows = [&plus_plus[i], &plus_minus[i], &minus_plus[i], &minus_minus[i]];
                    signed_half_sum(rows, signs)
                })
                .collect()
        };
        let speaker = with([1.0, -1.0, 1.0, -1.0]);
        let transcript = with([1.0, 1.0, -1.0, -1.0]);
        let interaction = with([1.0, -1.0, -1.0, 1.0]);
        // Half the sum of the four rows is twice their mean, whose squares count four times.
        let prompt_squares = squares_about_mean(&with([1.0; 4]));
        let effects = [&speaker, &transcript, &interaction];
        PromptEffects {
            residual_squares: effects.map(|vectors| squares_about_mean(vectors)).iter().sum(),
            prompt_squares,
            speaker,
            transcript,
            interaction,
        }
    }

    fn total_sum_of_squares(&self) -> f64 {
        let of_effects = [&self.speaker, &self.transcript, &self.interaction].map(|vectors| {
            let mean = mean_row(vectors);
            vectors.len() as f64 * dot(&mean, &mean)
        });
        of_effects.iter().sum::<f64>() + self.prompt_squares + self.residual_squares
    }
}

fn signed_half_sum(rows: [&Vec<f32>; 4], signs: [f64; 4]) -> Vec<f64> {
    let mut sum = vec![0.0; rows[0].len()];
    for (row, sign) in rows.into_iter().zip(signs) {
        for (sum, &value) in sum.iter_mut().zip(row) {
            *sum += sign / 2.0 * f64::from(value);
        }
    }
    sum
}

fn squares_about_mean(vectors: &[Vec<f64>]) -> f64 {
    let mean = mean_row(vectors);
    let square = |vector: &Vec<f64>| {
        let left = combined(vector, &mean, -1.0);
        dot(&left, &left)
    };
    vectors.iter().map(square).sum()
}

fn combined(a: &[f64], b: &[f64], sign: f64) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + sign * b).collect()
}

fn share_along(along: f64, square: f64, least_square: f64) -> Option<f64> {
    (square > least_square).then(|| along / square)
}

/// A squared norm below this share of the rows' greatest is rounding.
const ROUNDING: f64 = 1e-14;

fn greatest_square(cells: &Cells<'_>) -> f64 {
    let rows = cells.cells.iter().flatten().flat_map(|rows| rows.iter());
    let squares = rows.map(|row| row.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>());
    squares.fold(0.0, f64::max)
}

/// Inner products of the prompts' effects, `[n, n]` each.
struct Grams {
    speaker: Vec<f64>,
    transcript: Vec<f64>,
    /// `(S_i . T_j + S_j . T_i) / 2`.
    both: Vec<f64>,
    interaction: Vec<f64>,
}

impl Grams {
    fn of(own: &PromptEffects) -> Self {
        let n = own.speaker.len();
        let slices = |vectors: &[Vec<f64>]| -> Vec<f64> {
            let rows: Vec<&[f64]> = vectors.iter().map(Vec::as_slice).collect();
            gram(&rows)
        };
        let pairs = [own.speaker.as_slice(), own.transcript.as_slice()].concat();
        let pairs = PairedGram::new(n, slices(&pairs));
        Grams {
            speaker: pairs.plus(),
            transcript: pairs.minus(),
            both: pairs.cross(),
            interaction: slices(&own.interaction),
        }
    }
}

/// The draws of the prompts and, for each, the sums over pairs of different prompts.
struct Draws {
    prompts: usize,
    counts: Vec<Vec<u16>>,
    speaker: Vec<f64>,
    transcript: Vec<f64>,
    both: Vec<f64>,
    interaction: Vec<f64>,
}

impl Draws {
    fn of(grams: &Grams, n: usize, seed: u64) -> Self {
        let draws = if n < FEWEST_PROMPTS { 0 } else { BOOTSTRAP_DRAWS };
        let counts = resamples(n, draws, seed);
        let forms = |gram: &[f64]| off_diagonal_forms(gram, &counts);
        Draws {
            speaker: forms(&grams.speaker),
            transcript: forms(&grams.transcript),
            both: forms(&grams.both),
            interaction: forms(&grams.interaction),
            counts,
            prompts: n,
        }
    }

    fn norm_interval(&self, forms: &[f64]) -> Option<Interval> {
        let pairs = self.counts.iter().zip(forms);
        let norm = |(counts, form): (&Vec<u16>, &f64)| (form / weight_of_pairs(counts)).max(0.0).sqrt();
        (self.prompts >= FEWEST_PROMPTS).then(|| Interval::of(pairs.map(norm).collect(), self.prompts))
    }

    /// The interval of `S.C / ||C||^2` with `C = S + T`.
    fn share_interval(&self, grams: &Grams, least_square: f64) -> Option<Interval> {
        let share = |draw: usize| {
            let form = |gram: &[f64], forms: &[f64]| plain_form(gram, &self.counts[draw], forms[draw]);
            let speaker = form(&grams.speaker, &self.speaker);
            let both = form(&grams.both, &self.both);
            let transcript = form(&grams.transcript, &self.transcript);
            // The forms are of sums over the draw, whose means are smaller by the number of
            // prompts.
            let least_square = least_square * (self.prompts as f64).powi(2);
            share_along(speaker + both, speaker + 2.0 * both + transcript, least_square)
        };
        let shares: Vec<f64> = (0..self.counts.len()).filter_map(share).collect();
        let is_defined = self.prompts >= FEWEST_PROMPTS && !shares.is_empty();
        is_defined.then(|| Interval::of(shares, self.prompts))
    }
}
