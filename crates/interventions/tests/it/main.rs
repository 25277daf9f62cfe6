//! What all kinds have in common, and what each says and computes.
#![allow(clippy::unwrap_used, reason = "a test that can't go on must fail")]

use std::collections::{BTreeMap, BTreeSet};

use interventions::{
    FeatureReader, Form, Given, InterventionTable, Kind, Own, OwnValue, Sweep, ablation, addition, capping,
    feature_ablation, feature_clamping, mean_ablation, norm,
};
use terms::{CoefficientUnit, Positions};

fn with_own_keys(kind: Kind) -> InterventionTable {
    let own = Own::default();
    let direction = if kind.definition().reads_feature {
        "sae.tiny.7"
    } else {
        "contrast"
    };
    InterventionTable {
        own: match kind {
            Kind::Addition | Kind::Ablation | Kind::FeatureClamping | Kind::FeatureAblation => own,
            Kind::MeanAblation => own.with("mean", OwnValue::Vector("mean.normal".to_owned())),
            Kind::Capping => own.with("threshold", OwnValue::Number(1.5)),
        },
        ..InterventionTable::new(kind, 3, direction)
    }
}

/// Of residuals whose product with [1, 2] is above 2.
fn reader() -> FeatureReader {
    FeatureReader {
        row: vec![1.0, 2.0],
        gain: 2.0,
        bias: -1.0,
        threshold: 2.0,
    }
}

#[test]
fn words_are_unique_and_are_read_back() {
    let words: BTreeSet<&str> = Kind::WORDS.iter().copied().collect();
    assert_eq!(words.len(), Kind::ALL.len());
    for kind in Kind::ALL {
        assert_eq!(kind.as_str().parse(), Ok(*kind));
    }
    let error = "subtraction".parse::<Kind>().unwrap_err().to_string();
    assert_eq!(
        error,
        "unknown kind \"subtraction\"; use addition, ablation, mean-ablation, capping, feature-clamping, feature-ablation"
    );
}

/// A key is read before the kind may be known, so that its type follows from its name.
#[test]
fn keys_of_the_same_name_have_the_same_type() {
    let mut known = BTreeMap::new();
    for key in Kind::ALL.iter().flat_map(|kind| kind.definition().needs) {
        assert_eq!(*known.entry(key.name).or_insert(*key), *key);
        assert!(!["kind", "layers", "directions", "positions", "coefficients"].contains(&key.name));
    }
}

#[test]
fn each_kind_is_complete_with_the_keys_that_it_needs() {
    for kind in Kind::ALL {
        let table = with_own_keys(*kind);
        assert_eq!(table.problem(), None, "{kind}");
        for key in kind.definition().needs {
            let bare = InterventionTable::new(*kind, 3, "contrast");
            let expected = format!("{kind} needs {}", key.needed);
            assert_eq!(bare.problem(), Some(expected.clone()));
            assert_eq!(kind.form(&Given::of(&[1.0], 1.0)), Err(expected));
        }
    }
}

#[track_caller]
fn check_problem(table: &InterventionTable, expected: &str) {
    assert_eq!(table.problem().as_deref(), Some(expected));
}

#[test]
fn what_can_not_be_is_named_with_its_key() {
    let addition = || InterventionTable::new(Kind::Addition, 3, "contrast");
    check_problem(
        &InterventionTable {
            layers: vec![3, 4],
            ..addition()
        },
        "layers has 2 entries for 1 directions; give one, or one for each",
    );
    check_problem(
        &InterventionTable {
            coefficients: vec![1.0, 2.0],
            ..addition()
        },
        "coefficients has 2 entries for 1 directions; give one, or one for each",
    );
    check_problem(
        &InterventionTable {
            own: with_own_keys(Kind::Capping).own,
            ..addition()
        },
        "addition has no `threshold`; leave it out",
    );
    check_problem(
        &InterventionTable::new(Kind::FeatureAblation, 3, "contrast"),
        "feature-ablation needs features as directions, `sae.<name>.<feature>`, and \"contrast\" is none",
    );
    check_problem(
        &InterventionTable {
            positions: Positions::Last,
            ..with_own_keys(Kind::MeanAblation)
        },
        "mean-ablation works on all positions only; leave out `positions`",
    );
    check_problem(
        &InterventionTable {
            own: Own::default().with("threshold", OwnValue::Number(1e39)),
            ..with_own_keys(Kind::Capping)
        },
        &format!(
            "the threshold {} can't be computed with; give a smaller number",
            1e39
        ),
    );
}

