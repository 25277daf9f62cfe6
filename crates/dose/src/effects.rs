//! From scored texts to what a dose does.

use rayon::prelude::*;
use results::{DoseEffect, DoseFigures, DoseText, Estimate};
use statistics::{BOOTSTRAP_DRAWS, Interval, bootstrap_mean};
use terms::FinishReason;

use crate::plan::Planned;
use crate::sweep::Sweep;

/// What the unsteered model does: the baseline for all doses.
#[derive(Clone, Debug)]
pub struct Baseline {
    /// `[side][prompt]`, nats per token.
    log_odds: [Vec<f64>; 2],
    /// `[side][prompt]`, see [`reach`].
    reaches: [Vec<f64>; 2],
    /// How much further the positive side's texts reach than the negative side's; none where they don't.
    gap: Option<f64>,
    /// For the texts of both sides, in the format in which each is more likely: `exp(mean nats per
    /// token)`.
    pub perplexity: f64,
}

impl Baseline {
    /// From the texts of the unsteered dose, `[side][prompt]`.
    pub fn of(texts: &[Vec<DoseText>]) -> Self {
        let prompts: Vec<usize> = (0..texts[0].len()).collect();
        Baseline::among(texts, &prompts)
    }

    /// Of some prompts alone. The gap is that of all: it is a unit, and nothing is chosen by it.
    pub fn among(texts: &[Vec<DoseText>], prompts: &[usize]) -> Self {
        let of = |value: fn(&DoseText) -> f64| {
            [0, 1].map(|side| {
                prompts
                    .iter()
                    .map(|prompt| value(&texts[side][*prompt]))
                    .collect()
            })
        };
        let mean_reach = |side: usize| mean(&texts[side].iter().map(reach).collect::<Vec<f64>>());
        let gap = mean_reach(0) - mean_reach(1);
        let own = (0..texts.len()).flat_map(|side| prompts.iter().map(move |prompt| &texts[side][*prompt]));
        Baseline {
            log_odds: of(|text| text.log_odds),
            reaches: of(reach),
            gap: (gap > 0.0).then_some(gap),
            perplexity: perplexity(own.map(more_likely)),
        }
    }

    pub fn mean_log_odds(&self) -> [f64; 2] {
        [0, 1].map(|side| mean(&self.log_odds[side]))
    }

    /// How far each prompt's log-odds moved toward the other side's speaker, nats per token.
    pub fn moved<'a>(&self, side: usize, texts: impl IntoIterator<Item = &'a DoseText>) -> Vec<f64> {
        let texts = texts.into_iter().zip(&self.log_odds[side]);
        texts
            .map(|(text, unsteered)| TOWARD[side] * (text.log_odds - unsteered))
            .collect()
    }

    /// How far each prompt's text moved toward the other side's in what the model makes of it, where 1 is the mean way
    /// from the one side's unsteered texts to the other's. None where the unsteered texts are not on their own sides.
    pub fn followed<'a>(
        &self,
        side: usize,
        texts: impl IntoIterator<Item = &'a DoseText>,
    ) -> Option<Vec<f64>> {
        let gap = self.gap?;
        let texts = texts.into_iter().zip(&self.reaches[side]);
        let moved = texts.map(|(text, unsteered)| TOWARD[side] * (reach(text) - unsteered) / gap);
        Some(moved.collect())
    }
}

/// The sign of what moves a side's texts toward the other side's speaker.
const TOWARD: [f64; 2] = [-1.0, 1.0];

/// How far a text reaches along the contrast after the last layer, read in both formats, so that it is the text's own
/// and not the format's.
fn reach(text: &DoseText) -> f64 {
    (text.projection_positive + text.projection_negative) / 2.0
}

