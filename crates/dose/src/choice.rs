//! Which dose to use: the largest effect among those that stay within the budget and do something
//! that no control does.

use interventions::Kind;
use rayon::prelude::*;
use results::{DirectionSummary, DoseCandidate, DoseDirection, DoseSummary, DoseText};

use crate::effects::{Baseline, crossed, estimate, interval, mean, perplexity_ratio, share};
use crate::plan::Planned;
use crate::sweep::Sweep;

/// A sweep, or what some of its prompts say of it.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub doses: &'a [Planned],
    pub sweep: &'a Sweep,
    /// The prompts that count, by their numbers.
    pub prompts: &'a [usize],
    /// Of these prompts.
    pub baseline: &'a Baseline,
    pub perplexity_budget: f64,
    pub seed: u64,
}

impl View<'_> {
    /// All doses that can be chosen, the contrast's first. Each takes both conditions together: the direction is
    /// subtracted in the positive one and added in the negative one, each time toward the other speaker.
    pub fn candidates(&self) -> Vec<DoseCandidate> {
        let added = self.added();
        added.into_par_iter().map(|added| self.candidate(added)).collect()
    }

    /// The doses of the candidates: where each is added.
    pub fn added(&self) -> Vec<usize> {
        let is_candidate = |dose: &usize| {
            let planned = &self.doses[*dose];
            is_vector(planned) && planned.size.is_some_and(|size| size > 0.0)
        };
        let mut added: Vec<usize> = (0..self.doses.len()).filter(is_candidate).collect();
        let directions = directions(self.doses);
        let place = |dose: &usize| {
            directions
                .iter()
                .position(|own| *own == self.doses[*dose].dose.direction)
        };
        added.sort_by_key(place);
        added
    }

    fn candidate(&self, added: usize) -> DoseCandidate {
        let Planned { dose, size, .. } = &self.doses[added];
        let subtracted = self.doses.iter().position(|planned| {
            is_vector(planned)
                && planned.dose.direction == dose.direction
                && planned.dose.layer == dose.layer
                && planned.size == size.map(|size| -size)
        });
        let by_side = [subtracted.unwrap_or(added), added];
        let moved = self.moved(by_side);
        let effect = interval(&moved, self.seed);
        let both = [0, 1].map(|side| self.texts(by_side[side], side));
        let followed = [0, 1].map(|side| self.baseline.followed(side, both[side].iter().copied()));
        let of_both = |of: &dyn Fn(usize) -> f64| [0, 1].map(of).into_iter().fold(f64::MIN, f64::max);
        let mut candidate = DoseCandidate {
            direction: dose.direction.name(),
            layer: dose.layer.unwrap_or_default(),
            coefficient: dose.coefficient.unwrap_or_default(),
            relative_coefficient: dose.relative_coefficient.unwrap_or_default(),
            effect: mean(&moved),
            effect_low: effect.low,
            effect_high: effect.high,
            projection: of_prompts(followed).map(|followed| estimate(&followed, self.seed)),
            control_high: self.control_high(added),
            crossed: mean(&[0, 1].map(|side| crossed(side, both[side].iter().copied()))),
            wrong_way: share(moved.iter().map(|moved| *moved < 0.0)),
            perplexity_ratio: of_both(&|side| perplexity_ratio(self.baseline, both[side].iter().copied())),
            kl: of_both(&|side| self.sweep.divergences[by_side[side]]),
            reasons: Vec::new(),
        };
        candidate.reasons = reasons(&candidate, self.perplexity_budget);
        candidate
    }

    /// The mean movement of each prompt over both sides.
    fn moved(&self, by_side: [usize; 2]) -> Vec<f64> {
        let moved = |side: usize| self.baseline.moved(side, self.texts(by_side[side], side));
        mean_of_sides([moved(0), moved(1)])
    }

    /// The largest upper end of the intervals of the controls that are applied in the same amount
    /// at the same layer.
    fn control_high(&self, added: usize) -> f64 {
        let Planned { dose, size, .. } = &self.doses[added];
        let controls = self.doses.iter().enumerate().filter(|(_, planned)| {
            planned.dose.operation == Some(Kind::Addition)
                && planned.dose.direction.is_control()
                && planned.dose.layer == dose.layer
                && planned.size == *size
        });
        let highs = controls.map(|(control, _)| interval(&self.moved([control, control]), self.seed).high);
        highs.fold(f64::NEG_INFINITY, f64::max)
    }

    fn texts(&self, dose: usize, side: usize) -> Vec<&DoseText> {
        let texts = &self.sweep.texts[dose][side];
        self.prompts.iter().map(|prompt| &texts[*prompt]).collect()
    }
}

