//! Against numpy: see `scripts/analysis_reference.py`, which made the fixture.

use analyze::{analyze_layer, difference, group_by_pooling, mean_row};
use artifacts::{Activation, Pooling};
use serde_json::Value;

use crate::example::activation;

const FIXTURE: &str = include_str!("../fixtures/analysis_reference.json");
const CONDITIONS: [&str; 2] = ["normal", "swapped"];

struct Shape {
    layers: usize,
    prompts: usize,
    hidden: usize,
}

/// The generator of the script: the top 24 bits of Knuth's 64-bit generator, as exact f32 in [-1, 1).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 40) as f64 / f64::from(1 << 23) - 1.0) as f32
    }
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
    for (number, rows) in layers(size("seed"), &shape).into_iter().enumerate() {
        check_layer(number, rows, &fixture["results"][number]);
    }
}

fn check_layer(number: usize, rows: Vec<Activation>, expected: &Value) {
    let group = group_by_pooling("example.parquet".as_ref(), number, &CONDITIONS, rows)
        .unwrap()
        .remove(0);
    let (normal, swapped) = (
        group.condition("normal").unwrap(),
        group.condition("swapped").unwrap(),
    );
    let analysis = analyze_layer(&group, normal, swapped);
    let summary = &analysis.summary;
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
    for row in &analysis.similarities {
        let index = |prompt: &str| group.prompts.iter().position(|other| other == prompt).unwrap();
        let matrix = &expected[format!("{}_{}", row.condition_a, row.condition_b)];
        check(
            "cosine",
            row.cosine,
            &matrix[index(&row.prompt_a)][index(&row.prompt_b)],
        );
    }
    assert_eq!(
        analysis.similarities.len(),
        3 * group.prompts.len() * group.prompts.len()
    );
    for (index, value) in difference(&mean_row(&normal.rows), &mean_row(&swapped.rows))
        .into_iter()
        .enumerate()
    {
        check("contrast", value, &expected["contrast"][index]);
    }
    for (index, row) in analysis.projections.iter().enumerate() {
        let prompt = index % group.prompts.len();
        check(
            "projection",
            row.projection,
            &expected["projections"][&row.condition][prompt],
        );
    }
}