/// A row for each dose and side.
pub fn effects(doses: &[Planned], sweep: &Sweep, baseline: &Baseline, seed: u64) -> Vec<DoseEffect> {
    let doses = doses.par_iter().zip(&sweep.texts).zip(&sweep.divergences);
    doses
        .flat_map_iter(|((planned, sides), kl)| {
            planned.sides.iter().zip(sides).map(|(side, texts)| DoseEffect {
                dose: planned.dose.clone(),
                condition: texts
                    .first()
                    .map(|text| text.condition.clone())
                    .unwrap_or_default(),
                texts: texts.len(),
                figures: figures(*side, texts, baseline, *kl, seed),
            })
        })
        .collect()
}

fn figures(side: usize, texts: &[DoseText], baseline: &Baseline, kl: f64, seed: u64) -> DoseFigures {
    let log_odds: Vec<f64> = texts.iter().map(|text| text.log_odds).collect();
    let moved = baseline.moved(side, texts);
    let log_odds_interval = interval(&log_odds, seed);
    let effect_interval = interval(&moved, seed);
    let followed = baseline
        .followed(side, texts)
        .map(|followed| estimate(&followed, seed));
    let followed = followed.unwrap_or(UNDEFINED);
    let own = |text: &DoseText| {
        if side == 0 {
            text.surprise_positive
        } else {
            text.surprise_negative
        }
    };
    let perplexity_of_more_likely = perplexity(texts.iter().map(more_likely));
    DoseFigures {
        log_odds: mean(&log_odds),
        log_odds_low: log_odds_interval.low,
        log_odds_high: log_odds_interval.high,
        effect: mean(&moved),
        effect_low: effect_interval.low,
        effect_high: effect_interval.high,
        projection_effect: followed.value,
        projection_effect_low: followed.low,
        projection_effect_high: followed.high,
        crossed: crossed(side, texts),
        wrong_way: share(moved.iter().map(|moved| *moved < 0.0)),
        perplexity_own: perplexity(texts.iter().map(own)),
        perplexity: perplexity_of_more_likely,
        perplexity_ratio: perplexity_of_more_likely / baseline.perplexity,
        kl,
        distinct_2: mean(&texts.iter().map(|text| text.distinct_2).collect::<Vec<f64>>()),
        ended: share(texts.iter().map(|text| text.finish_reason == FinishReason::Stop)),
    }
}

/// The share of a side's texts that sound like the other side's speaker.
pub fn crossed<'a>(side: usize, texts: impl IntoIterator<Item = &'a DoseText>) -> f64 {
    share(texts.into_iter().map(|text| (side == 0) == (text.log_odds < 0.0)))
}

/// Their perplexity over that of the model's own texts.
pub fn perplexity_ratio<'a>(baseline: &Baseline, texts: impl IntoIterator<Item = &'a DoseText>) -> f64 {
    perplexity(texts.into_iter().map(more_likely)) / baseline.perplexity
}

/// The mean over prompts and its [`interval`].
pub fn estimate(values: &[f64], seed: u64) -> Estimate {
    let Interval { low, high, .. } = interval(values, seed);
    Estimate {
        value: mean(values),
        low,
        high,
    }
}

const UNDEFINED: Estimate = Estimate {
    value: f64::NAN,
    low: f64::NAN,
    high: f64::NAN,
};

/// The 95 % interval of the mean over prompts. For a single prompt it is unbounded.
pub fn interval(values: &[f64], seed: u64) -> Interval {
    bootstrap_mean(values, BOOTSTRAP_DRAWS, seed).unwrap_or(Interval {
        low: f64::NEG_INFINITY,
        high: f64::INFINITY,
    })
}

pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

pub fn share(values: impl Iterator<Item = bool>) -> f64 {
    let all: Vec<f64> = values.map(f64::from).collect();
    mean(&all)
}

/// Nats per token in the format where the text is more likely: a text of the other speaker is not
/// damage, and would look like it in the format that it was generated in.
fn more_likely(text: &DoseText) -> f64 {
    text.surprise_positive.min(text.surprise_negative)
}

fn perplexity(nats: impl Iterator<Item = f64>) -> f64 {
    mean(&nats.collect::<Vec<f64>>()).exp()
}
