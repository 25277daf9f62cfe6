//! From scored texts to what a dose does.

use rayon::prelude::*;
use results::{DoseEffect, DoseFigures, DoseText};
use statistics::{BOOTSTRAP_DRAWS, Interval, bootstrap_mean};
use terms::FinishReason;

use crate::plan::Planned;
use crate::sweep::Sweep;

/// What the unsteered model does: the baseline for all doses.
#[derive(Clone, Debug)]
pub struct Baseline {
    /// `[side][prompt]`, nats per token.
    log_odds: [Vec<f64>; 2],
    /// For the texts of both sides, in the format in which each is more likely: `exp(mean nats per
    /// token)`.
    pub perplexity: f64,
}

impl Baseline {
    /// From the texts of the unsteered dose, `[side][prompt]`.
    pub fn of(texts: &[Vec<DoseText>]) -> Self {
        let log_odds = |side: usize| texts[side].iter().map(|text| text.log_odds).collect();
        Baseline {
            log_odds: [log_odds(0), log_odds(1)],
            perplexity: perplexity(texts.iter().flatten().map(more_likely)),
        }
    }

    pub fn mean_log_odds(&self) -> [f64; 2] {
        [0, 1].map(|side| mean(&self.log_odds[side]))
    }

    /// How far each prompt's log-odds moved toward the other side's speaker, nats per token.
    pub fn moved(&self, side: usize, texts: &[DoseText]) -> Vec<f64> {
        let toward = if side == 0 { -1.0 } else { 1.0 };
        let texts = texts.iter().zip(&self.log_odds[side]);
        texts
            .map(|(text, unsteered)| toward * (text.log_odds - unsteered))
            .collect()
    }
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
pub fn crossed(side: usize, texts: &[DoseText]) -> f64 {
    share(texts.iter().map(|text| (side == 0) == (text.log_odds < 0.0)))
}

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
