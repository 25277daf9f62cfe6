//! The tables of statistics and doses, and their summaries.

use std::path::PathBuf;

use artifacts::{
    ComponentPlace, DepthCosine, Dose, DoseCandidate, DoseDirection, DoseEffect, DoseFigures, DoseSummary,
    DoseText, FinishReason, LayerEffects, LayerStatistics, LensToken, Metadata, Outlier, StatisticsSummary,
    read_depth, read_dose_summary, read_dose_texts, read_doses, read_effects, read_lens, read_outliers,
    read_principal_components, read_statistics, read_statistics_summary, write_depth, write_dose_summary,
    write_dose_texts, write_doses, write_effects, write_lens, write_outliers, write_principal_components,
    write_statistics, write_statistics_summary,
};
use interventions::Kind;

fn at(folder: &tempfile::TempDir, name: &str) -> PathBuf {
    folder.path().join(name)
}

fn metadata() -> Metadata {
    Metadata::default().with("pipeline", "tiny")
}

#[test]
fn places_on_principal_components_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let place = |layer: usize, condition: &str| ComponentPlace {
        layer,
        pooling: "newline".to_owned(),
        condition: condition.to_owned(),
        prompt_id: "who".to_owned(),
        pc1: -1.5,
        pc2: 0.25,
        pc1_share: 0.75,
        pc2_share: 0.125,
    };
    let rows = [place(0, "normal"), place(1, "swapped")];
    write_principal_components(&at(&folder, "places"), &metadata(), &rows).unwrap();
    assert_eq!(read_principal_components(&at(&folder, "places")).unwrap().0, rows);
}

#[test]
fn figures_come_back_under_their_own_names() {
    let folder = tempfile::tempdir().unwrap();
    let statistics = LayerStatistics {
        layer: 3,
        pooling: "newline".to_owned(),
        prompts: 6,
        within_low: 0.25,
        permutation_p_family: 0.03125,
        lda_cosine: -0.5,
        ..LayerStatistics::default()
    };
    write_statistics(&at(&folder, "a"), &metadata(), std::slice::from_ref(&statistics)).unwrap();
    assert_eq!(read_statistics(&at(&folder, "a")).unwrap().0, [statistics]);

    let effects = LayerEffects {
        layer: 1,
        pooling: "mean".to_owned(),
        prompts: 7,
        speaker_norm: 2.5,
        residual_variance: 0.125,
        speaker_across_transcripts: 0.75,
        ..LayerEffects::default()
    };
    write_effects(&at(&folder, "b"), &metadata(), std::slice::from_ref(&effects)).unwrap();
    assert_eq!(read_effects(&at(&folder, "b")).unwrap().0, [effects]);
    write_effects(&at(&folder, "c"), &metadata(), &[]).unwrap();
    assert!(
        read_effects(&at(&folder, "c")).unwrap().0.is_empty(),
        "no 2x2 design"
    );

    let depth = DepthCosine {
        pooling: "newline".to_owned(),
        layer_a: 2,
        layer_b: 5,
        cosine: 0.5,
    };
    write_depth(&at(&folder, "d"), &metadata(), std::slice::from_ref(&depth)).unwrap();
    assert_eq!(read_depth(&at(&folder, "d")).unwrap().0, [depth]);

    let outlier = Outlier {
        layer: 2,
        pooling: "last".to_owned(),
        dimension: 443,
        share: 0.4,
    };
    write_outliers(&at(&folder, "e"), &metadata(), std::slice::from_ref(&outlier)).unwrap();
    assert_eq!(read_outliers(&at(&folder, "e")).unwrap().0, [outlier]);

    let token = |is_promoted: bool| LensToken {
        layer: 2,
        is_promoted,
        rank: 3,
        token_id: 531,
        token_text: "▁course".to_owned(),
        logit: -4.25,
    };
    let tokens = [token(true), token(false)];
    write_lens(&at(&folder, "f"), &metadata(), &tokens).unwrap();
    assert_eq!(read_lens(&at(&folder, "f")).unwrap().0, tokens);
}

fn doses() -> [Dose; 2] {
    let unsteered = Dose::unsteered();
    let capped = Dose {
        layer: Some(4),
        operation: Some(Kind::Capping),
        direction: DoseDirection::Random,
        direction_number: 2,
        coefficient: Some(-1.0),
        relative_coefficient: Some(-0.5),
        percentile: Some(75.0),
        threshold: Some(3.5),
    };
    [unsteered, capped]
}

#[test]
fn doses_and_their_texts_come_back_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let effects = doses().map(|dose| DoseEffect {
        dose,
        condition: "normal".to_owned(),
        texts: 6,
        figures: DoseFigures {
            log_odds: 0.5,
            effect_high: 1.5,
            ended: 0.875,
            ..DoseFigures::default()
        },
    });
    write_doses(&at(&folder, "doses"), &metadata(), &effects).unwrap();
    assert_eq!(read_doses(&at(&folder, "doses")).unwrap().0, effects);

    let texts = doses().map(|dose| DoseText {
        dose,
        condition: "swapped".to_owned(),
        prompt_id: "who".to_owned(),
        prompt: "Who are you?".to_owned(),
        text: "Ha, I am Lena.<end_of_turn>".to_owned(),
        token_ids: vec![509, 5],
        finish_reason: FinishReason::Stop,
        surprise_positive: 1.25,
        surprise_negative: 0.75,
        distinct_2: 1.0,
    });
    assert_eq!(
        texts[0].log_odds(),
        -0.5,
        "it sounds like the negative condition's speaker"
    );
    write_dose_texts(&at(&folder, "texts"), &metadata(), &texts).unwrap();
    assert_eq!(read_dose_texts(&at(&folder, "texts")).unwrap().0, texts);
}

#[test]
fn summaries_come_back_and_a_broken_one_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let summary = StatisticsSummary {
        pooling: "newline".to_owned(),
        positive: "normal".to_owned(),
        negative: "swapped".to_owned(),
        prompts: 6,
        all_prompts: 6,
        labellings: 64,
        is_exact: true,
        smallest_p: 0.03125,
        level: 0.05,
        significant_layers: vec![2, 3],
        onset: Some(2),
        strongest: None,
        findings: vec!["A sentence.".to_owned()],
    };
    write_statistics_summary(&at(&folder, "statistics.json"), &summary).unwrap();
    assert_eq!(
        read_statistics_summary(&at(&folder, "statistics.json")).unwrap(),
        summary
    );

    let summary = DoseSummary {
        perplexity_budget: 1.5,
        unsteered_perplexity: 1.75,
        unsteered_log_odds: [0.5, -0.5],
        prompts: 6,
        neutral_prompts: 8,
        chosen: Some(0),
        candidates: vec![DoseCandidate {
            layer: 2,
            coefficient: 1.0,
            relative_coefficient: 0.95,
            effect: 0.9,
            effect_low: 0.75,
            effect_high: 1.25,
            control_high: 0.25,
            crossed: 1.0,
            wrong_way: 0.0,
            perplexity_ratio: 1.25,
            kl: 0.5,
            reasons: Vec::new(),
        }],
        findings: Vec::new(),
    };
    write_dose_summary(&at(&folder, "dose.json"), &summary).unwrap();
    assert_eq!(read_dose_summary(&at(&folder, "dose.json")).unwrap(), summary);

    std::fs::write(at(&folder, "dose.json"), "{}").unwrap();
    let error = read_dose_summary(&at(&folder, "dose.json"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("dose.json") && error.contains("cargo xtask dose --force"),
        "{error}"
    );
}
