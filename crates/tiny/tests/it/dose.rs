//! The positive control of the stage `dose`: on the model that ships it must choose a dose that
//! turns both speakers, which no control does, without damage.

use interventions::Kind;
use std::path::Path;
use std::sync::LazyLock;

use pipeline::Pipeline;
use results::{DoseEffect, DoseSummary, DoseText, Layout, StageDirectory, Table, read_dose_summary};
use tempfile::TempDir;
use terms::{DoseDirection, Stage};
use tiny::judge::{Role, judge};

struct Result {
    summary: DoseSummary,
    effects: Vec<DoseEffect>,
    texts: Vec<DoseText>,
    _folder: TempDir,
}

/// A part of the sweep of `pipelines/tiny.toml`: one layer that works and the first one, where it
/// doesn't.
static RESULT: LazyLock<Result> = LazyLock::new(|| {
    let mut pipeline = crate::tiny_pipeline();
    pipeline.dose.layers = vec![0, 2];
    pipeline.dose.coefficients = vec![0.5, 1.0, 2.0];
    sweep(&pipeline)
});

fn sweep(pipeline: &Pipeline) -> Result {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path().join("results"));
    let stage = |stage: Stage, body: &dyn Fn(&Path)| {
        let directory = StageDirectory::begin(&layout, stage).unwrap();
        body(directory.path());
        directory.commit().unwrap();
    };
    stage(Stage::Extract, &|out| {
        extract::run(pipeline, &layout, out).unwrap()
    });
    stage(Stage::Analyze, &|out| {
        drop(analyze::run(pipeline, &layout, out).unwrap())
    });
    stage(Stage::Dose, &|out| dose::run(pipeline, &layout, out).unwrap());
    Result {
        summary: read_dose_summary(&layout.dose_summary()).unwrap(),
        effects: DoseEffect::read(&layout.table::<DoseEffect>()).unwrap().0,
        texts: DoseText::read(&layout.table::<DoseText>()).unwrap().0,
        _folder: folder,
    }
}

/// The rows of a layer and coefficient: the contrast's, or the controls'.
fn additions(
    layer: usize,
    coefficient: f64,
    condition: &str,
) -> (Vec<&'static DoseEffect>, Vec<&'static DoseEffect>) {
    let rows = RESULT.effects.iter().filter(|row| {
        row.dose.operation == Some(Kind::Addition)
            && row.dose.layer == Some(layer)
            && row.dose.coefficient == Some(coefficient)
            && row.condition == condition
    });
    rows.partition(|row| row.dose.direction == DoseDirection::Contrast)
}

#[test]
fn the_chosen_dose_turns_both_speakers_and_no_control_does() {
    let summary = &RESULT.summary;
    let chosen = &summary.candidates[summary.chosen.expect("a dose was chosen")];
    assert_eq!(
        (chosen.layer, chosen.coefficient),
        (2, 1.0),
        "{:#?}",
        summary.findings
    );
    assert!(summary.unsteered_log_odds[0] > 0.0 && summary.unsteered_log_odds[1] < 0.0);
    for (condition, sign) in [("normal", -1.0), ("swapped", 1.0)] {
        let (contrast, _) = additions(chosen.layer, sign * chosen.coefficient, condition);
        let figures = &contrast[0].figures;
        // Log-odds cross zero: negative where the human has to speak, positive where the assistant
        // has.
        let crossing = if sign < 0.0 {
            figures.log_odds_high < 0.0
        } else {
            figures.log_odds_low > 0.0
        };
        assert!(crossing, "{condition}: {figures:#?}");
        assert_eq!((figures.crossed, figures.wrong_way), (1.0, 0.0), "{condition}");
        let (_, controls) = additions(chosen.layer, chosen.coefficient, condition);
        assert_eq!(
            controls.len(),
            4,
            "three random directions and the shuffled labels"
        );
        for control in controls {
            let control = &control.figures;
            assert!(control.effect.abs() < 0.2, "{condition}: {control:#?}");
            assert!(
                control.effect_high < figures.effect_low,
                "{condition}: the intervals overlap"
            );
            assert_eq!(control.crossed, 0.0, "{condition}");
        }
        // The opposite sign moves nobody to the other side.
        let (opposite, _) = additions(chosen.layer, -sign * chosen.coefficient, condition);
        assert!(
            opposite[0].figures.effect_high < figures.effect_low,
            "{condition}"
        );
        assert_eq!(opposite[0].figures.crossed, 0.0, "{condition}");
    }
}

