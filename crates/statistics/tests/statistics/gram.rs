use statistics::PairedGram;

use crate::numbers::{dot, norm, paired_rows, wide, without_contrast};
use crate::reference::{TOLERANCE, all_close, cases};

fn all_rows(rows: &statistics::PairedRows) -> Vec<Vec<f64>> {
    rows.plus.iter().chain(&rows.minus).map(|row| wide(row)).collect()
}

fn entries(gram: &PairedGram) -> Vec<f64> {
    let size = 2 * gram.prompts();
    (0..size)
        .flat_map(|i| (0..size).map(move |j| gram.get(i, j)))
        .collect()
}

fn products(rows: &[Vec<f64>]) -> Vec<f64> {
    rows.iter().flat_map(|x| rows.iter().map(|y| dot(x, y))).collect()
}

/// Sizes on both sides of the panels and stretches that the products are cut into.
#[test]
fn every_entry_is_the_product_of_its_rows() {
    for (prompts, hidden) in [(2, 1), (3, 255), (5, 256), (6, 257), (7, 1000)] {
        let rows = paired_rows(31, prompts, hidden, 1.0);
        let gram = PairedGram::of(&rows);
        all_close(1e-12, "gram", &entries(&gram), &products(&all_rows(&rows)));
    }
}

#[test]
fn unit_and_centred_products_are_those_of_unit_and_centred_rows() {
    for case in cases() {
        let gram = PairedGram::of(&case.rows);
        let rows = all_rows(&case.rows);
        let unit: Vec<Vec<f64>> = rows
            .iter()
            .map(|row| row.iter().map(|value| value / norm(row)).collect())
            .collect();
        all_close(1e-13, case.name, &entries(&gram.unit()), &products(&unit));
        let mean = |k: usize| rows.iter().map(|row| row[k]).sum::<f64>() / rows.len() as f64;
        let means: Vec<f64> = (0..case.rows.hidden_size()).map(mean).collect();
        let centred: Vec<Vec<f64>> = rows
            .iter()
            .map(|row| row.iter().zip(&means).map(|(value, mean)| value - mean).collect())
            .collect();
        all_close(
            TOLERANCE,
            case.name,
            &entries(&gram.centred()),
            &products(&centred),
        );
        let differences = products(&case.rows.differences());
        all_close(TOLERANCE, case.name, &gram.differences(), &differences);
    }
}

#[test]
fn rows_that_are_zero_have_the_cosine_zero() {
    let mut rows = paired_rows(32, 3, 4, 1.0);
    rows.minus[1] = vec![0.0; 4];
    let unit = PairedGram::of(&rows).unit();
    for i in 0..6 {
        assert_eq!(unit.get(i, 4), 0.0);
        assert_eq!(unit.get(4, i), 0.0);
    }
    assert!((unit.get(0, 0) - 1.0).abs() < 1e-15);
}

#[test]
fn rows_that_are_all_the_same_have_nothing_left_when_centred() {
    for prompts in 2..40 {
        let mut rows = paired_rows(33, prompts, 9, 1.0);
        rows.plus = vec![rows.plus[0].clone(); prompts];
        rows.minus.clone_from(&rows.plus);
        let size = 2 * prompts;
        assert_eq!(entries(&PairedGram::of(&rows).centred()), vec![0.0; size * size]);
    }
}

#[test]
fn equal_rows_differ_by_exactly_nothing() {
    let gram = PairedGram::of(&without_contrast(34, 7, 300));
    for gram in [gram.unit(), gram.centred(), gram] {
        assert_eq!(gram.differences(), vec![0.0; 49]);
    }
}
