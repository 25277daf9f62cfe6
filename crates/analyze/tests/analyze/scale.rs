//! A small run of a kind that is usually large: written piece by piece, with more prompts than fit
//! a matrix.

use pipeline::Pipeline;
use results::{Activation, ActivationWriter, Metadata};
use terms::Pooling;

use crate::example::{Example, activation};
use crate::numbers::Numbers;

const HIDDEN: usize = 5;

/// Conditions and poolings mixed, in pieces of awkward sizes.
fn write_run(example: &Example, layers: usize, prompts: usize) {
    let mut numbers = Numbers(7);
    let metadata = Metadata::default().with("hidden_size", HIDDEN);
    let mut writer = ActivationWriter::create(&example.layout.activations(), layers, 0, &metadata).unwrap();
    for piece in (0..prompts).collect::<Vec<_>>().chunks(23) {
        for layer in 0..layers {
            writer.append(layer, &rows(&mut numbers, piece)).unwrap();
        }
    }
    writer.finish().unwrap();
}

fn rows(numbers: &mut Numbers, prompts: &[usize]) -> Vec<Activation> {
    let mut rows = Vec::new();
    for prompt in prompts {
        for (condition, offset) in [("swapped", 0.0), ("normal", 1.0)] {
            for pooling in [Pooling::Mean, Pooling::Newline] {
                let vector: Vec<f32> = (0..HIDDEN).map(|_| numbers.next() + offset).collect();
                rows.push(activation(condition, &format!("p{prompt}"), pooling, &vector));
            }
        }
    }
    rows
}

fn pipeline(example: &Example, cosine_matrices: Option<bool>) -> Pipeline {
    let mut pipeline = example.pipeline("normal", "swapped");
    pipeline.contrast.cosine_matrices = cosine_matrices;
    pipeline
}

#[test]
fn matrices_are_written_for_few_prompts_or_when_asked_for() {
    for (prompts, asked, built) in [
        (256, None, true),
        (257, None, false),
        (257, Some(true), true),
        (20, Some(false), false),
    ] {
        let example = Example::new();
        write_run(&example, 1, prompts);
        let tables = example.tables(&pipeline(&example, asked));
        let matrices = if built { 2 * 3 } else { 0 };
        assert_eq!(
            tables.similarities.len(),
            matrices * prompts * prompts,
            "{prompts} {asked:?}"
        );
        assert_eq!(tables.projections.len(), 2 * 2 * prompts);
        assert_eq!(tables.summaries.len(), 2);
    }
}

#[test]
fn rows_of_many_pieces_lie_in_the_order_of_prompts_and_conditions() {
    let example = Example::new();
    write_run(&example, 3, 300);
    let tables = example.tables(&pipeline(&example, None));
    let mut rows = tables.projections.iter();
    for layer in 0..3 {
        for pooling in ["mean", "newline"] {
            for condition in ["normal", "swapped"] {
                for prompt in 0..300 {
                    let row = rows.next().unwrap();
                    let place = (row.layer, row.pooling.as_str(), row.condition.as_str());
                    assert_eq!(place, (layer, pooling, condition));
                    assert_eq!(row.prompt_id, format!("p{prompt}"));
                }
            }
        }
    }
}

/// The summary comes from sums, the table from matrices: both describe the same rows.
#[test]
fn the_summary_is_the_mean_of_the_table() {
    let example = Example::new();
    write_run(&example, 2, 40);
    let tables = example.tables(&pipeline(&example, None));
    for summary in &tables.summaries {
        let mean = |a: &str, b: &str| {
            let cosines: Vec<f64> = tables
                .similarities
                .iter()
                .filter(|row| row.layer == summary.layer && row.pooling == summary.pooling)
                .filter(|row| row.condition_a == a && row.condition_b == b)
                .filter(|row| a != b || row.prompt_a != row.prompt_b)
                .map(|row| row.cosine)
                .collect();
            cosines.iter().sum::<f64>() / cosines.len() as f64
        };
        for (value, expected) in [
            (summary.avg_within_positive, mean("normal", "normal")),
            (summary.avg_within_negative, mean("swapped", "swapped")),
            (summary.avg_cross_category, mean("normal", "swapped")),
        ] {
            assert!((value - expected).abs() < 1e-12, "{value} is not {expected}");
        }
    }
}
