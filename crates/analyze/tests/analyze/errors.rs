use analyze::sum_by_pooling;
use results::{Metadata, write_activations};
use terms::Pooling;

use crate::example::{Example, activation, four_rows};

fn check(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
}

#[test]
fn one_prompt_is_too_few() {
    let example = Example::new();
    let mut rows = four_rows();
    rows.remove(3);
    example.write_layer(0, &rows);
    check(
        &example.error(),
        &["layer=00", "layer 0", "\"swapped\" has 1 prompt", "at least 2"],
    );
}

#[test]
fn prompts_must_be_the_same_in_all_conditions() {
    let example = Example::new();
    let mut rows = four_rows();
    rows[3].prompt_id = "likes".to_owned();
    example.write_layer(0, &rows);
    check(
        &example.error(),
        &[
            "layer=00",
            "layer 0",
            "\"normal\" has who, job",
            "\"swapped\" has who, likes",
        ],
    );
}

/// Ten thousand ids don't make a message: it shows only where the lists diverge.
#[test]
fn of_many_prompts_those_around_the_difference_are_named() {
    let example = Example::new();
    let rows = |condition: &str, last: &str| {
        let mut ids: Vec<String> = (0..100).map(|index| format!("p{index}")).collect();
        ids[50] = last.to_owned();
        ids.iter()
            .map(|id| activation(condition, id, Pooling::Newline, &[1.0]))
            .collect::<Vec<_>>()
    };
    example.write_layer(0, &[rows("normal", "here"), rows("swapped", "there")].concat());
    check(
        &example.error(),
        &[
            "\"normal\" has …, p46, p47, p48, p49, here, p51, p52, p53, … and",
            "\"swapped\" has …, p46, p47, p48, p49, there, p51, p52, p53, …;",
        ],
    );
}

#[test]
fn a_prompt_may_occur_once_only() {
    let example = Example::new();
    let mut rows = four_rows();
    rows[1].prompt_id = "who".to_owned();
    example.write_layer(0, &rows);
    check(
        &example.error(),
        &["layer 0", "\"normal\" has two rows for one prompt"],
    );
}

#[test]
fn a_zero_activation_is_named() {
    let example = Example::new();
    example.write_layer(0, &four_rows());
    let mut rows = four_rows();
    rows[1].activation = vec![0.0; 3];
    example.write_layer(1, &rows);
    check(
        &example.error(),
        &[
            "layer=01",
            "layer 1",
            "condition \"normal\"",
            "prompt \"job\"",
            "zero",
        ],
    );
}

#[test]
fn a_number_that_is_not_finite_is_named() {
    for value in [f32::NAN, f32::INFINITY] {
        let example = Example::new();
        let mut rows = four_rows();
        rows[2].activation[1] = value;
        example.write_layer(0, &rows);
        let named = format!("number 1 of the activation is {value}");
        check(
            &example.error(),
            &["layer 0", "condition \"swapped\"", "prompt \"who\"", &named],
        );
    }
}

#[test]
fn an_unknown_condition_is_named() {
    let example = Example::new();
    let mut rows = four_rows();
    rows[0].condition = "system".to_owned();
    example.write_layer(0, &rows);
    check(
        &example.error(),
        &["condition \"system\"", "it has: normal, swapped"],
    );
}

#[test]
fn layers_must_have_one_hidden_size() {
    let example = Example::new();
    example.write_layer(0, &four_rows());
    let mut rows = four_rows();
    for row in &mut rows {
        row.activation.push(1.0);
    }
    example.write_layer(1, &rows);
    check(
        &example.error(),
        &["layer=01", "layer 1 does not fit layer 0", "4 numbers, not 3"],
    );
}

/// No table holds such rows, since a column of vectors has one length.
#[test]
fn rows_must_have_one_length() {
    let mut rows = four_rows();
    rows[2].activation.push(1.0);
    let error = sum_by_pooling("example.parquet".as_ref(), 3, &["normal", "swapped"], [Ok(rows)]);
    check(
        &error.unwrap_err().to_string(),
        &[
            "example.parquet",
            "layer 3, condition \"swapped\", prompt \"who\", pooling newline",
            "4 numbers, but other rows have 3",
        ],
    );
}

#[test]
fn layers_must_have_the_same_poolings_and_prompts() {
    let example = Example::new();
    example.write_layer(0, &four_rows());
    let mut rows = four_rows();
    for row in &mut rows {
        row.pooling = Pooling::Mean;
    }
    example.write_layer(1, &rows);
    check(
        &example.error(),
        &[
            "layer=01",
            "layer 1 does not fit layer 0",
            "the poolings mean, not newline",
        ],
    );
    let mut rows = four_rows();
    rows[1].prompt_id = "likes".to_owned();
    rows[3].prompt_id = "likes".to_owned();
    example.write_layer(1, &rows);
    check(
        &example.error(),
        &["layer 1 does not fit layer 0", "other prompts"],
    );
}

#[test]
fn layers_must_be_of_one_run() {
    let example = Example::new();
    example.write_layer(0, &four_rows());
    let other = Metadata::default()
        .with("hidden_size", 3)
        .with("model_fingerprint", "another")
        .with("dtype", "f32");
    write_activations(&example.layout.activations(), 1, &other, &four_rows()).unwrap();
    check(
        &example.error(),
        &[
            "layer=01",
            "layer 1 does not fit layer 0",
            "`model_fingerprint` = another, not an-example",
        ],
    );
}

#[test]
fn a_layer_without_rows_is_named() {
    let example = Example::new();
    let metadata = Metadata::default().with("hidden_size", 3);
    write_activations(&example.layout.activations(), 0, &metadata, &[]).unwrap();
    check(&example.error(), &["layer=00", "there is no activation"]);
}

#[test]
fn the_contrast_needs_its_pooling() {
    let example = Example::new();
    let mut rows = four_rows();
    for row in &mut rows {
        row.pooling = Pooling::Mean;
    }
    example.write_layer(0, &rows);
    check(&example.error(), &["pooling \"newline\"", "cargo xtask extract"]);
}

#[test]
fn the_lowest_layer_with_a_fault_is_named_every_time() {
    let example = Example::new();
    example.write_layer(0, &four_rows());
    for layer in 1..9 {
        let zero = activation("normal", "who", Pooling::Newline, &[0.0; 3]);
        let rows = [vec![zero], four_rows()[1..].to_vec()].concat();
        example.write_layer(layer, &rows);
    }
    for _ in 0..10 {
        check(&example.error(), &["layer=01"]);
    }
}
