//! The positive control of the stage `dose`: on the model that ships it must choose a dose that
//! turns both speakers, which no control does, without damage.

use interventions::Kind;
use std::path::Path;
use std::sync::LazyLock;

use pipeline::Pipeline;
use results::{
    DoseDirection, DoseEffect, DoseSummary, DoseText, HeldOutText, Layout, StageDirectory, Table,
    read_dose_summary,
};
use tempfile::TempDir;
use terms::Stage;
use tiny::judge::{Role, judge};

struct Result {
    summary: DoseSummary,
    effects: Vec<DoseEffect>,
    texts: Vec<DoseText>,
    held_out: Vec<HeldOutText>,
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
        held_out: HeldOutText::read(&layout.table::<HeldOutText>()).unwrap().0,
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
    rows.partition(|row| row.dose.direction == DoseDirection::CONTRAST)
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
            && text.dose.direction == DoseDirection::CONTRAST
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

/// The same prompts, each under a dose that others chose and a contrast that is made without it.
#[test]
fn held_out_prompts_turn_too_and_their_texts_are_those_of_their_dose() {
    let contrast = &RESULT.summary.directions[0];
    let held_out = contrast.held_out.as_ref().unwrap();
    assert!(held_out.is_refitted && held_out.chosen.len() == 5);
    assert_eq!(RESULT.held_out.len(), 2 * 6);
    let mut folds: Vec<usize> = RESULT.held_out.iter().map(|row| row.fold).collect();
    folds.sort_unstable();
    folds.dedup();
    assert_eq!(folds, [0, 1, 2, 3, 4]);
    for row in &RESULT.held_out {
        let (text, dose) = (&row.text, &row.text.dose);
        let sign = if text.condition == "normal" { -1.0 } else { 1.0 };
        let chosen = &RESULT.summary.candidates[held_out.chosen[row.fold].unwrap()];
        assert_eq!(
            (dose.layer, dose.coefficient),
            (Some(chosen.layer), Some(sign * chosen.coefficient))
        );
        let wanted = if sign < 0.0 { Role::Human } else { Role::Assistant };
        assert!(judge(&text.text) == wanted, "{text:#?}");
    }
    assert_eq!(held_out.crossed, 1.0);
    assert!(
        held_out.effect.low > 0.3 && held_out.effect.value < 1.2,
        "{held_out:#?}"
    );
}

/// The second measure agrees with the grammar's judge: unsteered texts are where they begin, and the chosen dose takes
/// them most of the way.
#[test]
fn projections_follow_the_role() {
    let unsteered = RESULT.effects.iter().filter(|row| row.dose.operation.is_none());
    for row in unsteered {
        assert_eq!(row.figures.projection_effect, 0.0);
    }
    let chosen = &RESULT.summary.candidates[RESULT.summary.chosen.unwrap()];
    let projection = chosen.projection.unwrap();
    assert!(
        projection.low > 0.4 && (0.7..1.3).contains(&projection.value),
        "{projection:#?}"
    );
    for (condition, sign) in [("normal", -1.0), ("swapped", 1.0)] {
        let (_, controls) = additions(chosen.layer, chosen.coefficient, condition);
        for control in controls {
            assert!(
                control.figures.projection_effect.abs() < 0.4,
                "{:#?}",
                control.figures
            );
        }
        let (opposite, _) = additions(chosen.layer, -sign * chosen.coefficient, condition);
        assert!(opposite[0].figures.projection_effect < 0.4, "{condition}");
    }
}

/// Other vectors at the same layers, and a feature at the layer that its autoencoder reads: as long as the contrast,
/// compared with it, and changing none of its rows.
#[test]
fn other_directions_come_after_the_contrasts_rows_and_leave_them_alone() {
    let directions = ["contrast", "probe", "pca", "sae.tiny.47"];
    let mut pipeline = crate::tiny_pipeline();
    pipeline.dose.layers = vec![3];
    pipeline.dose.coefficients = vec![0.75];
    pipeline.dose.percentiles = Vec::new();
    pipeline.dose.random_directions = 1;
    let alone = sweep(&pipeline);
    pipeline.dose.directions = directions.map(str::to_owned).to_vec();
    let compared = sweep(&pipeline);
    assert_eq!(compared.effects[..alone.effects.len()], alone.effects);
    assert_eq!(compared.texts[..alone.texts.len()], alone.texts);
    assert_eq!(compared.summary.candidates[..1], alone.summary.candidates);
    let rest = &compared.effects[alone.effects.len()..];
    let names: Vec<String> = rest.iter().map(|row| row.dose.direction.name()).collect();
    // Both signs in both conditions.
    assert_eq!(
        names,
        directions[1..]
            .iter()
            .flat_map(|name| vec![*name; 4])
            .collect::<Vec<_>>()
    );
    let size = alone.summary.candidates[0].relative_coefficient;
    for candidate in &compared.summary.candidates {
        assert!(
            (candidate.relative_coefficient.abs() - size).abs() < 1e-4,
            "{candidate:#?}"
        );
    }
    let found: Vec<&str> = compared
        .summary
        .directions
        .iter()
        .map(|own| own.direction.as_str())
        .collect();
    assert_eq!(found, directions);
    // In this model the probe and the first component are nearly the contrast, and turn texts as it does.
    for own in &compared.summary.directions[..3] {
        let held_out = own.held_out.as_ref().unwrap();
        assert_eq!(held_out.is_refitted, own.direction == "contrast");
        assert!(own.chosen.is_some() && held_out.effect.low > 0.0, "{own:#?}");
    }
}
