use serde_json::Value;
use statistics::{Cells, Effect, Effects, Interval, effects};

use crate::numbers::{Numbers, wide};
use crate::reference::{TOLERANCE, all_close, close, fixture, interval_close, numbers, rows};

type OwnedCells = [[Vec<Vec<f32>>; 2]; 2];

fn of(cells: &OwnedCells) -> Effects {
    let borrowed = [0, 1].map(|transcript| [0, 1].map(|speaker| cells[transcript][speaker].as_slice()));
    effects(&Cells { cells: borrowed }, 6)
}

fn random_cells(seed: u64, prompts: usize, hidden: usize) -> OwnedCells {
    let mut numbers = Numbers::new(seed);
    let mut cell = || (0..prompts).map(|_| numbers.row(hidden)).collect();
    [[cell(), cell()], [cell(), cell()]]
}

fn named(effects: &Effects) -> [(&'static str, &Effect); 3] {
    [
        ("speaker", &effects.speaker),
        ("transcript", &effects.transcript),
        ("interaction", &effects.interaction),
    ]
}

#[test]
fn numpy_gives_the_same_analysis_of_variance() {
    let expected = fixture("effects");
    let cell = |transcript: usize, speaker: usize| rows(&expected["cells"][transcript][speaker]);
    let result = of(&[[cell(0, 0), cell(0, 1)], [cell(1, 0), cell(1, 1)]]);
    for (name, effect) in named(&result) {
        check_effect(name, effect, &expected[name]);
    }
    for (name, value) in [
        ("prompt_share", result.prompt_share),
        ("residual_share", result.residual_share),
        ("speaker_share_of_contrast", result.speaker_share_of_contrast),
        ("speaker_contrast_cosine", result.speaker_contrast_cosine),
        ("transcript_contrast_cosine", result.transcript_contrast_cosine),
        ("speaker_transcript_cosine", result.speaker_transcript_cosine),
        ("simple_cosine", result.simple_cosine),
    ] {
        close(name, value.unwrap(), &expected[name]);
    }
    let interval = result.speaker_share_interval.unwrap();
    interval_close(
        "speaker_share_interval",
        interval,
        &expected["speaker_share_interval"],
    );
}

fn check_effect(name: &str, effect: &Effect, expected: &Value) {
    all_close(TOLERANCE, name, &effect.vector, &numbers(&expected["vector"]));
    close(name, effect.norm, &expected["norm"]);
    close(name, effect.norm_unbiased.unwrap(), &expected["norm_unbiased"]);
    close(name, effect.share.unwrap(), &expected["share"]);
    interval_close(name, effect.norm_interval.unwrap(), &expected["norm_interval"]);
}

#[test]
fn speaker_and_transcript_make_the_whole_contrast() {
    let cells = random_cells(111, 6, 10);
    let result = of(&cells);
    let mean = |rows: &[Vec<f32>]| -> Vec<f64> {
        let sum = |k: usize| rows.iter().map(|row| wide(row)[k]).sum::<f64>();
        (0..10).map(|k| sum(k) / 6.0).collect()
    };
    let contrast: Vec<f64> = mean(&cells[0][0])
        .iter()
        .zip(mean(&cells[1][1]))
        .map(|(plus, minus)| plus - minus)
        .collect();
    let parts = result.speaker.vector.iter().zip(&result.transcript.vector);
    let sum: Vec<f64> = parts.map(|(speaker, transcript)| speaker + transcript).collect();
    all_close(1e-14, "S + T", &sum, &contrast);
}

#[test]
fn all_shares_make_one() {
    for seed in 0..20 {
        let result = of(&random_cells(1_120 + seed, 4, 5));
        let effects: f64 = named(&result)
            .iter()
            .map(|(_, effect)| effect.share.unwrap())
            .sum();
        let sum = effects + result.prompt_share.unwrap() + result.residual_share.unwrap();
        assert!((sum - 1.0).abs() < 1e-14, "{sum}");
        assert!(result.residual_share > Some(0.0));
    }
}

/// Every cell is the prompt's own row plus, for one speaker, the same vector.
#[test]
fn a_pure_speaker_effect_is_all_there_is() {
    let mut numbers = Numbers::new(113);
    let base: Vec<Vec<f32>> = (0..5).map(|_| numbers.row(3)).collect();
    let mut moved = base.clone();
    moved.iter_mut().for_each(|row| row[1] += 2.0);
    let result = of(&[[moved.clone(), base.clone()], [moved, base]]);
    all_close(1e-6, "S", &result.speaker.vector, &[0.0, 2.0, 0.0]);
    assert_eq!(result.transcript.norm, 0.0);
    assert_eq!(result.interaction.norm, 0.0);
    assert_eq!(result.speaker_share_of_contrast, Some(1.0));
    assert_eq!(
        result.speaker_share_interval,
        Some(Interval { low: 1.0, high: 1.0 })
    );
    assert_eq!(result.transcript_contrast_cosine, None);
    assert!((result.simple_cosine.unwrap() - 1.0).abs() < 1e-14);
    assert!((result.speaker.norm_interval.unwrap().low - 2.0).abs() < 1e-6);
    assert!((result.speaker.norm_interval.unwrap().high - 2.0).abs() < 1e-6);
    assert!(result.residual_share.unwrap() < 1e-12);
}

#[test]
fn rows_that_are_all_the_same_have_no_effects() {
    let cell = vec![vec![1.0, -2.0, 0.5]; 3];
    let result = of(&[[cell.clone(), cell.clone()], [cell.clone(), cell]]);
    for (name, effect) in named(&result) {
        assert_eq!(
            (effect.norm, effect.norm_unbiased, effect.share),
            (0.0, Some(0.0), None),
            "{name}"
        );
    }
    assert_eq!((result.prompt_share, result.residual_share), (None, None));
    assert_eq!(result.speaker_share_of_contrast, None);
    assert_eq!(result.simple_cosine, None);
}
