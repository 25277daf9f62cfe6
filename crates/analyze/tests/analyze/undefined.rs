//! What can't be determined is null in the tables and said in words, never a placeholder number.

use results::{
    Activation, DepthCosine, LayerStatistics, StatisticsSummary, Table, VectorComparison,
    read_statistics_summary,
};
use terms::Pooling;

use crate::example::{Example, activation};
use crate::numbers::Numbers;

const HIDDEN: usize = 6;

type Rows = Vec<Vec<f32>>;

/// `[prompt][hidden]` of both conditions, at each of two layers.
fn rows(prompts: usize, seed: u64) -> [Rows; 2] {
    let mut numbers = Numbers(seed);
    let mut condition = |along: f32| {
        let mut row = || {
            let mut row: Vec<f32> = (0..HIDDEN).map(|_| numbers.next()).collect();
            row[1] += along;
            row
        };
        (0..prompts).map(|_| row()).collect()
    };
    [condition(3.0), condition(-3.0)]
}

fn run(of_layer: impl Fn(usize) -> [Rows; 2]) -> (Vec<LayerStatistics>, StatisticsSummary, Example, String) {
    let example = Example::new();
    for layer in 0..2 {
        let [positive, negative] = of_layer(layer);
        let rows = |condition: &'static str, rows: Rows| {
            let rows = rows.into_iter().enumerate();
            rows.map(move |(prompt, row)| {
                activation(condition, &format!("p{prompt}"), Pooling::Newline, &row)
            })
        };
        let all: Vec<Activation> = rows("normal", positive)
            .chain(rows("swapped", negative))
            .collect();
        example.write_layer(layer, &all);
    }
    let pipeline = example.pipeline("normal", "swapped");
    let text = analyze::run(&pipeline, &example.layout, &example.out).unwrap();
    let statistics = LayerStatistics::read(&example.out.join("statistics.parquet"))
        .unwrap()
        .0;
    let summary = read_statistics_summary(&example.out.join("statistics.json")).unwrap();
    for words in ["NaN", "inf "] {
        assert!(!text.contains(words), "{text}");
    }
    (statistics, summary, example, text)
}

/// Nine prompts, the last three of which are copies of the first: no p below 2/64 is possible.
#[test]
fn copies_of_a_prompt_are_not_counted() {
    let with_copies = |layer: usize| {
        let [mut plus, mut minus] = rows(6, 50 + layer as u64);
        for _ in 0..3 {
            plus.push(plus[0].clone());
            minus.push(minus[0].clone());
        }
        [plus, minus]
    };
    let (statistics, summary, ..) = run(with_copies);
    assert_eq!((summary.prompts, summary.all_prompts), (6, 9));
    assert_eq!((summary.labellings, summary.smallest_p), (64, 2.0 / 64.0));
    assert!(
        summary.findings[0].starts_with("Of 9 prompts 3 have the very rows of an earlier one"),
        "{:?}",
        summary.findings
    );
    for row in &statistics {
        assert_eq!(row.prompts, 6);
        assert!(row.permutation_p >= 2.0 / 64.0 && row.permutation_p_family >= row.permutation_p);
    }
    let (without, ..) = run(|layer| rows(6, 50 + layer as u64));
    assert_eq!(
        without[1].permutation_p_family,
        statistics[1].permutation_p_family
    );
    assert_eq!(without[1].within_low, statistics[1].within_low);
}

/// Prompts that are equal at only one layer, or in only one condition, are different prompts.
#[test]
fn prompts_that_differ_somewhere_are_counted() {
    let (statistics, summary, ..) = run(|layer| {
        let [mut plus, mut minus] = rows(6, 60 + layer as u64);
        plus[1] = plus[0].clone();
        if layer == 0 {
            minus[1] = minus[0].clone();
        }
        [plus, minus]
    });
    assert_eq!((summary.prompts, statistics[0].prompts), (6, 6));
    assert!(
        summary.findings[0].starts_with("6 prompts have 64"),
        "{:?}",
        summary.findings
    );
}

/// The position that is read comes before the prompt: all rows of a condition are the same.
#[test]
fn of_prompts_that_are_all_the_same_nothing_is_said() {
    let (statistics, summary, ..) = run(|layer| {
        let [plus, minus] = rows(1, 70 + layer as u64);
        [vec![plus[0].clone(); 5], vec![minus[0].clone(); 5]]
    });
    assert_eq!((summary.prompts, summary.all_prompts), (1, 5));
    assert!(summary.significant_layers.is_empty());
    assert!(
        summary.findings[1].contains("no intervals and no tests") && summary.findings.len() == 2,
        "{:?}",
        summary.findings
    );
    for row in &statistics {
        assert_eq!(
            (row.prompts, row.permutation_p, row.permutation_p_family),
            (1, 1.0, 1.0)
        );
        for (what, value) in [
            ("interval", row.within_low),
            ("interval of the norm", row.contrast_norm_high),
            ("test", row.permutation_difference),
            ("halves", row.split_half),
            ("AUC", row.separation_auc),
            ("effect size", row.effect_size),
            ("centred", row.centred_within),
        ] {
            assert!(value.is_nan(), "{what}: {value}");
        }
        assert!((row.pca_cosine - 1.0).abs() < 1e-6);
    }
}

#[test]
fn two_prompts_have_no_intervals() {
    let (statistics, summary, ..) = run(|layer| rows(2, 80 + layer as u64));
    assert!(
        summary.findings[0].contains("too few for an interval"),
        "{:?}",
        summary.findings
    );
    for row in &statistics {
        assert!(row.within_low.is_nan() && row.difference_high.is_nan() && row.contrast_norm_low.is_nan());
        assert!(row.matched.is_finite() && row.effect_size.is_finite());
        assert_eq!(row.permutation_p, 1.0);
    }
}

/// The positive condition's rows in another order: the means are the same except for rounding,
/// which has no direction.
#[test]
fn a_contrast_of_zero_has_no_cosines() {
    let (statistics, summary, example, _) = run(|layer| {
        let [plus, _] = rows(7, 90 + layer as u64);
        let minus = plus.iter().rev().cloned().collect();
        [plus, minus]
    });
    assert!(summary.significant_layers.is_empty());
    for row in &statistics {
        assert!(row.pca_cosine.is_nan() && row.probe_cosine.is_nan() && row.lda_cosine.is_nan());
        assert_eq!(row.contrast_norm_relative, 0.0);
    }
    let depth = DepthCosine::read(&example.out.join("depth.parquet")).unwrap().0;
    assert!(depth.iter().all(|row| row.cosine.is_nan()));
    assert_eq!(
        VectorComparison::read(&example.out.join("comparisons.parquet"))
            .unwrap()
            .0,
        []
    );
}

/// All prompts' scores in a condition are the same, so the effect has no unit.
#[test]
fn without_spread_there_is_no_effect_size() {
    let (statistics, summary, ..) = run(|layer| {
        let of = |sign: f32| {
            let row = |prompt: usize| {
                let mut row = vec![0.25; HIDDEN];
                row[0] = sign * 1.7;
                row[1 + prompt % (HIDDEN - 1)] = 3.3 + layer as f32;
                row
            };
            (0..5).map(row).collect()
        };
        [of(1.0), of(-1.0)]
    });
    for row in &statistics {
        assert_eq!((row.separation_auc, row.separation_accuracy), (1.0, 1.0));
        assert!(row.effect_size.is_nan(), "{}", row.effect_size);
        assert!(row.split_half > 0.999 && row.split_half_floor.is_nan());
    }
    assert!(summary.findings.iter().all(|finding| !finding.contains("NaN")));
}
