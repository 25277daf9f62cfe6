//! What must hold whatever the model computes.

use burn::tensor::{Device, Tensor, TensorData};
use interventions::{
    FeatureReader, Form, ablation, addition, capping, feature_ablation, feature_clamping, mean_ablation,
};
use model::{Batch, GenerationRequest, ResidualTap, Sampling, generate};
use steer::{Intervention, Steer, broadcast, resolve_layer};
use terms::Positions;

use crate::golden::{golden, nano, tokens};

fn at(layer: usize, positions: Positions, form: Form) -> Intervention {
    Intervention::new(layer, positions, form)
}

/// Two rows of three positions and four dimensions.
fn residual() -> Tensor<2> {
    let values: Vec<f32> = (0..24).map(|index| (index as f32 * 0.37).sin() * 3.0).collect();
    Tensor::from_data(TensorData::new(values, [6, 4]), &Device::flex())
}

fn numbers(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

fn apply(rows: &[Vec<Intervention>], layer: usize) -> Vec<f32> {
    numbers(
        Steer::new(rows, 3, 4, &Device::flex())
            .unwrap()
            .residual(layer, batch().tokens(), residual()),
    )
}

/// Two rows of three tokens.
fn batch() -> Batch {
    Batch::of(&[[2, 3, 4], [5, 6, 7]]).unwrap()
}

const V: [f32; 4] = [1.0, -2.0, 0.5, 2.0];

#[test]
fn layers_without_an_intervention_and_coefficient_zero_change_no_bit() {
    let unsteered = numbers(residual());
    let rows = vec![vec![at(1, Positions::All, addition(&V, 3.0))], vec![]];
    assert_eq!(apply(&rows, 0), unsteered);
    let steered = apply(&rows, 1);
    assert_ne!(steered[..12], unsteered[..12]);
    assert_eq!(steered[12..], unsteered[12..], "the other row stays as it is");
    let zero = vec![
        vec![at(1, Positions::All, addition(&V, 0.0))],
        vec![at(1, Positions::Last, addition(&V, 0.0))],
    ];
    assert_eq!(apply(&zero, 1), unsteered);
}

#[test]
fn minus_v_times_minus_c_is_v_times_c() {
    let negative: Vec<f32> = V.iter().map(|value| -value).collect();
    let of = |direction: &[f32], coefficient| {
        vec![
            vec![at(0, Positions::All, addition(direction, coefficient))],
            vec![],
        ]
    };
    assert_eq!(apply(&of(&V, 2.5), 0), apply(&of(&negative, -2.5), 0));
}

#[test]
fn ablation_leaves_no_projection_and_capping_none_above_the_threshold() {
    let norm = V.iter().map(|value| value * value).sum::<f32>().sqrt();
    let projections = |values: &[f32]| -> Vec<f32> {
        values
            .chunks(4)
            .map(|h| h.iter().zip(V).map(|(a, b)| a * b).sum::<f32>() / norm)
            .collect()
    };
    let before = projections(&numbers(residual()));
    let all = |form: Form| {
        vec![
            vec![at(0, Positions::All, form.clone())],
            vec![at(0, Positions::All, form)],
        ]
    };
    let ablated = projections(&apply(&all(ablation(&V, 0.0)), 0));
    assert!(
        ablated.iter().all(|projection| projection.abs() < 1e-5),
        "{ablated:?}"
    );
    let capped = projections(&apply(&all(capping(&V, 0.5)), 0));
    assert!(
        before.iter().any(|projection| *projection > 0.5),
        "the example must have something to cap"
    );
    for (before, after) in before.iter().zip(capped) {
        assert!((after - before.min(0.5)).abs() < 1e-5, "{before} became {after}");
    }
    let mean = vec![4.0, 3.0, 2.0, 1.0];
    let expected = mean.iter().zip(V).map(|(a, b)| a * b).sum::<f32>() / norm;
    let moved = projections(&apply(&all(mean_ablation(&V, &mean)), 0));
    assert!(
        moved
            .iter()
            .all(|projection| (projection - expected).abs() < 1e-5),
        "{moved:?}"
    );
}

fn reader() -> FeatureReader {
    FeatureReader {
        row: vec![0.5, 1.0, -1.0, 0.25],
        gain: 1.5,
        bias: -0.2,
        threshold: 0.4,
    }
}

/// By the formula, in f64.
fn clamped(h: &[f32], value: f64) -> Vec<f64> {
    let reader = reader();
    let dot: f64 = h
        .iter()
        .zip(&reader.row)
        .map(|(h, e)| f64::from(*h) * f64::from(*e))
        .sum();
    let active = match dot > f64::from(reader.threshold) {
        true => (dot * f64::from(reader.gain) + f64::from(reader.bias)).max(0.0),
        false => 0.0,
    };
    let change = |(h, v): (&f32, f32)| f64::from(*h) + (value - active) * f64::from(v);
    h.iter().zip(V).map(change).collect()
}

#[test]
fn a_feature_is_held_at_a_value_and_taken_out_beside_other_rows() {
    let unsteered = numbers(residual());
    let is_on = |h: &&[f32]| h.iter().zip(reader().row).map(|(h, e)| h * e).sum::<f32>() > 0.4;
    let on = unsteered.chunks(4).filter(is_on).count();
    assert!((1..6).contains(&on), "of six tokens, {on} have the feature");
    let row = |form: Form| vec![at(0, Positions::All, form)];
    let check = |found: &[f32], before: &[f32], value: f64| {
        for (found, before) in found.chunks(4).zip(before.chunks(4)) {
            for (found, expected) in found.iter().zip(clamped(before, value)) {
                assert!(
                    (f64::from(*found) - expected).abs() < 1e-5,
                    "{found} is not {expected}"
                );
            }
        }
    };
    let both = apply(
        &[
            row(feature_clamping(&V, &reader(), 2.5)),
            row(feature_ablation(&V, &reader())),
        ],
        0,
    );
    check(&both[..12], &unsteered[..12], 2.5);
    check(&both[12..], &unsteered[12..], 0.0);
    // Ablating is clamping to 0, and changes no bit of a token without the feature.
    let zero = apply(&[vec![], row(feature_clamping(&V, &reader(), 0.0))], 0);
    assert_eq!(zero[12..], both[12..]);
    let off = unsteered[12..]
        .chunks(4)
        .zip(both[12..].chunks(4))
        .filter(|(before, _)| !is_on(before));
    off.for_each(|(before, after)| assert_eq!(before, after));
    // Beside a feature, other kinds have the bits that they have alone.
    for other in [
        capping(&V, 0.5),
        ablation(&V, 0.3),
        addition(&V, 1.5),
        reflection(),
    ] {
        let beside = apply(&[row(feature_ablation(&V, &reader())), row(other.clone())], 0);
        assert_eq!(beside[12..], apply(&[vec![], row(other)], 0)[12..]);
    }
}

/// `h - 2 (h.v^) v^`, which is a reflection.
fn reflection() -> Form {
    Form {
        gain: 2.0,
        ..Form::without(&V)
    }
}

#[test]
fn a_gain_of_two_is_a_reflection_and_changes_no_bit_of_rows_beside_it() {
    let norm = V.iter().map(|value| value * value).sum::<f32>().sqrt();
    let projections = |values: &[f32]| -> Vec<f32> {
        let dot = |h: &[f32]| h.iter().zip(V).map(|(a, b)| a * b).sum::<f32>() / norm;
        values.chunks(4).map(dot).collect()
    };
    let unsteered = numbers(residual());
    let others = [capping(&V, 0.5), ablation(&V, 0.3), addition(&V, 1.5)];
    for other in others {
        let row = |form: &Form| vec![at(0, Positions::All, form.clone())];
        let beside = apply(&[row(&reflection()), row(&other)], 0);
        for (before, after) in projections(&unsteered[..12])
            .iter()
            .zip(projections(&beside[..12]))
        {
            assert!((before + after).abs() < 1e-5, "{before} became {after}");
        }
        let without_gain = apply(&[vec![], row(&other)], 0);
        assert_eq!(beside[12..], without_gain[12..], "{other:?}");
        let alone = apply(&[row(&reflection()), vec![]], 0);
        assert_eq!(beside[..12], alone[..12], "beside {other:?}");
        assert_eq!(alone[12..], unsteered[12..]);
    }
}

#[test]
fn last_changes_the_last_position_only() {
    let steered = apply(
        &[
            vec![at(0, Positions::Last, addition(&V, 1.0))],
            vec![at(0, Positions::All, addition(&V, 1.0))],
        ],
        0,
    );
    let unsteered = numbers(residual());
    assert_eq!(steered[..8], unsteered[..8]);
    for index in (8..12).chain(12..24) {
        assert_eq!(steered[index], unsteered[index] + V[index % 4]);
    }
}

#[test]
fn interventions_of_a_layer_work_one_after_the_other() {
    let (up, ablate) = (addition(&V, 2.0), ablation(&V, 0.0));
    let run = |first: &Form, second: &Form| {
        let row = vec![
            at(0, Positions::All, first.clone()),
            at(0, Positions::All, second.clone()),
        ];
        apply(&[row, vec![]], 0)
    };
    assert_ne!(run(&up, &ablate), run(&ablate, &up));
    let ablated = apply(&[vec![at(0, Positions::All, ablate.clone())], vec![]], 0);
    for (a, b) in run(&up, &ablate).iter().zip(ablated) {
        assert!((a - b).abs() < 1e-5, "ablation takes out what was added before");
    }
}

#[test]
fn coefficient_zero_is_the_unsteered_text() {
    let (model, (tensors, facts)) = (nano(), golden());
    let prompt = tokens(&facts["inputs"]["mid"]);
    let sampling = Sampling {
        greedy: false,
        ..Sampling::greedy()
    };
    let requests = vec![
        GenerationRequest {
            prompt,
            sampling,
            seed: 5
        };
        2
    ];
    let zero = vec![
        vec![at(2, Positions::All, addition(&tensors["steer.vector"], 0.0))],
        vec![],
    ];
    let mut steer = Steer::new(&zero, 4, 64, &Device::flex()).unwrap();
    let texts = generate(&model, &requests, 12, &mut steer, &mut |_| ()).unwrap();
    let unsteered = generate(&model, &requests, 12, &mut (), &mut |_| ()).unwrap();
    assert_eq!(texts, unsteered);
}

#[track_caller]
fn check_error(intervention: Intervention, parts: &[&str]) {
    let error = format!(
        "{:#}",
        Steer::new(&[vec![], vec![intervention]], 3, 4, &Device::flex())
            .err()
            .unwrap()
    );
    assert!(parts.iter().all(|part| error.contains(part)), "{error}");
}

#[test]
fn impossible_interventions_say_what_and_where() {
    check_error(
        at(3, Positions::All, addition(&V, 1.0)),
        &["row 1", "layer 3", "0 to 2"],
    );
    check_error(
        at(1, Positions::All, addition(&V[..2], 1.0)),
        &["row 1", "layer 1", "offset has 2", "hidden size is 4"],
    );
    check_error(
        at(1, Positions::All, addition(&[f32::NAN; 4], 1.0)),
        &["layer 1", "not finite"],
    );
    // Finite, but the squares that a norm sums are not: the stream would become zeros without a word.
    for coefficient in [1e30, -1e30, 1e19] {
        check_error(
            at(1, Positions::All, addition(&V, coefficient)),
            &[
                "row 1",
                "layer 1",
                "length of the offset",
                "would overflow",
                "smaller coefficient",
            ],
        );
    }
    check_error(
        at(1, Positions::All, capping(&V, -1e30)),
        &["layer 1", "negative threshold", "would overflow"],
    );
    // Far above every projection it caps nothing, and is no fault.
    assert!(
        Steer::new(
            &[vec![at(1, Positions::All, capping(&V, 1e30))]],
            3,
            4,
            &Device::flex()
        )
        .is_ok()
    );
    let short = mean_ablation(&V, &[1.0]);
    check_error(at(1, Positions::All, short), &["offset has 1"]);
}

#[test]
fn layers_count_from_the_end_too() {
    assert_eq!(resolve_layer(-1, 6).unwrap(), 5);
    assert_eq!(resolve_layer(5, 6).unwrap(), 5);
    for layer in [6, -7] {
        let error = resolve_layer(layer, 6).unwrap_err().to_string();
        assert!(
            error.contains(&layer.to_string()) && error.contains("0 to 5"),
            "{error}"
        );
    }
}

#[test]
fn one_entry_stands_for_all() {
    assert_eq!(broadcast(&[7], 3, "layers").unwrap(), [7, 7, 7]);
    assert_eq!(broadcast(&[1, 2], 2, "layers").unwrap(), [1, 2]);
    assert!(
        broadcast(&[1, 2], 3, "layers")
            .unwrap_err()
            .to_string()
            .contains("layers has 2 entries for 3 directions")
    );
}
