use results::{DoseCandidate, DoseDirection, DoseSummary};

use super::{NATS, UNSTEERED, added, moved, text};
use crate::choice::{best, front};
use crate::findings::findings;
use crate::{Baseline, Planned, Sweep, View, choose};

const BUDGET: f64 = 1.5;

/// One size of the contrast at a layer, and a control of the same size.
#[derive(Clone, Copy)]
struct Tried {
    layer: usize,
    size: f64,
    /// How far each prompt moved toward the other speaker: in the positive condition, where the
    /// contrast is subtracted, and in the negative one, where it is added.
    moved: [[f64; 4]; 2],
    control: [f64; 4],
    /// The perplexity over that of unsteered texts, by side.
    damage: [f64; 2],
}

/// Moves every text by 0.5, its control by 0.125, and damages nothing: it passes.
const PASSES: Tried = Tried {
    layer: 3,
    size: 1.0,
    moved: [[0.5; 4]; 2],
    control: [0.125; 4],
    damage: [1.0; 2],
};

fn moving(amount: f64) -> [[f64; 4]; 2] {
    [[amount; 4]; 2]
}

/// Doses and texts as in the stage, the unsteered ones first. Where the contrast has the sign
/// that the choice must not look at, it moves texts far the wrong way.
fn sweep(tried: &[Tried]) -> (Vec<Planned>, Sweep) {
    let mut doses = vec![Planned::unsteered()];
    let unsteered = [0, 1].map(|side| moved(&doses[0].dose, side, &[0.0; 4], NATS));
    let mut texts = vec![unsteered.to_vec()];
    for tried in tried {
        let nats = |side: usize| NATS + tried.damage[side].ln();
        let mut push = |direction, sign: f64, of_side: [[f64; 4]; 2]| {
            let planned = added(tried.layer, direction, sign * tried.size);
            let of = |side: usize| moved(&planned.dose, side, &of_side[side], nats(side));
            texts.push(vec![of(0), of(1)]);
            doses.push(planned);
        };
        push(DoseDirection::CONTRAST, -1.0, [tried.moved[0], [-9.0; 4]]);
        push(DoseDirection::CONTRAST, 1.0, [[-9.0; 4], tried.moved[1]]);
        push(DoseDirection::Random, 1.0, [tried.control; 2]);
    }
    let divergences = vec![0.0; doses.len()];
    (doses, Sweep { texts, divergences })
}

fn chosen_from(doses: &[Planned], sweep: &Sweep) -> DoseSummary {
    let baseline = Baseline::of(&sweep.texts[0]);
    let prompts: Vec<usize> = (0..sweep.texts[0][0].len()).collect();
    let view = View {
        doses,
        sweep,
        prompts: &prompts,
        baseline: &baseline,
        perplexity_budget: BUDGET,
        seed: 0,
    };
    let mut summary = choose(&view, 8);
    summary.findings = findings(&summary, ["normal", "swapped"]);
    summary
}

fn summary(tried: &[Tried]) -> DoseSummary {
    let (doses, sweep) = sweep(tried);
    chosen_from(&doses, &sweep)
}

/// The reasons against a single candidate are those that begin like this, and it is chosen if there
/// are none.
#[track_caller]
fn check_reasons(tried: Tried, reasons: &[&str]) {
    let summary = summary(&[tried]);
    let found = &summary.candidates[0].reasons;
    let are_those = found.len() == reasons.len()
        && found
            .iter()
            .zip(reasons)
            .all(|(found, reason)| found.starts_with(reason));
    assert!(are_those, "{found:#?}");
    assert_eq!(summary.chosen.is_some(), reasons.is_empty());
}

#[test]
fn an_effect_of_its_own_within_the_budget_passes() {
    check_reasons(PASSES, &[]);
    let summary = summary(&[PASSES]);
    let candidate = &summary.candidates[0];
    assert_eq!((candidate.layer, candidate.coefficient), (3, 1.0));
    assert_eq!(
        (candidate.effect, candidate.effect_low, candidate.effect_high),
        (0.5, 0.5, 0.5)
    );
    assert_eq!((candidate.control_high, candidate.wrong_way), (0.125, 0.0));
    assert_eq!((summary.prompts, summary.neutral_prompts), (4, 8));
    assert!(summary.findings[0].starts_with("The dose is 1.00 times the contrast at layer 3"));
}

#[test]
fn damage_beyond_the_budget_is_a_reason() {
    let damaging = |damage| Tried { damage, ..PASSES };
    check_reasons(damaging([1.49; 2]), &[]);
    check_reasons(
        damaging([1.6; 2]),
        &["damage: its texts are 1.60 times as perplexing as the model's own, the budget is 1.5"],
    );
}

#[test]
fn the_worse_of_both_sides_is_held_against_the_budget() {
    for damage in [[1.0, 1.6], [1.6, 1.0]] {
        check_reasons(Tried { damage, ..PASSES }, &["damage: its texts are 1.60"]);
    }
}

#[test]
fn no_movement_is_no_effect() {
    check_reasons(
        Tried {
            moved: moving(0.0),
            ..PASSES
        },
        &["no effect that differs from zero: the interval is 0.000 to 0.000"],
    );
}

