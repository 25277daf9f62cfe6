//! The tables of statistics and doses, and their summaries.

use interventions::Kind;
use std::path::PathBuf;

use pipeline::VectorKind;
use results::{
    ComponentPlace, DepthCosine, DirectionSummary, Dose, DoseCandidate, DoseDirection, DoseEffect,
    DoseFigures, DoseSummary, DoseText, Estimate, HeldOut, HeldOutText, LayerEffects, LayerStatistics,
    LensToken, Metadata, Outlier, StatisticsSummary, Table, read_dose_summary, read_statistics_summary,
    write_dose_summary, write_statistics_summary,
};
use terms::{FinishReason, LensSide, Pooling};

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
        pooling: Pooling::Newline,
        condition: condition.to_owned(),
        prompt_id: "who".to_owned(),
        pc1: -1.5,
        pc2: 0.25,
        pc1_share: 0.75,
        pc2_share: 0.125,
    };
    let rows = [place(0, "normal"), place(1, "swapped")];
    ComponentPlace::write(&at(&folder, "places"), &metadata(), &rows).unwrap();
    assert_eq!(ComponentPlace::read(&at(&folder, "places")).unwrap().0, rows);
}

#[test]
fn figures_come_back_under_their_own_names() {
    let folder = tempfile::tempdir().unwrap();
    let statistics = LayerStatistics {
        layer: 3,
        pooling: Pooling::Newline,
        prompts: 6,
        within_low: 0.25,
        permutation_p_family: 0.03125,
        lda_cosine: -0.5,
        ..LayerStatistics::default()
    };
    LayerStatistics::write(&at(&folder, "a"), &metadata(), std::slice::from_ref(&statistics)).unwrap();
    assert_eq!(LayerStatistics::read(&at(&folder, "a")).unwrap().0, [statistics]);

    let effects = LayerEffects {
        layer: 1,
        pooling: Pooling::Mean,
        prompts: 7,
        speaker_norm: 2.5,
        residual_variance: 0.125,
        speaker_across_transcripts: 0.75,
        ..LayerEffects::default()
    };
    LayerEffects::write(&at(&folder, "b"), &metadata(), std::slice::from_ref(&effects)).unwrap();
    assert_eq!(LayerEffects::read(&at(&folder, "b")).unwrap().0, [effects]);
    LayerEffects::write(&at(&folder, "c"), &metadata(), &[]).unwrap();
    assert!(
        LayerEffects::read(&at(&folder, "c")).unwrap().0.is_empty(),
        "no 2x2 design"
    );

    let depth = DepthCosine {
        pooling: Pooling::Newline,
        layer_a: 2,
        layer_b: 5,
        cosine: 0.5,
    };
    DepthCosine::write(&at(&folder, "d"), &metadata(), std::slice::from_ref(&depth)).unwrap();
    assert_eq!(DepthCosine::read(&at(&folder, "d")).unwrap().0, [depth]);

    let outlier = Outlier {
        layer: 2,
        pooling: Pooling::Last,
        dimension: 443,
        share: 0.4,
    };
    Outlier::write(&at(&folder, "e"), &metadata(), std::slice::from_ref(&outlier)).unwrap();
    assert_eq!(Outlier::read(&at(&folder, "e")).unwrap().0, [outlier]);

    let token = |side: LensSide| LensToken {
        layer: 2,
        side,
        rank: 3,
        token_id: 531,
        token_text: "▁course".to_owned(),
        logit: -4.25,
    };
    let tokens = [token(LensSide::Promoted), token(LensSide::Suppressed)];
    LensToken::write(&at(&folder, "f"), &metadata(), &tokens).unwrap();
    assert_eq!(LensToken::read(&at(&folder, "f")).unwrap().0, tokens);
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
    DoseEffect::write(&at(&folder, "doses"), &metadata(), &effects).unwrap();
    assert_eq!(DoseEffect::read(&at(&folder, "doses")).unwrap().0, effects);

    let texts = doses().map(|dose| DoseText {
        dose,
        condition: "swapped".to_owned(),
        prompt_id: "who".to_owned(),
        prompt: "Who are you?".to_owned(),
        text: "Ha, I am Lena.<end_of_turn>".to_owned(),
        n_tokens: 2,
        token_ids: vec![509, 5],
        finish_reason: FinishReason::Stop,
        log_odds: -0.5,
        surprise_positive: 1.25,
        surprise_negative: 0.75,
        projection_positive: 3.5,
        projection_negative: -1.5,
        distinct_2: 1.0,
    });
    DoseText::write(&at(&folder, "texts"), &metadata(), &texts).unwrap();
    assert_eq!(DoseText::read(&at(&folder, "texts")).unwrap().0, texts);

    let held_out = texts.map(|text| HeldOutText { fold: 3, text });
    HeldOutText::write(&at(&folder, "held_out"), &metadata(), &held_out).unwrap();
    assert_eq!(HeldOutText::read(&at(&folder, "held_out")).unwrap().0, held_out);
}

#[test]
fn a_dose_has_a_vector_or_a_control_by_its_name() {
    let feature = DoseDirection::Vector(VectorKind::Feature("tiny".to_owned(), 47));
    for (direction, name) in [
        (DoseDirection::CONTRAST, "contrast"),
        (DoseDirection::Random, "random"),
        (DoseDirection::Shuffled, "shuffled"),
        (feature, "sae.tiny.47"),
    ] {
        assert_eq!(direction.name(), name);
        assert_eq!(DoseDirection::parse(name), Some(direction));
    }
    assert_eq!(DoseDirection::parse("no vector"), None);
}

#[test]
fn summaries_come_back_and_a_broken_one_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let summary = StatisticsSummary {
        pooling: Pooling::Newline,
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

    let estimate = Estimate {
        value: 0.5,
        low: 0.25,
        high: 0.75,
    };
    let summary = DoseSummary {
        perplexity_budget: 1.5,
        unsteered_perplexity: 1.75,
        unsteered_log_odds: [0.5, -0.5],
        prompts: 6,
        neutral_prompts: 8,
        chosen: Some(0),
        candidates: vec![DoseCandidate {
            direction: "contrast".to_owned(),
            layer: 2,
            coefficient: 1.0,
            relative_coefficient: 0.95,
            effect: 0.9,
            effect_low: 0.75,
            effect_high: 1.25,
            projection: Some(estimate),
            control_high: 0.25,
            crossed: 1.0,
            wrong_way: 0.0,
            perplexity_ratio: 1.25,
            kl: 0.5,
            reasons: Vec::new(),
        }],
        directions: vec![DirectionSummary {
            direction: "contrast".to_owned(),
            chosen: Some(0),
            front: vec![0],
            held_out: Some(HeldOut {
                is_refitted: true,
                effect: estimate,
                projection: None,
                crossed: 1.0,
                wrong_way: 0.0,
                perplexity_ratio: 1.25,
                chosen: vec![Some(0), None],
            }),
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
