//! Which dose to use: the largest effect among those that stay within the budget and do something
//! that no control does.

use interventions::Kind;
use pipeline::{Contrast, DoseTable};
use results::{DoseCandidate, DoseEffect, DoseSummary, DoseText};
use terms::DoseDirection;

use crate::effects::{Baseline, crossed, interval, mean, share};
use crate::plan::Planned;
use crate::sweep::Sweep;

/// Takes both conditions together: the contrast is subtracted in the positive one and added in the
/// negative one, each time toward the other speaker.
pub fn choose(
    table: &DoseTable,
    contrast: &Contrast,
    doses: &[Planned],
    sweep: &Sweep,
    effects: &[DoseEffect],
    baseline: &Baseline,
    neutral_prompts: usize,
) -> DoseSummary {
    let view = View {
        doses,
        sweep,
        effects,
        baseline,
        seed: table.seed,
    };
    let sizes = doses.iter().enumerate().filter(|(_, planned)| {
        is_contrast(planned)
            && planned
                .dose
                .coefficient
                .is_some_and(|coefficient| coefficient > 0.0)
    });
    let candidates: Vec<DoseCandidate> = sizes
        .map(|(added, _)| view.candidate(added, table.perplexity_budget))
        .collect();
    let unsteered = sweep.texts.first().and_then(|sides| sides.first());
    let mut summary = DoseSummary {
        perplexity_budget: table.perplexity_budget,
        unsteered_perplexity: baseline.perplexity,
        unsteered_log_odds: baseline.mean_log_odds(),
        prompts: unsteered.map_or(0, Vec::len),
        neutral_prompts,
        chosen: best(&candidates),
        candidates,
        findings: Vec::new(),
    };
    summary.findings = findings(&summary, [&contrast.positive, &contrast.negative]);
    summary
}

/// Among those with no reason against them, the one with the largest effect; among equals, the
/// smallest coefficient.
fn best(candidates: &[DoseCandidate]) -> Option<usize> {
    let passing = candidates
        .iter()
        .enumerate()
        .filter(|(_, candidate)| candidate.reasons.is_empty());
    let best = passing.max_by(|(_, a), (_, b)| {
        a.effect
            .total_cmp(&b.effect)
            .then(b.coefficient.total_cmp(&a.coefficient))
    });
    best.map(|(index, _)| index)
}

fn is_contrast(planned: &Planned) -> bool {
    planned.dose.operation == Some(Kind::Addition) && planned.dose.direction == DoseDirection::Contrast
}

struct View<'a> {
    doses: &'a [Planned],
    sweep: &'a Sweep,
    effects: &'a [DoseEffect],
    baseline: &'a Baseline,
    seed: u64,
}

impl View<'_> {
    /// `added` is the dose with the positive coefficient; the one with the negative coefficient
    /// belongs to it.
    fn candidate(&self, added: usize, budget: f64) -> DoseCandidate {
        let dose = &self.doses[added].dose;
        let coefficient = dose.coefficient.unwrap_or_default();
        let subtracted = self.doses.iter().position(|planned| {
            is_contrast(planned)
                && planned.dose.layer == dose.layer
                && planned.dose.coefficient == Some(-coefficient)
        });
        let by_side = [subtracted.unwrap_or(added), added];
        let moved = self.moved(by_side);
        let effect = interval(&moved, self.seed);
        let both = [0, 1].map(|side| self.texts(by_side[side], side));
        let of_both = |of: &dyn Fn(&DoseEffect) -> f64| {
            [0, 1]
                .map(|side| of(self.effect(by_side[side], side)))
                .into_iter()
                .fold(f64::MIN, f64::max)
        };
        let mut candidate = DoseCandidate {
            layer: dose.layer.unwrap_or_default(),
            coefficient,
            relative_coefficient: dose.relative_coefficient.unwrap_or_default(),
            effect: mean(&moved),
            effect_low: effect.low,
            effect_high: effect.high,
            control_high: self.control_high(added),
            crossed: mean(&[0, 1].map(|side| crossed(side, both[side]))),
            wrong_way: share(moved.iter().map(|moved| *moved < 0.0)),
            perplexity_ratio: of_both(&|row| row.figures.perplexity_ratio),
            kl: of_both(&|row| row.figures.kl),
            reasons: Vec::new(),
        };
        candidate.reasons = reasons(&candidate, budget);
        candidate
    }

    /// The mean movement of each prompt over both sides.
    fn moved(&self, by_side: [usize; 2]) -> Vec<f64> {
        let [first, second] = [0, 1].map(|side| self.baseline.moved(side, self.texts(by_side[side], side)));
        first.iter().zip(&second).map(|(a, b)| (a + b) / 2.0).collect()
    }

    /// The largest upper end of the intervals of the controls that are applied in the same amount
    /// at the same layer.
    fn control_high(&self, added: usize) -> f64 {
        let dose = &self.doses[added].dose;
        let controls = self.doses.iter().enumerate().filter(|(_, planned)| {
            planned.dose.operation == Some(Kind::Addition)
                && planned.dose.direction != DoseDirection::Contrast
                && planned.dose.layer == dose.layer
                && planned.dose.coefficient == dose.coefficient
        });
        let highs = controls.map(|(control, _)| interval(&self.moved([control, control]), self.seed).high);
        highs.fold(f64::NEG_INFINITY, f64::max)
    }

    fn texts(&self, dose: usize, side: usize) -> &[DoseText] {
        &self.sweep.texts[dose][side]
    }

    /// Rows are in the order of doses and sides.
    fn effect(&self, dose: usize, side: usize) -> &DoseEffect {
        let before: usize = self.doses[..dose].iter().map(|planned| planned.sides.len()).sum();
        &self.effects[before + side]
    }
}

