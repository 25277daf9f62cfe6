use statistics::project_out;

use crate::numbers::{Numbers, dot, wide};
use crate::reference::{all_close, fixture, numbers};

#[test]
fn scipy_leaves_the_same() {
    let expected = fixture("project_out");
    let directions: Vec<Vec<f64>> = expected["directions"]
        .as_array()
        .unwrap()
        .iter()
        .map(numbers)
        .collect();
    let left = project_out(&numbers(&expected["vector"]), &directions);
    all_close(1e-12, "left", &left, &numbers(&expected["left"]));
    for direction in &directions {
        assert!(dot(&left, direction).abs() < 1e-13);
    }
}

#[test]
fn nothing_to_take_away_leaves_the_vector_as_it_is() {
    let vector = [1.5, -2.0, 0.25];
    assert_eq!(project_out(&vector, &[]), vector);
    assert_eq!(project_out(&vector, &[vec![0.0; 3], vec![0.0; 3]]), vector);
}

/// Nearly parallel directions span a plane all the same, and what is left is orthogonal to both.
#[test]
fn nearly_parallel_directions_both_go() {
    let mut numbers = Numbers::new(171);
    let [vector, first, other] = [0; 3].map(|_| wide(&numbers.row(30)));
    let second: Vec<f64> = first
        .iter()
        .zip(&other)
        .map(|(first, other)| first + 1e-7 * other)
        .collect();
    let left = project_out(&vector, &[first.clone(), second]);
    // The sum of the two is known to ten digits only, so `other` is checked less strictly.
    assert!(dot(&left, &first).abs() < 1e-14);
    assert!(dot(&left, &other).abs() < 1e-7);
}