#[test]
fn an_interval_that_reaches_zero_is_no_effect_though_its_mean_is_above() {
    let tried = Tried {
        moved: [[4.0, -2.0, 4.0, -2.0]; 2],
        ..PASSES
    };
    check_reasons(tried, &["no effect that differs from zero: the interval is -"]);
    let candidate = &summary(&[tried]).candidates[0];
    assert_eq!((candidate.effect, candidate.wrong_way), (1.0, 0.5));
}

#[test]
fn movement_toward_the_own_speaker_is_no_effect() {
    check_reasons(
        Tried {
            moved: moving(-0.5),
            control: [-0.75; 4],
            ..PASSES
        },
        &["no effect that differs from zero: the interval is -0.500 to -0.500"],
    );
}

#[test]
fn what_a_control_does_as_well_is_not_the_directions_own_effect() {
    let with_control = |control| Tried {
        control: [control; 4],
        ..PASSES
    };
    check_reasons(
        with_control(0.75),
        &["not the direction's own effect: its interval begins at 0.500, that of a control reaches 0.750"],
    );
    // Equal is not greater.
    check_reasons(with_control(0.5), &["not the direction's own effect"]);
    check_reasons(with_control(0.4375), &[]);
}

#[test]
fn a_control_counts_by_the_upper_end_of_its_interval() {
    // Its mean is 0.25, below the contrast's 0.5; some of its prompts move by 1.
    check_reasons(
        Tried {
            control: [1.0, 0.0, 0.0, 0.0],
            ..PASSES
        },
        &["not the direction's own effect: its interval begins at 0.500"],
    );
}

#[test]
fn controls_of_other_sizes_and_layers_do_not_count() {
    let strong_control = Tried {
        control: [2.0; 4],
        ..PASSES
    };
    let others = [
        Tried {
            size: 2.0,
            ..strong_control
        },
        Tried {
            layer: 4,
            ..strong_control
        },
    ];
    let summary = summary(&[PASSES, others[0], others[1]]);
    assert_eq!(summary.chosen, Some(0));
    assert!(
        summary.candidates[1..]
            .iter()
            .all(|candidate| candidate.control_high == 2.0)
    );
}

#[test]
fn every_reason_is_given() {
    check_reasons(
        Tried {
            moved: moving(0.0625),
            damage: [3.0; 2],
            ..PASSES
        },
        &["damage: ", "not the direction's own effect: "],
    );
    check_reasons(
        Tried {
            moved: moving(-0.25),
            damage: [3.0; 2],
            ..PASSES
        },
        &["damage: ", "no effect "],
    );
}

#[test]
fn the_largest_effect_wins_among_those_that_pass() {
    let (small, large) = (
        Tried {
            moved: moving(0.25),
            size: 0.5,
            ..PASSES
        },
        PASSES,
    );
    let damaging = Tried {
        moved: moving(2.0),
        size: 2.0,
        damage: [1.75; 2],
        ..PASSES
    };
    let summary = summary(&[small, large, damaging]);
    assert_eq!(summary.chosen, Some(1));
    assert_eq!(summary.candidates[2].effect, 2.0);
}

#[test]
fn of_equal_effects_the_smallest_coefficient_wins_wherever_it_is() {
    let of_size = |size| Tried { size, ..PASSES };
    for sizes in [[0.5, 1.0, 2.0], [2.0, 0.5, 1.0], [2.0, 1.0, 0.5]] {
        let summary = summary(&sizes.map(of_size));
        let chosen = &summary.candidates[summary.chosen.unwrap()];
        assert_eq!(chosen.coefficient, 0.5, "{sizes:?}");
    }
}

#[test]
fn both_sides_count_by_half() {
    let tried = Tried {
        moved: [[1.0; 4], [0.0; 4]],
        ..PASSES
    };
    let summary = summary(&[tried]);
    assert_eq!(summary.candidates[0].effect, 0.5);
    assert_eq!(summary.chosen, Some(0));
}

#[test]
fn nothing_is_chosen_where_nothing_passes() {
    let summary = summary(&[
        Tried {
            moved: moving(0.0),
            ..PASSES
        },
        Tried {
            damage: [9.0; 2],
            size: 2.0,
            ..PASSES
        },
    ]);
    assert_eq!(summary.chosen, None);
    assert!(
        summary.findings[0].starts_with("None of the 2 doses passes"),
        "{:?}",
        summary.findings
    );
}

#[test]
fn without_a_layer_to_steer_at_no_dose_was_tried() {
    let summary = summary(&[]);
    assert_eq!((summary.chosen, summary.candidates.len()), (None, 0));
    assert!(summary.findings[0].starts_with("No dose was tried"));
}

#[test]
fn a_single_prompt_has_no_interval_and_is_not_chosen() {
    let (doses, mut sweep) = sweep(&[PASSES]);
    for texts in sweep.texts.iter_mut().flatten() {
        texts.truncate(1);
    }
    let summary = chosen_from(&doses, &sweep);
    assert_eq!(summary.candidates[0].effect, 0.5);
    assert_eq!(summary.chosen, None);
    assert!(summary.candidates[0].reasons[0].starts_with("no effect that differs from zero"));
}