/// For each prompt the mean of what both sides say.
pub fn mean_of_sides([first, second]: [Vec<f64>; 2]) -> Vec<f64> {
    first.iter().zip(&second).map(|(a, b)| (a + b) / 2.0).collect()
}

/// The same of figures that may not be defined.
pub fn of_prompts([first, second]: [Option<Vec<f64>>; 2]) -> Option<Vec<f64>> {
    Some(mean_of_sides([first?, second?]))
}

fn is_vector(planned: &Planned) -> bool {
    planned.dose.operation == Some(Kind::Addition) && !planned.dose.direction.is_control()
}

/// The vectors that a sweep adds, in the order in which they come first.
pub fn directions(doses: &[Planned]) -> Vec<DoseDirection> {
    let mut directions: Vec<DoseDirection> = Vec::new();
    for planned in doses.iter().filter(|planned| is_vector(planned)) {
        if !directions.contains(&planned.dose.direction) {
            directions.push(planned.dose.direction.clone());
        }
    }
    directions
}

/// Among the doses of a direction with no reason against them, the one with the largest effect; among equals, the
/// smallest coefficient.
pub fn best(candidates: &[DoseCandidate], direction: &str) -> Option<usize> {
    let passing = of_direction(candidates, direction).filter(|(_, candidate)| candidate.reasons.is_empty());
    let best = passing.max_by(|(_, a), (_, b)| {
        a.effect
            .total_cmp(&b.effect)
            .then(b.coefficient.abs().total_cmp(&a.coefficient.abs()))
    });
    best.map(|(index, _)| index)
}

/// The doses of a direction that no other of it beats in both effect and damage (the Pareto front), by damage.
pub fn front(candidates: &[DoseCandidate], direction: &str) -> Vec<usize> {
    let mut own: Vec<(usize, &DoseCandidate)> = of_direction(candidates, direction).collect();
    own.sort_by(|(_, a), (_, b)| {
        let by_damage = a.perplexity_ratio.total_cmp(&b.perplexity_ratio);
        by_damage.then(b.effect.total_cmp(&a.effect))
    });
    let mut front: Vec<usize> = Vec::new();
    let mut largest = f64::NEG_INFINITY;
    for (index, candidate) in own {
        if candidate.effect > largest {
            largest = candidate.effect;
            front.push(index);
        }
    }
    front
}

fn of_direction<'a>(
    candidates: &'a [DoseCandidate],
    direction: &'a str,
) -> impl Iterator<Item = (usize, &'a DoseCandidate)> {
    let own = candidates.iter().enumerate();
    own.filter(move |(_, candidate)| candidate.direction == direction)
}

/// The candidates, and the choice among them for each direction, before anything is held out. The findings are left
/// empty.
pub fn choose(view: &View<'_>, neutral_prompts: usize) -> DoseSummary {
    let candidates = view.candidates();
    let summary = |direction: DoseDirection| {
        let direction = direction.name();
        DirectionSummary {
            chosen: best(&candidates, &direction),
            front: front(&candidates, &direction),
            held_out: None,
            direction,
        }
    };
    DoseSummary {
        perplexity_budget: view.perplexity_budget,
        unsteered_perplexity: view.baseline.perplexity,
        unsteered_log_odds: view.baseline.mean_log_odds(),
        prompts: view.prompts.len(),
        neutral_prompts,
        chosen: best(&candidates, &DoseDirection::CONTRAST.name()),
        directions: directions(view.doses).into_iter().map(summary).collect(),
        candidates,
        findings: Vec::new(),
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
