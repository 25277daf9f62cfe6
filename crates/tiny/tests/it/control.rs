//! The positive control, on the weights that ship and at the layer and coefficient that
//! `pipelines/tiny.toml` fixes.

use std::sync::LazyLock;

use tiny::control::Control;

static CONTROL: LazyLock<Control> =
    LazyLock::new(|| Control::open(&crate::root().join("data/tiny"), &crate::tiny_pipeline()).unwrap());

/// The layer and the size of the coefficients of the set `steered`.
fn dose() -> (usize, f64) {
    let pipeline = crate::tiny_pipeline();
    let set = pipeline
        .steer
        .sets
        .iter()
        .find(|set| set.name == "steered")
        .unwrap();
    assert_eq!(set.coefficients, [-set.coefficients[1], set.coefficients[1]]);
    (set.interventions[0].layers[0] as usize, set.coefficients[1])
}

#[test]
fn each_speaker_answers_in_character() {
    let roles = CONTROL.roles().unwrap();
    assert_eq!(
        (roles.normal.turned, roles.normal.fluent),
        (6, 6),
        "as the assistant: {:#?}",
        roles.texts
    );
    assert_eq!(
        (roles.swapped.turned, roles.swapped.fluent),
        (6, 6),
        "as a human: {:#?}",
        roles.texts
    );
}

#[test]
fn the_contrast_turns_either_speaker_into_the_other() {
    let (layer, coefficient) = dose();
    let steered = CONTROL
        .steered(layer, &CONTROL.contrast[layer], coefficient)
        .unwrap();
    assert!(
        steered.normal.fluent >= 5,
        "to human: {}: {:#?}",
        steered.normal,
        steered.texts
    );
    assert!(
        steered.swapped.fluent >= 5,
        "to the assistant: {}: {:#?}",
        steered.swapped,
        steered.texts
    );
}

#[test]
fn the_opposite_sign_turns_nobody() {
    let (layer, coefficient) = dose();
    let steered = CONTROL
        .steered(layer, &CONTROL.contrast[layer], -coefficient)
        .unwrap();
    assert_eq!((steered.normal.turned, steered.swapped.turned), (0, 0));
}

#[test]
fn random_directions_of_the_same_norm_turn_hardly_anybody() {
    let (layer, coefficient) = dose();
    let norm = |direction: &[f32]| {
        direction
            .iter()
            .map(|value| f64::from(*value).powi(2))
            .sum::<f64>()
            .sqrt()
    };
    let (mut to_human, mut to_assistant) = (0, 0);
    for seed in 0..10 {
        let direction = CONTROL.random_direction(layer, seed);
        assert!((norm(&direction) / norm(&CONTROL.contrast[layer]) - 1.0).abs() < 1e-5);
        let steered = CONTROL.steered(layer, &direction, coefficient).unwrap();
        assert_eq!((steered.normal.texts, steered.swapped.texts), (6, 6));
        to_human += steered.normal.turned;
        to_assistant += steered.swapped.turned;
    }
    assert!(
        to_human <= 3 && to_assistant <= 3,
        "of 60 on each side, {to_human} became human, {to_assistant} the assistant"
    );
}

#[test]
fn within_minus_cross_is_large_where_it_is_steered() {
    let (layer, _) = dose();
    assert!(
        CONTROL.similarity_difference[layer] > 0.3,
        "{:?}",
        CONTROL.similarity_difference
    );
}