/// These texts are in the tables of results.
#[test]
fn descriptions_for_tables() {
    let check = |kind: Kind, coefficient: f64, expected: &str| {
        let text = with_own_keys(kind).description("contrast", 4, coefficient, CoefficientUnit::Raw);
        assert_eq!(text, expected);
    };
    check(
        Kind::Addition,
        0.7,
        "addition of 0.7 contrast at layer 4, all positions",
    );
    check(
        Kind::Ablation,
        0.0,
        "ablation of contrast at layer 4, all positions",
    );
    check(
        Kind::Ablation,
        -0.5,
        "ablation of contrast plus -0.5 of it at layer 4, all positions",
    );
    check(
        Kind::MeanAblation,
        1.0,
        "mean ablation of contrast to mean.normal at layer 4, all positions",
    );
    check(
        Kind::Capping,
        1.0,
        "capping of contrast at 1.5 at layer 4, all positions",
    );
    let features = |kind: Kind| with_own_keys(kind).description("sae.tiny.7", 4, 2.5, CoefficientUnit::Raw);
    assert_eq!(
        features(Kind::FeatureClamping),
        "clamping of sae.tiny.7 to 2.5 at layer 4, all positions"
    );
    assert_eq!(
        features(Kind::FeatureAblation),
        "feature ablation of sae.tiny.7 at layer 4, all positions"
    );
    let last = InterventionTable {
        positions: Positions::Last,
        ..with_own_keys(Kind::Addition)
    };
    assert_eq!(
        last.description("pca", 0, -2.0, CoefficientUnit::Relative),
        "addition of -2 pca (in residual norms) at layer 0, last position"
    );
}

#[test]
fn titles_for_the_report() {
    assert_eq!(Kind::MeanAblation.title(None), "Mean ablation");
    assert_eq!(Kind::Ablation.title(None), "Ablation");
    assert_eq!(Kind::Capping.title(Some(50.0)), "Capping at the 50th percentile");
}

#[test]
fn coefficients_that_are_left_out() {
    let default = |kind: Kind, set_has: bool| with_own_keys(kind).default_coefficient(set_has);
    assert_eq!(
        (default(Kind::Addition, false), default(Kind::Addition, true)),
        (1.0, 1.0)
    );
    assert_eq!(
        (default(Kind::Ablation, false), default(Kind::Ablation, true)),
        (0.0, 1.0)
    );
}

#[test]
fn an_addition_of_nothing_is_nothing_and_an_ablation_is_not() {
    assert!(Kind::Addition.changes_nothing_at(0.0) && Kind::Addition.changes_nothing_at(-0.0));
    assert!(!Kind::Addition.changes_nothing_at(0.1) && !Kind::Ablation.changes_nothing_at(0.0));
    assert!(Form::IDENTITY.changes_nothing());
}

/// The form, applied as its documentation says.
fn applied(form: &Form, h: [f32; 2]) -> [f32; 2] {
    let unit = form.unit.clone().unwrap_or_else(|| vec![0.0; 2]);
    let offset = form.offset.clone().unwrap_or_else(|| vec![0.0; 2]);
    let reads = form.reads().map_or_else(|| vec![0.0; 2], <[f32]>::to_vec);
    let projection = h[0] * reads[0] + h[1] * reads[1];
    if let Some(reader) = &form.reader {
        let active = reader.activation(projection);
        return [0, 1].map(|index| h[index] - form.gain * active * unit[index] + offset[index]);
    }
    let kept = form
        .threshold
        .map_or(projection, |threshold| (projection - threshold).max(0.0));
    [0, 1].map(|index| h[index] - form.gain * kept * unit[index] + offset[index])
}

