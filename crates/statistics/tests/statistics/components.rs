use statistics::{PairedRows, principal_components};

use crate::numbers::paired_rows;
use crate::reference::{TOLERANCE, all_close, cases, numbers};

fn all(rows: &PairedRows) -> Vec<&[f32]> {
    rows.plus.iter().chain(&rows.minus).map(Vec::as_slice).collect()
}

fn toward_plus(prompts: usize) -> Vec<f64> {
    let weight = 1.0 / prompts as f64;
    [vec![weight; prompts], vec![-weight; prompts]].concat()
}

#[test]
fn scikit_learn_gives_the_same_components() {
    for case in cases() {
        let found = principal_components(&all(&case.rows), &toward_plus(case.rows.prompts()));
        let expected = &case.expected["principal_components"];
        let places: Vec<f64> = expected["places"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(numbers)
            .collect();
        all_close(TOLERANCE, case.name, &found.places.concat(), &places);
        all_close(TOLERANCE, case.name, &found.shares, &numbers(&expected["shares"]));
    }
}

#[test]
fn components_point_toward_what_is_asked() {
    let rows = paired_rows(103, 12, 30, 1.5);
    let toward = toward_plus(12);
    let one = principal_components(&all(&rows), &toward);
    let other = principal_components(
        &all(&rows),
        &toward.iter().map(|weight| -weight).collect::<Vec<_>>(),
    );
    for component in 0..2 {
        let means = |range: std::ops::Range<usize>| {
            one.places[range]
                .iter()
                .map(|place| place[component])
                .sum::<f64>()
        };
        assert!(means(0..12) > means(12..24));
        for (place, turned) in one.places.iter().zip(&other.places) {
            assert_eq!(place[component], -turned[component]);
        }
    }
    // With nothing to point toward, the first row that isn't in the middle is on the positive side.
    let none = principal_components(&all(&rows), &[0.0; 24]);
    assert!(none.places[0].iter().all(|place| *place > 0.0));
}

#[test]
fn rows_that_are_few_or_the_same_have_components_of_zero() {
    let same = vec![vec![3.0_f32, 1.5, -700.25]; 5];
    let same: Vec<&[f32]> = same.iter().map(Vec::as_slice).collect();
    for rows in [&same[..], &same[..1], &[]] {
        let found = principal_components(rows, &vec![1.0; rows.len()]);
        assert_eq!(found.places, vec![[0.0; 2]; rows.len()]);
        assert_eq!(found.shares, [0.0; 2]);
    }
    // Two rows differ along one line.
    let two = principal_components(&[&[1.0, 2.0], &[1.0, 6.0]], &[-0.5, 0.5]);
    let expected = [[-2.0, 0.0], [2.0, 0.0]];
    for (place, expected) in two.places.iter().zip(expected) {
        assert!(
            (place[0] - expected[0]).abs() < 1e-12 && place[1].abs() < 1e-6,
            "{place:?}"
        );
    }
    assert!((two.shares[0] - 1.0).abs() < 1e-12 && two.shares[1] < 1e-12);
}
