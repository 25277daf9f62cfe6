use statistics::{PairedRows, outlier_dimensions};

use crate::reference::{cases, close};

#[test]
fn numpy_finds_the_same_dimensions() {
    let mut found = 0;
    for case in cases() {
        let outliers = outlier_dimensions(&case.rows);
        let expected = case.expected["outliers"].as_array().unwrap();
        assert_eq!(outliers.len(), expected.len(), "{}", case.name);
        for (outlier, expected) in outliers.iter().zip(expected) {
            assert_eq!(outlier.dimension as u64, expected["dimension"].as_u64().unwrap());
            close(case.name, outlier.share, &expected["share"]);
        }
        found += outliers.len();
    }
    assert!(found > 0);
}

fn rows_with(squares: &[(usize, f32)], hidden: usize) -> PairedRows {
    let mut row = vec![0.0; hidden];
    for &(dimension, square) in squares {
        row[dimension] = square.sqrt();
    }
    PairedRows {
        plus: vec![row.clone(); 2],
        minus: vec![row; 2],
    }
}

#[test]
fn the_greatest_come_first_and_at_most_eight() {
    let squares: Vec<(usize, f32)> = (0..12).map(|k| (k * 7, 20.0 + (k % 5) as f32)).collect();
    let outliers = outlier_dimensions(&rows_with(&squares, 2000));
    let dimensions: Vec<usize> = outliers.iter().map(|outlier| outlier.dimension).collect();
    assert_eq!(dimensions, [28, 63, 21, 56, 14, 49, 7, 42]);
}

#[test]
fn the_least_share_is_the_greater_of_the_two_thresholds() {
    // A hundredth decides from 1,000 dimensions on, ten even shares below.
    let shares = |hidden: usize, parts: &[(usize, f32)]| {
        let outliers = outlier_dimensions(&rows_with(parts, hidden));
        outliers.len()
    };
    assert_eq!(shares(4000, &[(0, 98.0), (1, 1.1), (2, 0.9)]), 2);
    assert_eq!(shares(100, &[(0, 80.0), (1, 11.0), (2, 9.0)]), 2);
    assert_eq!(shares(5, &[(0, 99.0), (1, 1.0)]), 0);
    assert_eq!(shares(5, &[]), 0);
}
