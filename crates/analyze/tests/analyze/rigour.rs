//! How reliable the figures are: each one is in the right column, and described correctly in words.
//!
//! The figures themselves are compared with scipy and scikit-learn in the crate that computes them.

use pipeline::Pipeline;
use results::{
    Activation, ComponentPlace, DepthCosine, LayerEffects, LayerStatistics, Outlier, StatisticsSummary,
    Table, VectorRow, read_contrast_vectors, read_statistics_summary,
};
use statistics::{
    PairedGram, PairedRows, bootstrap, principal_components, separability, similarity, split_half,
};
use terms::Pooling;

use crate::example::{Example, activation};
use crate::numbers::Numbers;

const HIDDEN: usize = 12;
const CELLS: [&str; 4] = ["normal", "same-turns-user", "greeted-model", "swapped"];

/// `[prompt][hidden]` of one condition: noise, 4 along dimension 1 for the model's turn, 2 along
/// dimension 2 for the first transcript, and a large dimension 5.
fn rows_of(cell: usize, layer: usize, prompts: usize) -> Vec<Vec<f32>> {
    let mut noise = Numbers(1000 + (layer * 10 + cell) as u64);
    (0..prompts)
        .map(|_| {
            let mut row: Vec<f32> = (0..HIDDEN).map(|_| noise.next()).collect();
            row[1] += if cell.is_multiple_of(2) { 4.0 } else { 0.0 };
            row[2] += if cell < 2 { 2.0 } else { 0.0 };
            row[5] += 30.0;
            row
        })
        .collect()
}

struct Outcome {
    statistics: Vec<LayerStatistics>,
    effects: Vec<LayerEffects>,
    vectors: Vec<VectorRow>,
    summary: StatisticsSummary,
    example: Example,
}

fn outcome(cells: &[usize], prompts: usize) -> Outcome {
    let example = Example::new();
    for layer in 0..2 {
        let rows: Vec<Activation> = cells
            .iter()
            .flat_map(|cell| {
                let rows = rows_of(*cell, layer, prompts).into_iter().enumerate();
                rows.map(|(prompt, row)| {
                    activation(CELLS[*cell], &format!("p{prompt}"), Pooling::Newline, &row)
                })
            })
            .collect();
        example.write_layer(layer, &rows);
    }
    let pipeline: Pipeline = example.pipeline_of(&conditions(cells));
    analyze::run(&pipeline, &example.layout, &example.out).unwrap();
    Outcome {
        statistics: LayerStatistics::read(&example.out.join("statistics.parquet"))
            .unwrap()
            .0,
        effects: LayerEffects::read(&example.out.join("effects.parquet"))
            .unwrap()
            .0,
        vectors: VectorRow::read(&example.out.join("vectors.parquet")).unwrap().0,
        summary: read_statistics_summary(&example.out.join("statistics.json")).unwrap(),
        example,
    }
}

fn conditions(cells: &[usize]) -> String {
    let condition = |cell: &usize| {
        let turns = if *cell < 2 {
            r#"[{ speaker = "user", text = "{prompt}" }]"#
        } else {
            r#"[{ speaker = "user", text = "Hello." }, { speaker = "model", text = "{prompt}" }]"#
        };
        let opens = if cell.is_multiple_of(2) { "model" } else { "user" };
        let name = CELLS[*cell];
        format!(
            "[[conditions]]\nname = \"{name}\"\nlabel = \"{name}\"\nturns = {turns}\nopens = \"{opens}\"\n"
        )
    };
    cells.iter().map(condition).collect::<Vec<_>>().join("\n")
}

/// The rows of all conditions about their mean; the contrast is along dimension 1, and so is the
/// first component.
#[test]
fn every_residual_has_its_place_on_the_principal_components() {
    let outcome = outcome(&[0, 1, 2, 3], 5);
    let (places, _) =
        ComponentPlace::read(&outcome.example.out.join("principal_components.parquet")).unwrap();
    assert_eq!(places.len(), 2 * 4 * 5);
    assert!(places.iter().all(|row| row.pooling == Pooling::Newline));
    for (layer, places) in places.chunks(20).enumerate() {
        let rows: Vec<Vec<f32>> = (0..4).flat_map(|cell| rows_of(cell, layer, 5)).collect();
        let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        let toward = [[1.0; 5], [0.0; 5], [0.0; 5], [-1.0; 5]].concat();
        let expected = principal_components(&rows, &toward);
        for (index, (row, place)) in places.iter().zip(&expected.places).enumerate() {
            assert_eq!(row.layer, layer);
            assert_eq!(row.condition, CELLS[index / 5]);
            assert_eq!(row.prompt_id, format!("p{}", index % 5));
            assert_eq!([row.pc1, row.pc2], *place);
            assert_eq!([row.pc1_share, row.pc2_share], expected.shares);
            let is_model = (index / 5).is_multiple_of(2);
            assert_eq!(row.pc1 > 0.0, is_model, "{row:?}");
        }
    }
}

