//! The sweep of the example run: two layers, two sizes of coefficients.

use interventions::Kind;
use results::{
    DirectionSummary, Dose, DoseCandidate, DoseDirection, DoseEffect, DoseFigures, DoseSummary, DoseText,
    Estimate, HeldOut, Layout, Metadata, Table, write_dose_summary,
};
use terms::FinishReason;

use crate::example_run::HOSTILE;

pub const LAYERS: [usize; 2] = [2, 4];
pub const SIZES: [f64; 2] = [0.5, 1.5];
const CONDITIONS: [&str; 2] = ["normal", "swapped"];

pub fn write_sweep(layout: &Layout, metadata: &Metadata, summary: &DoseSummary) {
    let doses = doses();
    let rows: Vec<DoseEffect> = doses
        .iter()
        .flat_map(|dose| CONDITIONS.map(|condition| effect(dose, condition)))
        .collect();
    let texts: Vec<DoseText> = doses
        .iter()
        .flat_map(|dose| CONDITIONS.map(|condition| text(dose, condition)))
        .collect();
    DoseEffect::write(&layout.table::<DoseEffect>(), metadata, &rows).unwrap();
    DoseText::write(&layout.table::<DoseText>(), metadata, &texts).unwrap();
    write_dose_summary(&layout.dose_summary(), summary).unwrap();
}

/// What the stage writes where the pipeline leaves the sweep out.
pub fn leave_out(layout: &Layout, metadata: &Metadata) {
    DoseEffect::write(&layout.table::<DoseEffect>(), metadata, &[]).unwrap();
    DoseText::write(&layout.table::<DoseText>(), metadata, &[]).unwrap();
    let summary = DoseSummary {
        chosen: None,
        candidates: Vec::new(),
        directions: Vec::new(),
        findings: vec!["The sweep was left out.".to_owned()],
        ..summary(None)
    };
    write_dose_summary(&layout.dose_summary(), &summary).unwrap();
}

/// Four candidates, of which the third, at layer 4, may be chosen; the others have reasons where
/// none is.
pub fn summary(chosen: Option<usize>) -> DoseSummary {
    let candidates = LAYERS
        .into_iter()
        .flat_map(|layer| SIZES.map(|size| (layer, size)));
    let candidate = |(index, (layer, coefficient)): (usize, (usize, f64))| DoseCandidate {
        direction: "contrast".to_owned(),
        layer,
        coefficient,
        relative_coefficient: coefficient / 4.0,
        effect: 0.1 + 0.2 * index as f64,
        effect_low: 0.05,
        effect_high: 0.9,
        projection: Some(estimate(0.75)),
        control_high: 0.01,
        crossed: 0.5,
        wrong_way: 0.0,
        perplexity_ratio: 1.25 + index as f64,
        kl: 0.1,
        reasons: if chosen == Some(index) {
            Vec::new()
        } else {
            vec![format!("reason <{index}>")]
        },
    };
    DoseSummary {
        perplexity_budget: 1.5,
        unsteered_perplexity: 1.7,
        unsteered_log_odds: [0.5, -0.5],
        prompts: 1,
        neutral_prompts: 8,
        chosen,
        candidates: candidates.enumerate().map(candidate).collect(),
        directions: vec![DirectionSummary {
            direction: "contrast".to_owned(),
            chosen,
            front: vec![0, 1, 2, 3],
            held_out: Some(HeldOut {
                is_refitted: true,
                effect: estimate(0.375),
                projection: Some(estimate(0.625)),
                crossed: 0.5,
                wrong_way: 0.0,
                perplexity_ratio: 1.375,
                chosen: vec![chosen, chosen, None],
            }),
        }],
        findings: vec!["A sentence on the choice.".to_owned()],
    }
}

fn estimate(value: f64) -> Estimate {
    Estimate {
        value,
        low: value - 0.25,
        high: value + 0.25,
    }
}

fn doses() -> Vec<Dose> {
    let unsteered = Dose::unsteered();
    let mut doses = vec![unsteered.clone()];
    for layer in LAYERS {
        let dose = |operation, direction, coefficient: Option<f64>| Dose {
            layer: Some(layer),
            operation,
            direction,
            coefficient,
            relative_coefficient: coefficient.map(|size| size / 4.0),
            ..unsteered.clone()
        };
        for size in SIZES {
            for (direction, amount) in [
                (DoseDirection::CONTRAST, -size),
                (DoseDirection::CONTRAST, size),
                (DoseDirection::Random, size),
                (DoseDirection::Shuffled, size),
            ] {
                doses.push(dose(Some(Kind::Addition), direction, Some(amount)));
            }
        }
        for direction in [
            DoseDirection::CONTRAST,
            DoseDirection::Random,
            DoseDirection::Shuffled,
        ] {
            doses.push(dose(Some(Kind::Ablation), direction, None));
        }
    }
    doses
}

/// Unsteered texts have the log-odds 0.5 and -0.5; every unit of the contrast adds 1 at layer 4 and
/// nothing at layer 2.
pub fn log_odds(dose: &Dose, condition: &str) -> f64 {
    let own = if condition == "normal" { 0.5 } else { -0.5 };
    let is_contrast = dose.direction == DoseDirection::CONTRAST && dose.layer == Some(4);
    own + dose.coefficient.filter(|_| is_contrast).unwrap_or_default()
}

fn effect(dose: &Dose, condition: &str) -> DoseEffect {
    let log_odds = log_odds(dose, condition);
    DoseEffect {
        dose: dose.clone(),
        condition: condition.to_owned(),
        texts: 1,
        figures: DoseFigures {
            log_odds,
            log_odds_low: log_odds - 0.25,
            log_odds_high: log_odds + 0.125,
            effect: 0.77,
            perplexity_ratio: 1.5,
            ..DoseFigures::default()
        },
    }
}

fn text(dose: &Dose, condition: &str) -> DoseText {
    DoseText {
        dose: dose.clone(),
        condition: condition.to_owned(),
        prompt_id: "hostile".to_owned(),
        prompt: HOSTILE.to_owned(),
        text: format!("{} at {:?}<end_of_turn>", dose.direction.name(), dose.layer),
        n_tokens: 5,
        token_ids: vec![2, 3, 4, 5, 6],
        finish_reason: FinishReason::Stop,
        log_odds: log_odds(dose, condition),
        surprise_positive: 1.0,
        surprise_negative: 1.0 + log_odds(dose, condition),
        projection_positive: 1.0,
        projection_negative: -1.0,
        distinct_2: 1.0,
    }
}