#[test]
fn the_grammars_own_judge_agrees() {
    let chosen = &RESULT.summary.candidates[RESULT.summary.chosen.unwrap()];
    let steered = RESULT.texts.iter().filter(|text| {
        let sign = if text.condition == "normal" { -1.0 } else { 1.0 };
        text.dose.operation == Some(Kind::Addition)
            && text.dose.direction == DoseDirection::Contrast
            && text.dose.layer == Some(chosen.layer)
            && text.dose.coefficient == Some(sign * chosen.coefficient)
    });
    let mut count = 0;
    for text in steered {
        let wanted = if text.condition == "normal" {
            Role::Human
        } else {
            Role::Assistant
        };
        assert!(judge(&text.text) == wanted, "{text:#?}");
        assert_eq!(text.log_odds < 0.0, wanted == Role::Human, "{text:#?}");
        count += 1;
    }
    assert_eq!(count, 12);
}

#[test]
fn the_chosen_dose_does_little_damage_and_too_large_a_one_much() {
    let chosen = &RESULT.summary.candidates[RESULT.summary.chosen.unwrap()];
    assert!(chosen.perplexity_ratio < RESULT.summary.perplexity_budget);
    for (condition, sign) in [("normal", -1.0), ("swapped", 1.0)] {
        let figures = &additions(chosen.layer, sign * chosen.coefficient, condition).0[0].figures;
        assert_eq!(figures.ended, 1.0, "{condition}");
        assert!(figures.distinct_2 > 0.9, "{condition}");
    }
    let too_large = RESULT
        .summary
        .candidates
        .iter()
        .find(|row| row.layer == 2 && row.coefficient == 2.0);
    let too_large = too_large.unwrap();
    assert!(too_large.perplexity_ratio > 3.0 && too_large.kl > chosen.kl);
    assert!(too_large.reasons[0].contains("damage"), "{:?}", too_large.reasons);
}

#[test]
fn nothing_is_done_by_nothing() {
    let unsteered: Vec<&DoseText> = RESULT
        .texts
        .iter()
        .filter(|text| text.dose.operation.is_none())
        .collect();
    let zero = RESULT
        .texts
        .iter()
        .filter(|text| text.dose.coefficient == Some(0.0));
    let mut count = 0;
    for (index, text) in zero.enumerate() {
        let own = unsteered[index % unsteered.len()];
        assert_eq!((&text.text, text.log_odds), (&own.text, own.log_odds));
        count += 1;
    }
    assert_eq!(count, 2 * 12, "at two layers");
    let of_zero = RESULT
        .effects
        .iter()
        .filter(|row| row.dose.coefficient == Some(0.0));
    assert!(
        of_zero
            .into_iter()
            .all(|row| row.figures.effect == 0.0 && row.figures.kl == 0.0)
    );
}

#[test]
fn where_nothing_passes_every_candidate_has_its_reason() {
    let mut pipeline = crate::tiny_pipeline();
    pipeline.dose.layers = vec![0];
    pipeline.dose.coefficients = vec![0.1, 3.0];
    pipeline.dose.percentiles = Vec::new();
    pipeline.dose.random_directions = 1;
    let summary = sweep(&pipeline).summary;
    assert_eq!(summary.chosen, None);
    assert_eq!(summary.candidates.len(), 2);
    for candidate in &summary.candidates {
        assert!(!candidate.reasons.is_empty(), "{candidate:#?}");
    }
    assert!(
        summary.findings[0].starts_with("None of the 2 doses passes"),
        "{:?}",
        summary.findings
    );
}

#[test]
fn a_sweep_that_is_not_wanted_leaves_empty_tables_that_say_so() {
    let mut pipeline = crate::tiny_pipeline();
    pipeline.dose.enabled = false;
    let result = sweep(&pipeline);
    assert!(result.effects.is_empty() && result.texts.is_empty());
    assert!(result.summary.findings[0].contains("dose.enabled = false"));
}
