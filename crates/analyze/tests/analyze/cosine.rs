use analyze::{cosine_matrix, mean_of_all, mean_of_pairs, unit_rows};

fn cosines(a: &[Vec<f32>], b: &[Vec<f32>]) -> Vec<Vec<f64>> {
    cosine_matrix(&unit_rows(a), &unit_rows(b))
}

#[test]
fn cosines_by_hand() {
    let rows = [vec![3.0, 4.0], vec![1.0, 0.0], vec![0.0, -2.0]];
    let matrix = cosines(&rows, &rows);
    assert_eq!(matrix, [[1.0, 0.6, -0.8], [0.6, 1.0, 0.0], [-0.8, 0.0, 1.0]]);
    assert!((mean_of_pairs(&matrix) - (0.6 - 0.8 + 0.0) / 3.0).abs() < 1e-15);
    assert!((mean_of_all(&matrix) - (3.0 + 2.0 * (0.6 - 0.8)) / 9.0).abs() < 1e-15);
}

#[test]
fn scaling_leaves_cosines_alone() {
    let rows = [vec![0.1, -0.7, 2.5], vec![1.5, 0.2, 0.3], vec![-4.0, 0.1, 0.9]];
    // A power of two scales without rounding, so the cosines stay equal to the last bit.
    let scaled: Vec<Vec<f32>> = rows
        .iter()
        .map(|row| row.iter().map(|value| value * 1024.0).collect())
        .collect();
    assert_eq!(cosines(&rows, &rows), cosines(&scaled, &rows));
}

#[test]
fn a_matrix_with_itself_is_symmetric_and_has_a_unit_diagonal() {
    let rows = [vec![0.1, -0.7, 2.5], vec![1.5, 0.2, 0.3], vec![-4.0, 0.1, 0.9]];
    let matrix = cosines(&rows, &rows);
    for (i, row) in matrix.iter().enumerate() {
        assert!((row[i] - 1.0).abs() < 1e-15);
        for (j, &cosine) in row.iter().enumerate() {
            assert_eq!(cosine, matrix[j][i]);
        }
    }
}
