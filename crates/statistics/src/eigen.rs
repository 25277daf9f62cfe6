//! The greatest eigenvalues of a symmetric matrix and their eigenvectors: Householder's tridiagonal
//! form, then the implicit QL algorithm (Golub & Van Loan, Matrix Computations, section 8.3).
//! Iterating with the matrix alone would be too inexact where the two greatest eigenvalues are
//! close.

use crate::sums::{dot, norm};

/// The eigenvalue, and the eigenvector of norm 1, of a symmetric row-major `[size, size]` matrix;
/// `size` is at least 1.
pub(crate) fn greatest_eigenpair(matrix: Vec<f64>, size: usize) -> (f64, Vec<f64>) {
    let [pair] = greatest_eigenpairs(matrix, size);
    pair
}

/// The same for as many eigenvalues as are asked for, the greatest first. Beyond the size of the
/// matrix come zeros.
pub(crate) fn greatest_eigenpairs<const COUNT: usize>(
    matrix: Vec<f64>,
    size: usize,
) -> [(f64, Vec<f64>); COUNT] {
    let mut tridiagonal = Tridiagonal::of(matrix, size);
    let mut vectors: Vec<Vec<f64>> = (0..size)
        .map(|i| (0..size).map(|j| if i == j { 1.0 } else { 0.0 }).collect())
        .collect();
    tridiagonal.diagonalise(&mut vectors);
    let values = &tridiagonal.diagonal;
    let mut order: Vec<usize> = (0..size).collect();
    order.sort_by(|&i, &j| values[j].total_cmp(&values[i]));
    std::array::from_fn(|rank| {
        let Some(&place) = order.get(rank) else {
            return (0.0, vec![0.0; size]);
        };
        let mut vector = std::mem::take(&mut vectors[place]);
        for (start, reflector) in tridiagonal.reflectors.iter().enumerate().rev() {
            reflect(&mut vector[start + 1..], reflector);
        }
        let length = norm(&vector);
        vector.iter_mut().for_each(|value| *value /= length);
        (values[place], vector)
    })
}

/// `A = H_0 H_1 .. T .. H_1 H_0` with `T` tridiagonal. `H_k` reflects the entries after `k` along a
/// vector of norm 1.
struct Tridiagonal {
    diagonal: Vec<f64>,
    /// Entry `i` couples `i` and `i + 1`; the last is 0.
    coupling: Vec<f64>,
    reflectors: Vec<Vec<f64>>,
}

impl Tridiagonal {
    fn of(mut matrix: Vec<f64>, size: usize) -> Self {
        let mut coupling = vec![0.0; size];
        let mut reflectors = Vec::new();
        for step in 0..size.saturating_sub(2) {
            // What is left of the matrix is symmetric, so that a row serves as the column.
            let mut vector = matrix[step * size + step + 1..(step + 1) * size].to_vec();
            let length = -norm(&vector).copysign(vector[0]);
            coupling[step] = length;
            vector[0] -= length;
            let own_length = norm(&vector);
            if own_length > 0.0 {
                vector.iter_mut().for_each(|value| *value /= own_length);
                reflect_both_sides(&mut matrix, size, step + 1, &vector);
            }
            reflectors.push(vector);
        }
        if size > 1 {
            coupling[size - 2] = matrix[(size - 2) * size + size - 1];
        }
        Tridiagonal {
            diagonal: (0..size).map(|i| matrix[i * size + i]).collect(),
            coupling,
            reflectors,
        }
    }

    /// Turns the diagonal into the eigenvalues. Row `i` of `vectors`, the identity at first,
    /// becomes the eigenvector of entry `i`.
    fn diagonalise(&mut self, vectors: &mut [Vec<f64>]) {
        // Two or three steps are usual for an eigenvalue.
        const MOST_STEPS: usize = 100;
        for first in 0..self.diagonal.len() {
            for _ in 0..MOST_STEPS {
                let last = self.end_of_block(first);
                if last == first {
                    break;
                }
                self.step(first, last, vectors);
            }
        }
    }

    /// The end of the block that starts at `first` and that no negligible coupling divides.
    fn end_of_block(&self, first: usize) -> usize {
        let is_end = |&i: &usize| {
            let around = self.diagonal[i].abs() + self.diagonal[i + 1].abs();
            self.coupling[i].abs() <= f64::EPSILON * around
        };
        let last = self.diagonal.len() - 1;
        (first..last).find(is_end).unwrap_or(last)
    }

    /// One implicit QL step with Wilkinson's shift on the block `first..=last`.
    fn step(&mut self, first: usize, last: usize, vectors: &mut [Vec<f64>]) {
        let (diagonal, coupling) = (&mut self.diagonal, &mut self.coupling);
        let half_gap = (diagonal[first + 1] - diagonal[first]) / (2.0 * coupling[first]);
        let root = half_gap.hypot(1.0).copysign(half_gap);
        let mut bulge = diagonal[last] - diagonal[first] + coupling[first] / (half_gap + root);
        let (mut sine, mut cosine, mut shift) = (1.0, 1.0, 0.0);
        for i in (first..last).rev() {
            let (outer, inner) = (sine * coupling[i], cosine * coupling[i]);
            let length = outer.hypot(bulge);
            coupling[i + 1] = length;
            if length == 0.0 {
                // The block has come apart here: the rest of the step has nothing to do.
                diagonal[i + 1] -= shift;
                coupling[last] = 0.0;
                return;
            }
            (sine, cosine) = (outer / length, bulge / length);
            let rest = diagonal[i + 1] - shift;
            let turned = (diagonal[i] - rest) * sine + 2.0 * cosine * inner;
            shift = sine * turned;
            diagonal[i + 1] = rest + shift;
            bulge = cosine * turned - inner;
            rotate(vectors, i, sine, cosine);
        }
        diagonal[first] -= shift;
        coupling[first] = bulge;
        coupling[last] = 0.0;
    }
}

fn rotate(vectors: &mut [Vec<f64>], i: usize, sine: f64, cosine: f64) {
    let (before, after) = vectors.split_at_mut(i + 1);
    for (lower, upper) in before[i].iter_mut().zip(&mut after[0]) {
        let (low, up) = (*lower, *upper);
        *upper = sine * low + cosine * up;
        *lower = cosine * low - sine * up;
    }
}

/// `A - 2 (v q^T + q v^T)` with `p = A v` and `q = p - (v . p) v`, on the part of the matrix from
/// `start` on.
fn reflect_both_sides(matrix: &mut [f64], size: usize, start: usize, vector: &[f64]) {
    let along: Vec<f64> = (start..size)
        .map(|i| dot(&matrix[i * size + start..(i + 1) * size], vector))
        .collect();
    let overlap = dot(vector, &along);
    let other: Vec<f64> = along
        .iter()
        .zip(vector)
        .map(|(along, value)| along - overlap * value)
        .collect();
    for (offset, (&own, &own_other)) in vector.iter().zip(&other).enumerate() {
        let i = start + offset;
        let row = &mut matrix[i * size + start..(i + 1) * size];
        for ((entry, &value), &other) in row.iter_mut().zip(vector).zip(&other) {
            *entry -= 2.0 * (own * other + own_other * value);
        }
    }
}

fn reflect(values: &mut [f64], reflector: &[f64]) {
    let overlap = 2.0 * dot(values, reflector);
    for (value, along) in values.iter_mut().zip(reflector) {
        *value -= overlap * along;
    }
}
