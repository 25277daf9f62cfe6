//! The analysis against numpy: see `scripts/analysis_reference.py`, which made the fixture.

use analyze::{analyze_layer, sum_by_pooling};
use results::Activation;
use serde_json::Value;
use terms::Pooling;

use crate::example::{Example, Tables, activation};
use crate::numbers::Numbers;

const FIXTURE: &str = include_str!("../fixtures/analysis_reference.json");
const CONDITIONS: [&str; 2] = ["normal", "swapped"];

struct Shape {
    layers: usize,
    prompts: usize,
    hidden: usize,
}

/// The rows of every layer, in the order in which the script draws them.
fn layers(seed: u64, shape: &Shape) -> Vec<Vec<Activation>> {
    let mut numbers = Numbers(seed);
    let mut layers = vec![Vec::new(); shape.layers];
    for (which, condition) in CONDITIONS.iter().enumerate() {
        for rows in &mut layers {
            for prompt in 0..shape.prompts {
                let mut vector = Vec::new();
                for index in 0..shape.hidden {
                    let value = numbers.next() + index as f32 / shape.hidden as f32;
                    vector.push(if which == 1 && index % 2 == 0 {
                        value + 0.5
                    } else {
                        value
                    });
                }
                rows.push(activation(
                    condition,
                    &format!("prompt-{prompt}"),
                    Pooling::Newline,
                    &vector,
                ));
            }
        }
    }
    layers
}

fn check(what: &str, value: f64, expected: &Value) {
    let expected = expected.as_f64().unwrap();
    assert!(
        (value - expected).abs() < 1e-9,
        "{what}: {value} is not {expected}"
    );
}

#[test]
fn numpy_gives_the_same_numbers() {
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    let size = |key: &str| fixture["shape"][key].as_u64().unwrap();
    let shape = Shape {
        layers: size("layers") as usize,
        prompts: size("prompts") as usize,
        hidden: size("hidden") as usize,
    };
    let layers = layers(size("seed"), &shape);
    let example = Example::new();
    for (number, rows) in layers.iter().enumerate() {
        example.write_layer(number, rows);
    }
    let tables = example.tables(&example.pipeline("normal", "swapped"));
    for (number, rows) in layers.into_iter().enumerate() {
        check_tables(number, shape.prompts, &tables, &fixture["results"][number]);
        check_contrast(number, rows, &fixture["results"][number]);
    }
}

fn check_tables(number: usize, prompts: usize, tables: &Tables, expected: &Value) {
    let summary = &tables.summaries[number];
    for (key, value) in [
        ("avg_within_category", summary.avg_within_category),
        ("avg_cross_category", summary.avg_cross_category),
        ("similarity_difference", summary.similarity_difference),
        ("avg_within_positive", summary.avg_within_positive),
        ("avg_within_negative", summary.avg_within_negative),
        ("contrast_norm", summary.contrast_norm),
        ("mean_residual_norm", summary.mean_residual_norm),
    ] {
        check(&format!("layer {number} {key}"), value, &expected[key]);
    }
    let index = |prompt: &str| prompt.strip_prefix("prompt-").unwrap().parse::<usize>().unwrap();
    let similarities = tables.similarities.iter().filter(|row| row.layer == number);
    for row in similarities.clone() {
        let matrix = &expected[format!("{}_{}", row.condition_a, row.condition_b)];
        check(
            "cosine",
            row.cosine,
            &matrix[index(&row.prompt_a)][index(&row.prompt_b)],
        );
    }
    assert_eq!(similarities.count(), 3 * prompts * prompts);
    let projections = tables.projections.iter().filter(|row| row.layer == number);
    for row in projections.clone() {
        let expected = &expected["projections"][&row.condition][index(&row.prompt_id)];
        check("projection", row.projection, expected);
    }
    assert_eq!(projections.count(), 2 * prompts);
}

fn check_contrast(number: usize, rows: Vec<Activation>, expected: &Value) {
    let sums = sum_by_pooling("example.parquet".as_ref(), number, &CONDITIONS, [Ok(rows)])
        .unwrap()
        .remove(0);
    let analysis = analyze_layer(
        &sums,
        sums.condition("normal").unwrap(),
        sums.condition("swapped").unwrap(),
    );
    for (index, value) in analysis.contrast.into_iter().enumerate() {
        check("contrast", value, &expected["contrast"][index]);
    }
}