#[test]
fn without_controls_an_effect_is_enough() {
    let (mut doses, mut sweep) = sweep(&[PASSES]);
    doses.pop();
    sweep.texts.pop();
    sweep.divergences.pop();
    let summary = chosen_from(&doses, &sweep);
    assert_eq!(summary.candidates[0].control_high, f64::NEG_INFINITY);
    assert_eq!(summary.chosen, Some(0));
}

#[test]
fn unsteered_texts_that_do_not_sound_like_their_speakers_are_a_warning() {
    let warns = |summary: &DoseSummary| {
        summary
            .findings
            .iter()
            .any(|finding| finding.starts_with("Warning"))
    };
    assert!(!warns(&summary(&[PASSES])));
    for side in [0, 1] {
        let (doses, mut sweep) = sweep(&[PASSES]);
        let opposite = text(&doses[0].dose, UNSTEERED[1 - side], NATS);
        sweep.texts[0][side] = vec![opposite; 4];
        assert!(warns(&chosen_from(&doses, &sweep)), "side {side}");
    }
}

/// The candidates of a summary, by layer and coefficient, with another effect and damage each.
fn candidates(of: &[(&str, f64, f64)]) -> Vec<DoseCandidate> {
    let like = summary(&[PASSES]).candidates.remove(0);
    let candidate = |(direction, effect, perplexity_ratio): &(&str, f64, f64)| DoseCandidate {
        direction: (*direction).to_owned(),
        effect: *effect,
        perplexity_ratio: *perplexity_ratio,
        ..like.clone()
    };
    of.iter().map(candidate).collect()
}

#[test]
fn the_front_has_what_no_other_dose_beats_in_effect_and_damage() {
    let candidates = candidates(&[
        ("contrast", 0.5, 1.2),
        ("contrast", 0.4, 1.3),
        ("contrast", 0.9, 2.0),
        ("pca", 5.0, 1.0),
        ("contrast", 0.1, 1.0),
        ("contrast", 0.5, 1.2),
        ("contrast", 0.05, 1.0),
    ]);
    assert_eq!(front(&candidates, "contrast"), [4, 0, 2]);
    assert_eq!(front(&candidates, "pca"), [3]);
    assert_eq!(best(&candidates, "contrast"), Some(2));
    assert_eq!(best(&candidates, "lda"), None);
}

#[test]
fn a_choice_among_some_prompts_sees_no_other() {
    let tried = Tried {
        moved: [[1.0, 1.0, 1.0, -9.0]; 2],
        ..PASSES
    };
    let (doses, sweep) = sweep(&[tried]);
    assert_eq!(chosen_from(&doses, &sweep).chosen, None);
    let prompts = [0, 1, 2];
    let baseline = Baseline::among(&sweep.texts[0], &prompts);
    let view = View {
        doses: &doses,
        sweep: &sweep,
        prompts: &prompts,
        baseline: &baseline,
        perplexity_budget: BUDGET,
        seed: 0,
    };
    let summary = choose(&view, 8);
    assert_eq!((summary.chosen, summary.prompts), (Some(0), 3));
    assert_eq!(summary.candidates[0].effect, 1.0);
}

#[test]
fn measures_that_disagree_are_named() {
    let says =
        |summary: &DoseSummary, part: &str| summary.findings.iter().any(|finding| finding.contains(part));
    // Projections in these texts follow the log-odds.
    let tried = [
        PASSES,
        Tried {
            moved: moving(0.25),
            size: 0.5,
            ..PASSES
        },
    ];
    let summary = summary(&tried);
    let projection = summary.candidates[0].projection.unwrap();
    // Unsteered texts are 2 apart in log-odds.
    assert_eq!((projection.value, projection.low), (0.25, 0.25));
    assert!(
        says(&summary, "goes 0.25 of the way")
            && !says(&summary, "opposite signs")
            && !says(&summary, "order")
    );
    let (doses, mut sweep) = sweep(&tried);
    for text in sweep.texts[1..].iter_mut().flatten().flatten() {
        let unsteered = if text.log_odds > 0.0 { 3.0 } else { -3.0 };
        text.projection_positive = unsteered * text.log_odds.abs();
        text.projection_negative = text.projection_positive;
    }
    let opposed = chosen_from(&doses, &sweep);
    assert!(says(&opposed, "opposite signs at "), "{:#?}", opposed.findings);
}

#[test]
fn where_unsteered_texts_lie_on_the_wrong_sides_the_second_measure_is_not_defined() {
    let (doses, mut sweep) = sweep(&[PASSES]);
    for text in sweep.texts.iter_mut().flatten().flatten() {
        text.projection_positive *= -1.0;
        text.projection_negative *= -1.0;
    }
    let summary = chosen_from(&doses, &sweep);
    assert_eq!(summary.candidates[0].projection, None);
    assert!(
        summary
            .findings
            .iter()
            .any(|finding| finding.starts_with("The second measure is not defined"))
    );
}
