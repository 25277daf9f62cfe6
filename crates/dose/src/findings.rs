//! What a sweep found, in sentences.

use pipeline::VectorKind;
use results::{DirectionSummary, DoseCandidate, DoseSummary};

/// The choice, what it is worth on other prompts and by the second measure, and the other directions. `conditions` are
/// the names of the positive and the negative one.
pub fn findings(summary: &DoseSummary, conditions: [&str; 2]) -> Vec<String> {
    let mut findings = choice(summary);
    let (contrast, others) = match summary.directions.split_first() {
        Some((contrast, others)) => (Some(contrast), others),
        None => (None, [].as_slice()),
    };
    findings.extend(contrast.and_then(|contrast| held_out(summary, contrast)));
    findings.extend(second_measure(summary));
    findings.extend(others.iter().map(|other| other_direction(summary, other)));
    findings.extend(unsteered(summary, conditions));
    findings
}

fn choice(summary: &DoseSummary) -> Vec<String> {
    let candidates = contrasts(summary);
    match summary.chosen.map(|index| &summary.candidates[index]) {
        Some(chosen) => vec![
            format!(
                "The dose is {:.2} times the contrast at layer {} ({:.2} of the mean residual norm): it moves texts by {:.2} nats per \
                 token toward the other speaker (95 % interval {:.2} to {:.2}; no control's interval reaches above {:.2}).",
                chosen.coefficient,
                chosen.layer,
                chosen.relative_coefficient,
                chosen.effect,
                chosen.effect_low,
                chosen.effect_high,
                chosen.control_high,
            ),
            format!(
                "At this dose {:.0} % of the texts sound like the other speaker, {:.0} % of the prompts move the wrong way, and the texts \
                 are {:.2} times as perplexing as the model's own (budget {}).",
                chosen.crossed * 100.0,
                chosen.wrong_way * 100.0,
                chosen.perplexity_ratio,
                summary.perplexity_budget,
            ),
        ],
        None if candidates.is_empty() => {
            vec!["No dose was tried: there was no layer with a contrast.".to_owned()]
        }
        None => vec![format!(
            "None of the {} doses passes: each one either damages the texts more than the budget of {} allows, or does nothing that \
             the controls don't do as well. The list of doses says why for each.",
            candidates.len(),
            summary.perplexity_budget,
        )],
    }
}

/// The doses of the contrast.
fn contrasts(summary: &DoseSummary) -> Vec<&DoseCandidate> {
    let contrast = VectorKind::Contrast.name();
    let candidates = summary.candidates.iter();
    candidates
        .filter(|candidate| candidate.direction == contrast)
        .collect()
}

/// None where neither all prompts nor any part of them chose a dose.
fn held_out(summary: &DoseSummary, direction: &DirectionSummary) -> Option<String> {
    let in_sample = direction.chosen.map(|index| &summary.candidates[index]);
    let Some(held_out) = &direction.held_out else {
        return in_sample.map(|_| {
            "This effect is in sample: with a single text as prompt, none could be set aside.".to_owned()
        });
    };
    let folds = held_out.chosen.len();
    let without = held_out.chosen.iter().filter(|chosen| chosen.is_none()).count();
    if in_sample.is_none() && without == folds {
        return None;
    }
    let made = match held_out.is_refitted {
        true => "chosen on other prompts, with a vector made without theirs",
        false => "chosen on other prompts (the vector is the same)",
    };
    let mut sentence = format!(
        "Held out ({folds} folds, the dose {made}), texts move by {:.2} nats per token (95 % interval {:.2} to {:.2}), {:.0} % sound like \
         the other speaker, and they are {:.2} times as perplexing as the model's own",
        held_out.effect.value,
        held_out.effect.low,
        held_out.effect.high,
        held_out.crossed * 100.0,
        held_out.perplexity_ratio,
    );
    if let Some(in_sample) = in_sample {
        sentence += &format!(
            "; in sample, on the prompts that chose it, they move by {:.2}",
            in_sample.effect
        );
    }
    sentence += ".";
    if held_out.perplexity_ratio > summary.perplexity_budget {
        sentence += &format!(
            " There, they are damaged beyond the budget of {}: a dose that other prompts bear, these don't.",
            summary.perplexity_budget
        );
    }
    if without > 0 {
        sentence += &format!(
            " In {without} of the folds no dose passed on the others; their prompts count as unmoved."
        );
    }
    Some(sentence)
}

