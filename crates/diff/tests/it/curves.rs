use diff::{Curve, curves, interpolate};

fn curve(values: &[f64]) -> Curve {
    Curve {
        values: values.to_vec(),
        lows: values.iter().map(|value| value - 0.1).collect(),
        highs: values.iter().map(|value| value + 0.1).collect(),
    }
}

#[test]
fn a_layer_keeps_its_own_value_and_a_place_between_two_lies_on_their_line() {
    let values = [1.0, f64::NAN, 3.0, 7.0];
    assert_eq!(interpolate(&values, 0.0), 1.0);
    assert_eq!(interpolate(&values, 2.0 / 3.0), 3.0);
    assert_eq!(interpolate(&values, 1.0), 7.0);
    assert!((interpolate(&values, 5.0 / 6.0) - 5.0).abs() < 1e-12);
    assert!(interpolate(&values, 0.5).is_nan(), "a neighbour is no number");
    assert_eq!(interpolate(&[4.0], 0.0), 4.0);
    assert!(interpolate(&[], 0.0).is_nan());
}

/// A straight line is the same line however many layers it spans.
#[test]
fn models_of_different_depth_are_compared_at_the_same_relative_depth() {
    let line = |layers: usize| -> Vec<f64> {
        (0..layers)
            .map(|layer| 0.2 + 0.6 * layer as f64 / (layers - 1) as f64)
            .collect()
    };
    for (few, many) in [(6, 18), (26, 42), (2, 7)] {
        let compared = curves(&curve(&line(many)), &curve(&line(few)));
        assert_eq!(compared.rows.len(), few);
        assert!(compared.mean_distance < 1e-12, "{few} against {many}");
        assert!((compared.correlation.unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(compared.peaks, [many - 1, few - 1]);
        assert_eq!(
            compared.rows[few - 1].layers,
            [(many - 1) as f64, (few - 1) as f64]
        );
    }
}

#[test]
fn intervals_are_apart_only_where_they_share_nothing() {
    let a = curve(&[0.0, 0.0, 0.0, 0.5]);
    let b = curve(&[0.0, 0.15, 0.25, 0.2]);
    let compared = curves(&a, &b);
    let apart: Vec<bool> = compared.rows.iter().map(|row| row.is_apart()).collect();
    assert_eq!(apart, [false, false, true, true]);
    assert!((compared.mean_distance - 0.175).abs() < 1e-12);
    assert_eq!(compared.farthest, 3);
    assert!((compared.rows[3].change() + 0.3).abs() < 1e-12, "B minus A");
}

#[test]
fn a_flat_curve_has_no_shape() {
    assert_eq!(
        curves(&curve(&[0.5; 4]), &curve(&[0.1, 0.2, 0.3, 0.4])).correlation,
        None
    );
}
