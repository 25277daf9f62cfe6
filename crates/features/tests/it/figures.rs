use results::{Feature, FeatureActivity, Sae, SaeFit};

use crate::example::Example;

const NORMAL: [[f32; 4]; 4] = [
    [2.0, 0.0, 1.0, -0.5],
    [4.0, 0.0, 1.0, -0.5],
    [6.0, 0.0, 2.0, -0.5],
    [8.0, 1.0, 2.0, -0.5],
];
const SWAPPED: [[f32; 4]; 4] = [
    [0.0, 3.0, 1.0, 0.0],
    [0.0, 5.0, 2.0, 0.0],
    [0.125, 3.0, 1.0, 0.0],
    [-1.0, 5.0, 2.0, 0.0],
];

fn example() -> Example {
    let example = Example::new(&[("normal", NORMAL), ("swapped", SWAPPED)]);
    example.run(&example.pipeline("model.layers.1.output")).unwrap();
    example
}

fn close(ours: f64, theirs: f64) {
    assert!((ours - theirs).abs() < 1e-6, "{ours} and not {theirs}");
}

#[test]
fn features_have_the_figures_of_counting_by_hand() {
    let features: Vec<Feature> = example().read();
    let numbers: Vec<usize> = features.iter().map(|row| row.feature).collect();
    // Feature 3 reads a number that is never above 0, and feature 5 nothing.
    assert_eq!(numbers, [0, 1, 2, 4]);
    let [first, second, third, opposite] = &features[..] else {
        panic!()
    };
    close(first.positive_share, 1.0);
    // 0.125 is below the threshold.
    close(first.negative_share, 0.0);
    close(first.positive_mean, 5.0);
    close(first.difference, 5.0);
    close(second.positive_mean, 0.25);
    close(second.negative_mean, 4.0);
    close(third.difference, 0.0);
    close(opposite.negative_share, 0.25);
    assert_eq!((first.auc, second.auc), (1.0, 1.0));
    // All differences of feature 0 have one sign: 2 of 16 labellings are as extreme.
    close(first.p, 0.125);
    close(first.p_family, 0.125);
    assert_eq!((third.p, opposite.p), (1.0, 1.0));
    assert!(first.difference_low >= 2.0 && first.difference_high <= 8.0);
    // The contrast is [5 + 0.21875, -3.75, 0, -0.5].
    let contrast = [5.21875f64, -3.75, 0.0, -0.5];
    let norm = contrast.iter().map(|value| value * value).sum::<f64>().sqrt();
    close(first.contrast_cosine, contrast[0] / norm);
    close(opposite.contrast_cosine, -contrast[0] / norm);
    close(first.contrast_share, 5.0 * contrast[0] / (norm * norm));
    close(opposite.contrast_share, 0.25 * contrast[0] / (norm * norm));
}

#[test]
fn features_and_residue_make_up_the_contrast() {
    let example = example();
    let [sae] = &example.read::<Sae>()[..] else {
        panic!()
    };
    assert_eq!((sae.layer, sae.features, sae.tested), (1, 6, 4));
    let features: Vec<Feature> = example.read();
    let shares: f64 = features.iter().map(|row| row.contrast_share).sum();
    close(sae.features_share, shares);
    // What the threshold, and having no feature for a number below 0, leave out: [0.125, 0, 0, -0.5] / …
    let part: [f64; 4] = [5.25, -3.75, 0.0, 0.0];
    let contrast = [5.21875f64, -3.75, 0.0, -0.5];
    let norm = |vector: &[f64]| vector.iter().map(|value| value * value).sum::<f64>().sqrt();
    close(sae.contrast_norm, norm(&contrast));
    close(sae.features_norm, norm(&part));
    let residue: Vec<f64> = contrast.iter().zip(&part).map(|(a, b)| a - b).collect();
    close(sae.residue_norm, norm(&residue));
    // The residue is the difference of what is left of the rows.
    let left = |row: &[f32; 4]| {
        [
            if row[0] == 0.125 { 0.125 } else { 0.0 },
            0.0,
            0.0,
            f64::from(row[3]),
        ]
    };
    let mean =
        |rows: &[[f32; 4]; 4], number: usize| rows.iter().map(|row| left(row)[number]).sum::<f64>() / 4.0;
    for (number, residue) in residue.iter().enumerate() {
        close(*residue, mean(&NORMAL, number) - mean(&SWAPPED, number));
    }
}

#[test]
fn each_condition_has_its_fit_and_its_active_features() {
    let example = example();
    let fits: Vec<SaeFit> = example.read();
    assert_eq!(fits[0].condition, "normal");
    close(fits[0].l0, 9.0 / 4.0);
    close(fits[1].l0, 9.0 / 4.0);
    let squares = |rows: &[[f32; 4]; 4]| {
        rows.iter()
            .flatten()
            .map(|value| f64::from(value * value))
            .sum::<f64>()
    };
    close(fits[0].error, 4.0 * 0.25 / squares(&NORMAL));
    close(fits[1].error, 0.125 * 0.125 / squares(&SWAPPED));
    let mean = |number: usize| NORMAL.iter().map(|row| f64::from(row[number])).sum::<f64>() / 4.0;
    let variance = squares(&NORMAL) - 4.0 * (0..4).map(|number| mean(number).powi(2)).sum::<f64>();
    close(fits[0].variance_unexplained, 1.0 / variance);
    let activity: Vec<FeatureActivity> = example.read();
    let of = |condition: &str, feature: usize| {
        let row = activity
            .iter()
            .find(|row| row.condition == condition && row.feature == feature);
        row.map(|row| (row.share, row.mean, row.max))
    };
    assert_eq!(of("normal", 1), Some((0.25, 0.25, 1.0)));
    assert_eq!(of("swapped", 4), Some((0.25, 0.25, 1.0)));
    assert_eq!(of("swapped", 0), None);
}

#[test]
fn the_same_rows_give_the_same_bytes() {
    let (one, two) = (example(), example());
    for name in [
        "features.parquet",
        "activity.parquet",
        "fit.parquet",
        "saes.parquet",
    ] {
        let bytes = |example: &Example| fs_err::read(example.folder.path().join("out").join(name)).unwrap();
        assert_eq!(bytes(&one), bytes(&two), "{name}");
    }
}
