use results::{Dose, DoseDirection};
use terms::FinishReason;

use super::{added, text};
use crate::{Baseline, Planned, Sweep, effects};

#[track_caller]
fn assert_near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
}

/// Two prompts a side: log-odds 1 and 3, and -2 and 0; the texts cost 1, 2, 3 and 2 nats per token.
fn baseline() -> Baseline {
    let of = |pairs: [(f64, f64); 2]| {
        pairs
            .map(|(log_odds, nats)| text(&Dose::unsteered(), log_odds, nats))
            .to_vec()
    };
    Baseline::of(&[of([(1.0, 1.0), (3.0, 2.0)]), of([(-2.0, 3.0), (0.0, 2.0)])])
}

#[test]
fn the_baseline_is_the_mean_of_the_unsteered_texts() {
    let baseline = baseline();
    assert_eq!(baseline.mean_log_odds(), [2.0, -1.0]);
    // In the format where each is more likely: (1 + 2 + 3 + 2) / 4 nats.
    assert_near(baseline.perplexity, 2.0_f64.exp());
}

#[test]
fn movement_is_toward_the_other_sides_speaker() {
    let baseline = baseline();
    let texts = [0.5, 0.5].map(|log_odds| text(&Dose::unsteered(), log_odds, 1.0));
    assert_eq!(baseline.moved(0, &texts), [0.5, 2.5]);
    assert_eq!(baseline.moved(1, &texts), [2.5, 0.5]);
}

/// The figures of one dose: two texts on the positive side, the same two on the negative one.
fn figures_of_two_texts() -> [results::DoseFigures; 2] {
    let planned = added(3, DoseDirection::CONTRAST, 0.5);
    let mut texts = [text(&planned.dose, -1.0, 1.0), text(&planned.dose, 4.0, 2.0)];
    texts[1].finish_reason = FinishReason::Length;
    texts[1].distinct_2 = 0.5;
    let sweep = Sweep {
        texts: vec![vec![texts.to_vec(), texts.to_vec()]],
        divergences: vec![0.25],
    };
    let rows = effects(&[planned], &sweep, &baseline(), 0);
    assert_eq!(rows.iter().map(|row| row.texts).collect::<Vec<_>>(), [2, 2]);
    let [positive, negative] = rows.try_into().unwrap();
    [positive.figures, negative.figures]
}

#[test]
fn figures_of_each_side_are_those_of_its_texts() {
    let [positive, negative] = figures_of_two_texts();
    // Log-odds -1 and 4, unsteered 1 and 3.
    assert_near(positive.log_odds, 1.5);
    assert_near(positive.effect, (2.0 - 1.0) / 2.0);
    assert_eq!((positive.crossed, positive.wrong_way), (0.5, 0.5));
    // Unsteered -2 and 0: they moved by 1 and 4 toward the positive side's speaker.
    assert_near(negative.effect, 2.5);
    assert_eq!((negative.crossed, negative.wrong_way), (0.5, 0.0));
    for figures in [&positive, &negative] {
        assert!(figures.log_odds_low <= 1.5 && 1.5 <= figures.log_odds_high);
        assert!(figures.effect_low <= figures.effect && figures.effect <= figures.effect_high);
        assert_eq!((figures.kl, figures.distinct_2, figures.ended), (0.25, 0.75, 0.5));
    }
}

#[test]
fn perplexity_is_taken_in_the_own_format_and_in_the_more_likely_one() {
    let [positive, negative] = figures_of_two_texts();
    // In the positive format the first text costs 1 + 1 nats, in the negative one the second 2 + 4.
    assert_near(positive.perplexity_own, ((2.0 + 2.0) / 2.0_f64).exp());
    assert_near(negative.perplexity_own, ((1.0 + 6.0) / 2.0_f64).exp());
    for figures in [positive, negative] {
        assert_near(figures.perplexity, 1.5_f64.exp());
        assert_near(figures.perplexity_ratio, (1.5_f64 - 2.0).exp());
    }
}

#[test]
fn log_odds_of_zero_sound_like_the_positive_conditions_speaker() {
    let between = text(&Dose::unsteered(), 0.0, 1.0);
    let sweep = Sweep {
        texts: vec![vec![vec![between.clone(); 2], vec![between; 2]]],
        divergences: vec![0.0],
    };
    let rows = effects(&[Planned::unsteered()], &sweep, &baseline(), 0);
    assert_eq!(
        rows.iter().map(|row| row.figures.crossed).collect::<Vec<_>>(),
        [0.0, 1.0]
    );
}

#[test]
fn a_dose_of_one_side_has_one_row() {
    let capped = Planned {
        sides: vec![1],
        ..added(3, DoseDirection::CONTRAST, -1.0)
    };
    let texts = vec![text(&capped.dose, 1.0, 1.0), text(&capped.dose, 1.0, 1.0)];
    let sweep = Sweep {
        texts: vec![vec![texts]],
        divergences: vec![0.0],
    };
    let rows = effects(&[capped], &sweep, &baseline(), 0);
    assert_eq!(rows.len(), 1);
    // From -2 and 0 to 1: measured against the negative side's texts.
    assert_near(rows[0].figures.effect, 2.0);
}