/// A picture holds no more than 256 dots.
#[test]
fn of_many_prompts_some_have_a_place_on_the_principal_components() {
    let outcome = outcome(&[0, 3], 300);
    let (places, _) =
        ComponentPlace::read(&outcome.example.out.join("principal_components.parquet")).unwrap();
    assert_eq!(places.len(), 2 * 256);
    // Of the 256 prompts that the statistics look at, every second one.
    let ids: Vec<&str> = places[..3].iter().map(|row| row.prompt_id.as_str()).collect();
    assert_eq!(ids, ["p0", "p2", "p4"]);
}

#[test]
fn every_figure_stands_in_its_column() {
    let outcome = outcome(&[0, 3], 9);
    let pairs = PairedRows {
        plus: rows_of(0, 1, 9),
        minus: rows_of(3, 1, 9),
    };
    let raw = PairedGram::of(&pairs);
    let row = &outcome.statistics[1];
    assert_eq!((row.layer, row.prompts), (1, 9));
    let intervals = bootstrap(&raw, 0).unwrap();
    assert_eq!(
        (row.within_positive_low, row.within_positive_high),
        (intervals.within_plus.low, intervals.within_plus.high)
    );
    assert_eq!(
        (row.within_negative_low, row.within_negative_high),
        (intervals.within_minus.low, intervals.within_minus.high)
    );
    assert_eq!(
        (row.cross_low, row.cross_high),
        (intervals.cross.low, intervals.cross.high)
    );
    assert_eq!(
        (row.difference_low, row.difference_high),
        (intervals.difference.low, intervals.difference.high)
    );
    assert_eq!(
        (row.contrast_norm_low, row.contrast_norm_high),
        (intervals.contrast_norm.low, intervals.contrast_norm.high)
    );
    let figures = similarity(&raw.unit()).unwrap();
    assert!((row.permutation_difference - figures.difference).abs() < 1e-12);
    assert_eq!(row.matched, figures.matched);
    assert_eq!(
        row.centred_cross,
        similarity(&raw.centred().unit()).unwrap().cross
    );
    let halves = split_half(&raw, 0).unwrap();
    assert_eq!(
        (row.split_half, row.split_half_floor),
        (halves.cosine, halves.floor.unwrap())
    );
    let separation = separability(&raw).unwrap();
    assert_eq!(
        (row.separation_auc, row.effect_size),
        (separation.auc, separation.effect_size.unwrap())
    );
    let rounded = similarity(&PairedGram::of(&pairs.rounded_to_bf16()).unit()).unwrap();
    assert_eq!((row.bf16_within, row.bf16_cross), (rounded.within, rounded.cross));
    let trimmed = similarity(&PairedGram::of(&pairs.without(&[5])).unit()).unwrap();
    assert_eq!(
        (row.trimmed_within, row.trimmed_cross),
        (trimmed.within, trimmed.cross)
    );
    assert!(
        row.trimmed_difference > 5.0 * row.permutation_difference,
        "dimension 5 hides the difference"
    );
}

#[test]
fn dimensions_that_carry_the_norm_are_named() {
    let outcome = outcome(&[0, 3], 9);
    let outliers = Outlier::read(&outcome.example.out.join("outliers.parquet"))
        .unwrap()
        .0;
    let named: Vec<(usize, usize)> = outliers.iter().map(|row| (row.layer, row.dimension)).collect();
    assert_eq!(named, [(0, 5), (1, 5)]);
    assert!(outliers[0].share > 0.9);
    assert!(
        outcome
            .summary
            .findings
            .iter()
            .any(|text| text.starts_with("Dimension 5 carries"))
    );
}

#[test]
fn other_directions_are_as_long_as_the_contrast_and_point_its_way() {
    let outcome = outcome(&[0, 3], 9);
    let of_layer: Vec<&VectorRow> = outcome.vectors.iter().filter(|row| row.layer == 1).collect();
    let norm = of_layer[0].norm;
    for (name, cosine) in [
        ("pca", outcome.statistics[1].pca_cosine),
        ("probe", outcome.statistics[1].probe_cosine),
        ("lda", outcome.statistics[1].lda_cosine),
    ] {
        let row = of_layer
            .iter()
            .find(|row| row.vector_name.name() == name)
            .unwrap();
        assert!((row.norm - norm).abs() < 1e-9 * norm, "{name}");
        let product: f64 = row
            .vector
            .iter()
            .zip(&of_layer[0].vector)
            .map(|(a, b)| f64::from(*a) * f64::from(*b))
            .sum();
        assert!((product / (norm * norm) - cosine).abs() < 1e-6, "{name}");
        assert!(cosine > 0.7, "{name}: {cosine}");
    }
}

