//! Sweeps made by hand, without a model: texts are given by how far they moved.
#![allow(clippy::unwrap_used, reason = "a test that can't go on must fail")]

mod choice;
mod directions;
mod effects;
mod plan;
mod scoring;

use interventions::Kind;
use results::{Dose, DoseDirection, DoseText};
use terms::FinishReason;

use crate::Planned;

/// The log-odds of unsteered texts: each sounds like the speaker of its side.
const UNSTEERED: [f64; 2] = [1.0, -1.0];
/// Nats per token of undamaged texts, in the format where they are more likely.
const NATS: f64 = 0.5;

/// A text with these log-odds that costs this many nats per token in the more likely format.
fn text(dose: &Dose, log_odds: f64, nats: f64) -> DoseText {
    DoseText {
        dose: dose.clone(),
        condition: "normal".to_owned(),
        prompt_id: "who".to_owned(),
        prompt: "Who are you?".to_owned(),
        text: "I am.".to_owned(),
        n_tokens: 3,
        token_ids: vec![5, 6, 7],
        finish_reason: FinishReason::Stop,
        log_odds,
        surprise_positive: nats + (-log_odds).max(0.0),
        surprise_negative: nats + log_odds.max(0.0),
        projection_positive: 2.0 * log_odds + 1.0,
        projection_negative: 2.0 * log_odds - 1.0,
        distinct_2: 1.0,
    }
}

/// The texts of one side, of one prompt each, that moved this far toward the other side's speaker.
fn moved(dose: &Dose, side: usize, moved: &[f64], nats: f64) -> Vec<DoseText> {
    let toward = if side == 0 { -1.0 } else { 1.0 };
    let log_odds = moved.iter().map(|moved| UNSTEERED[side] + toward * moved);
    log_odds.map(|log_odds| text(dose, log_odds, nats)).collect()
}

/// An addition, on both sides.
fn added(layer: usize, direction: DoseDirection, coefficient: f64) -> Planned {
    let dose = Dose {
        layer: Some(layer),
        operation: Some(Kind::Addition),
        direction,
        coefficient: Some(coefficient),
        relative_coefficient: Some(coefficient / 4.0),
        ..Dose::unsteered()
    };
    Planned {
        dose,
        size: Some(coefficient),
        interventions: Vec::new(),
        sides: vec![0, 1],
    }
}