fn reasons(candidate: &DoseCandidate, budget: f64) -> Vec<String> {
    let DoseCandidate {
        effect_low,
        effect_high,
        control_high,
        perplexity_ratio,
        ..
    } = candidate;
    let mut reasons = Vec::new();
    if *perplexity_ratio > budget {
        reasons.push(format!(
            "damage: its texts are {perplexity_ratio:.2} times as perplexing as the model's own, the budget is {budget}"
        ));
    }
    if *effect_low <= 0.0 {
        reasons.push(format!(
            "no effect that differs from zero: the interval is {effect_low:.3} to {effect_high:.3}"
        ));
    } else if effect_low <= control_high {
        reasons.push(format!(
            "not the direction's own effect: its interval begins at {effect_low:.3}, that of a control reaches {control_high:.3}"
        ));
    }
    reasons
}

fn findings(summary: &DoseSummary, [positive, negative]: [&str; 2]) -> Vec<String> {
    let mut findings = Vec::new();
    match summary.chosen.map(|index| &summary.candidates[index]) {
        Some(chosen) => {
            findings.push(format!(
                "The dose is {:.2} times the contrast at layer {} ({:.2} of the mean residual norm): it moves texts by {:.2} nats per \
                 token toward the other speaker (95 % interval {:.2} to {:.2}; no control's interval reaches above {:.2}).",
                chosen.coefficient,
                chosen.layer,
                chosen.relative_coefficient,
                chosen.effect,
                chosen.effect_low,
                chosen.effect_high,
                chosen.control_high,
            ));
            findings.push(format!(
                "At this dose {:.0} % of the texts sound like the other speaker, {:.0} % of the prompts move the wrong way, and the texts \
                 are {:.2} times as perplexing as the model's own (budget {}).",
                chosen.crossed * 100.0,
                chosen.wrong_way * 100.0,
                chosen.perplexity_ratio,
                summary.perplexity_budget,
            ));
        }
        None if summary.candidates.is_empty() => {
            findings.push("No dose was tried: there was no layer with a contrast.".to_owned());
        }
        None => findings.push(format!(
            "None of the {} doses passes: each one either damages the texts more than the budget of {} allows, or does nothing that \
             the controls don't do as well. The list of doses says why for each.",
            summary.candidates.len(),
            summary.perplexity_budget,
        )),
    }
    let [in_positive, in_negative] = summary.unsteered_log_odds;
    if in_positive <= 0.0 || in_negative >= 0.0 {
        findings.push(format!(
            "Warning: the unsteered texts themselves don't sound like their speakers (mean log-odds {in_positive:.2} in \"{positive}\", \
             {in_negative:.2} in \"{negative}\"; above 0 is \"{positive}\"), so the effects here mean little."
        ));
    }
    findings
}