#[track_caller]
fn assert_near(found: [f32; 2], expected: [f32; 2]) {
    let is_near = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5);
    assert!(is_near, "{found:?} is not {expected:?}");
}

#[test]
fn every_kind_computes_its_formula() {
    // Along the direction [3, 4] the residual reaches 5 * 0.6 + 10 * 0.8 = 11.
    let (h, direction) = ([5.0, 10.0], [3.0, 4.0]);
    let without = [5.0 - 11.0 * 0.6, 10.0 - 11.0 * 0.8];
    assert_near(applied(&addition(&direction, -0.5), h), [3.5, 8.0]);
    assert_near(applied(&ablation(&direction, 0.0), h), without);
    assert_near(
        applied(&ablation(&direction, 2.0), h),
        [without[0] + 6.0, without[1] + 8.0],
    );
    assert_near(
        applied(&mean_ablation(&direction, &[1.0, -1.0]), h),
        [without[0] + 1.0, without[1] - 1.0],
    );
    assert_near(applied(&capping(&direction, 12.0), h), h);
    assert_near(
        applied(&capping(&direction, 1.0), h),
        [5.0 - 10.0 * 0.6, 10.0 - 10.0 * 0.8],
    );
}

/// At [5, 10] the feature's activation is 2 * 25 - 1 = 49, and at [1, 0] it is off.
#[test]
fn features_are_clamped_and_ablated_by_their_activation() {
    let direction = [3.0, 4.0];
    let clamping = |value| feature_clamping(&direction, &reader(), value);
    let (on, off) = ([5.0, 10.0], [1.0, 0.0]);
    assert_near(applied(&clamping(50.0), on), [5.0 + 3.0, 10.0 + 4.0]);
    assert_near(applied(&clamping(2.0), off), [1.0 + 6.0, 8.0]);
    // To the activation that it has: nothing changes.
    assert_eq!(applied(&clamping(49.0), on), on);
    assert_eq!(applied(&clamping(0.0), off), off);
    let ablation = feature_ablation(&direction, &reader());
    assert_eq!(applied(&ablation, on), [5.0 - 49.0 * 3.0, 10.0 - 49.0 * 4.0]);
    assert_eq!(applied(&ablation, on), applied(&clamping(0.0), on));
    assert_eq!(applied(&ablation, off), off);
    for kind in [Kind::FeatureClamping, Kind::FeatureAblation] {
        let told = kind.form(&Given::of(&direction, 1.0)).unwrap_err();
        assert!(told.contains("needs features as directions"), "{told}");
    }
}

#[test]
fn a_direction_of_zero_takes_nothing_out() {
    assert!(ablation(&[0.0, 0.0], 1.0).changes_nothing());
    assert_eq!(norm(&[3.0, 4.0]), 5.0);
    assert_eq!(norm(&[]), 0.0);
}

/// The sweep's mean ablation puts the mean projection of 10, times the unit vector, in the place of
/// each.
#[test]
fn the_sweep_makes_forms_of_each_kind() {
    for kind in Kind::ALL {
        let (Sweep::Sizes(form) | Sweep::Once(form) | Sweep::Percentiles(form)) = kind.definition().sweep
        else {
            assert!(kind.definition().reads_feature);
            continue;
        };
        let found = form(&[3.0, 4.0], 10.0);
        let expected = match kind {
            Kind::Addition => addition(&[3.0, 4.0], 10.0),
            Kind::Ablation => ablation(&[3.0, 4.0], 0.0),
            Kind::MeanAblation => mean_ablation(&[3.0, 4.0], &[6.0, 8.0]),
            Kind::Capping => capping(&[3.0, 4.0], 10.0),
            Kind::FeatureClamping | Kind::FeatureAblation => unreachable!("they have no doses"),
        };
        assert_eq!(found, expected);
    }
}
