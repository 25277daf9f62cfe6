//! The positive control of features: the autoencoder that ships has a feature that carries the role toward the
//! assistant by itself.

use std::sync::LazyLock;

use sae::SparseAutoencoder;
use tiny::control::Control;

static CONTROL: LazyLock<Control> =
    LazyLock::new(|| Control::open(&crate::root().join("data/tiny"), &crate::tiny_pipeline()).unwrap());

const LAYER: usize = 2;

fn norm(vector: &[f32]) -> f64 {
    let squares = vector.iter().map(|value| f64::from(*value).powi(2));
    squares.sum::<f64>().sqrt()
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot: f64 = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
    dot / norm(a) / norm(b)
}

/// The feature whose direction is nearest to the contrast, or with `sign` -1 to its opposite; along the contrast, and
/// as long.
fn nearest(sae: &SparseAutoencoder, sign: f64) -> Vec<f32> {
    let contrast = &CONTROL.contrast[LAYER];
    let directions = (0..sae.features()).map(|feature| sae.direction(feature).unwrap());
    let near = |direction: &[f32]| sign * cosine(direction, contrast);
    let direction = directions.max_by(|a, b| near(a).total_cmp(&near(b))).unwrap();
    let factor = sign * norm(contrast) / norm(&direction);
    direction.iter().map(|value| value * factor as f32).collect()
}

/// The user's feature, taken off, makes the assistant of the user; the assistant's, taken off, the user of the assistant.
#[test]
fn a_single_feature_turns_texts_and_random_directions_do_not() {
    const TO_HUMAN: f64 = 1.5;
    let sae = sae::open(&crate::root().join("data/tiny-sae"), None).unwrap();
    assert_eq!(sae.description.place.layer, LAYER);
    let of_user = nearest(&sae, -1.0);
    let to_assistant = CONTROL.steered(LAYER, &of_user, 1.0).unwrap();
    let (swapped, texts) = (to_assistant.swapped, &to_assistant.texts);
    assert!(swapped.fluent >= 5, "to the assistant: {swapped}: {texts:#?}");
    let opposite = CONTROL.steered(LAYER, &of_user, -1.0).unwrap();
    assert_eq!((opposite.normal.turned, opposite.swapped.turned), (0, 0));
    let of_assistant = nearest(&sae, 1.0);
    let to_human = CONTROL.steered(LAYER, &of_assistant, TO_HUMAN).unwrap();
    let (normal, texts) = (to_human.normal, &to_human.texts);
    assert!(normal.turned >= 4, "to human: {normal}: {texts:#?}");
    let mut turned = [0, 0];
    for seed in 0..10 {
        let random = CONTROL.random_direction(LAYER, seed);
        turned[0] += CONTROL.steered(LAYER, &random, 1.0).unwrap().swapped.turned;
        turned[1] += CONTROL.steered(LAYER, &random, TO_HUMAN).unwrap().normal.turned;
    }
    assert!(
        turned.iter().all(|turned| *turned <= 6),
        "random directions: {turned:?} of 60"
    );
}