/// What the projections say, and where log-odds say otherwise.
fn second_measure(summary: &DoseSummary) -> Vec<String> {
    let candidates = contrasts(summary);
    let Some(first) = candidates.first() else {
        return Vec::new();
    };
    if first.projection.is_none() {
        return vec![
            "The second measure is not defined here: after the last layer, the unsteered texts of the two conditions don't lie on their \
             own sides of the contrast."
                .to_owned(),
        ];
    }
    let mut sentences = Vec::new();
    let chosen = summary.chosen.map(|index| &summary.candidates[index]);
    if let Some(projection) = chosen.and_then(|chosen| chosen.projection) {
        sentences.push(format!(
            "By the second measure, the projection of the texts on the contrast after the last layer, this dose goes {:.2} of the way to \
             the other speaker's texts (95 % interval {:.2} to {:.2}).",
            projection.value, projection.low, projection.high,
        ));
        let passing = candidates.iter().filter(|candidate| candidate.reasons.is_empty());
        let passing = passing.filter_map(|candidate| Some((candidate, candidate.projection?)));
        let furthest = passing.max_by(|(_, a), (_, b)| a.value.total_cmp(&b.value));
        if let Some((other, further)) = furthest.filter(|(_, other)| other.value > projection.value) {
            sentences.push(format!(
                "The two measures order the doses that pass differently: by the second one, {:.2} times the contrast at layer {} goes \
                 further ({:.2} of the way, {:.2} to {:.2}{}).",
                other.coefficient,
                other.layer,
                further.value,
                further.low,
                further.high,
                if further.low <= projection.high { "; the intervals overlap" } else { "" },
            ));
        }
    }
    let opposed: Vec<&&DoseCandidate> = candidates
        .iter()
        .filter(|candidate| is_opposed(candidate))
        .collect();
    if !opposed.is_empty() {
        let some: Vec<String> = opposed
            .iter()
            .take(MOST_NAMED)
            .map(|dose| format!("{:.2} at layer {}", dose.coefficient, dose.layer))
            .collect();
        sentences.push(format!(
            "The two measures have opposite signs at {} of {} doses ({}{}): there, at most one of them measures the role.",
            opposed.len(),
            candidates.len(),
            some.join(", "),
            if opposed.len() > MOST_NAMED { ", …" } else { "" },
        ));
    }
    sentences
}

const MOST_NAMED: usize = 3;

/// Whether one measure's interval is above zero and the other's below.
fn is_opposed(candidate: &DoseCandidate) -> bool {
    candidate.projection.is_some_and(|projection| {
        (candidate.effect_low > 0.0 && projection.high < 0.0)
            || (candidate.effect_high < 0.0 && projection.low > 0.0)
    })
}

fn other_direction(summary: &DoseSummary, other: &DirectionSummary) -> String {
    let name = &other.direction;
    let Some(chosen) = other.chosen.map(|index| &summary.candidates[index]) else {
        return format!("No dose of {name} passes.");
    };
    let held_out = match &other.held_out {
        Some(held_out) => format!(
            "; held out {:.2} ({:.2} to {:.2})",
            held_out.effect.value, held_out.effect.low, held_out.effect.high
        ),
        None => String::new(),
    };
    format!(
        "The largest effect of {name} within the budget is {:.2} nats per token (95 % interval {:.2} to {:.2}; in sample), at layer {} with \
         the coefficient {:.2}{held_out}.",
        chosen.effect, chosen.effect_low, chosen.effect_high, chosen.layer, chosen.coefficient,
    )
}

fn unsteered(summary: &DoseSummary, [positive, negative]: [&str; 2]) -> Option<String> {
    let [in_positive, in_negative] = summary.unsteered_log_odds;
    (in_positive <= 0.0 || in_negative >= 0.0).then(|| {
        format!(
            "Warning: the unsteered texts themselves don't sound like their speakers (mean log-odds {in_positive:.2} in \"{positive}\", \
             {in_negative:.2} in \"{negative}\"; above 0 is \"{positive}\"), so the effects here mean little."
        )
    })
}
