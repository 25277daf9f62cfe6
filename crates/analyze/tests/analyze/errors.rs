use artifacts::Pooling;

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