#[test]
fn a_design_tells_the_speaker_from_the_transcript() {
    let outcome = outcome(&[0, 1, 2, 3], 9);
    assert_eq!(outcome.effects.len(), 2);
    let vector = |name: &str| {
        let row = outcome
            .vectors
            .iter()
            .find(|row| row.layer == 1 && row.vector_name.name() == name);
        row.unwrap().vector.clone()
    };
    let (speaker, transcript, contrast) = (
        vector("effect.speaker"),
        vector("effect.transcript"),
        vector("contrast"),
    );
    assert!(
        (speaker[1] - 4.0).abs() < 0.6 && speaker[2].abs() < 0.6,
        "{speaker:?}"
    );
    assert!(
        (transcript[2] - 2.0).abs() < 0.6 && transcript[1].abs() < 0.6,
        "{transcript:?}"
    );
    for ((contrast, speaker), transcript) in contrast.iter().zip(&speaker).zip(&transcript) {
        assert!(
            (contrast - speaker - transcript).abs() < 1e-5,
            "the contrast is both effects together"
        );
    }
    let effects = &outcome.effects[1];
    let length = |vector: &[f32]| {
        vector
            .iter()
            .map(|value| f64::from(*value).powi(2))
            .sum::<f64>()
            .sqrt()
    };
    assert!((effects.speaker_norm - length(&speaker)).abs() < 1e-5);
    assert!((effects.transcript_norm - length(&transcript)).abs() < 1e-5);
    // 16 of the contrast's 20.
    assert!((effects.speaker_share - 0.8).abs() < 0.1, "{effects:?}");
    assert!(
        outcome
            .summary
            .findings
            .iter()
            .any(|text| text.contains("is the speaker whose turn is opened"))
    );
    assert!(
        crate::rigour::outcome(&[0, 3], 9).effects.is_empty(),
        "two conditions are no design"
    );
}

#[test]
fn too_few_prompts_are_told_how_many_would_do() {
    let few = outcome(&[0, 3], 4).summary;
    assert_eq!((few.labellings, few.smallest_p), (16, 0.125));
    assert!(few.significant_layers.is_empty());
    assert!(
        few.findings[0].contains("too few") && few.findings[0].contains("6 prompts would do"),
        "{:?}",
        few.findings
    );
    let enough = outcome(&[0, 3], 9).summary;
    assert_eq!(
        (enough.significant_layers.as_slice(), enough.onset),
        (&[0, 1][..], Some(0))
    );
    assert!(
        enough.findings[1].contains("layers 0 to 1"),
        "{:?}",
        enough.findings
    );
}

#[test]
fn contrasts_of_all_layers_are_compared() {
    let outcome = outcome(&[0, 3], 9);
    let depth = DepthCosine::read(&outcome.example.out.join("depth.parquet"))
        .unwrap()
        .0;
    let cosine = |a: usize, b: usize| {
        depth
            .iter()
            .find(|row| (row.layer_a, row.layer_b) == (a, b))
            .unwrap()
            .cosine
    };
    assert_eq!(depth.len(), 4);
    assert!((cosine(1, 1) - 1.0).abs() < 1e-12 && cosine(0, 1) == cosine(1, 0));
    assert!(cosine(0, 1) > 0.9 && cosine(0, 1) < 1.0);
}

#[test]
fn a_cleaned_contrast_has_nothing_left_of_what_was_taken_out() {
    let example = outcome(&[0, 3], 9).example;
    let mut pipeline = example.pipeline_of(&conditions(&[0, 3]));
    pipeline.contrast.project_out = vec!["mean.normal".to_owned(), "mean.swapped".to_owned()];
    analyze::run(&pipeline, &example.layout, &example.out).unwrap();
    let vectors = read_contrast_vectors(&example.out.join("contrast.safetensors")).unwrap();
    let vector = |name: &str| -> Vec<f64> {
        let vector = vectors.get(name, 1).unwrap();
        vector.iter().map(|value| f64::from(*value)).collect()
    };
    let cleaned = vector("contrast.cleaned");
    for mean in ["mean.normal", "mean.swapped"] {
        let product: f64 = cleaned.iter().zip(vector(mean)).map(|(a, b)| a * b).sum();
        assert!(product.abs() < 1e-3, "{mean}: {product}");
    }
    // The contrast is the difference of the two means, so that nothing is left of it.
    assert!(analyze::norm(&cleaned) < 1e-5 * analyze::norm(&vector("contrast")));
}
