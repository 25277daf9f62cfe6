//! The Cholesky factor of a symmetric positive definite matrix, and solving with it.

use rayon::prelude::*;

use crate::sums::dot;

/// This many right-hand sides go through the factor together.
const LANES: usize = 8;

/// `A = L L^T` with `L` lower triangular: `[size, size]`, row-major.
pub(crate) struct Cholesky {
    size: usize,
    factor: Vec<f64>,
}

impl Cholesky {
    /// The factor of the symmetric `[size, size]` matrix, of which only the lower triangle is read.
    /// A pivot that rounding has made zero or negative is replaced by the smallest that still
    /// divides.
    pub fn of(mut matrix: Vec<f64>, size: usize) -> Self {
        let least_pivot = f64::EPSILON * (0..size).map(|i| matrix[i * size + i]).fold(0.0, f64::max);
        for i in 0..size {
            let (done, row) = matrix.split_at_mut(i * size);
            for j in 0..i {
                let earlier = &done[j * size..][..=j];
                row[j] = (row[j] - dot(&row[..j], &earlier[..j])) / earlier[j];
            }
            let square = row[i] - dot(&row[..i], &row[..i]);
            row[i] = square.max(least_pivot).sqrt();
        }
        Cholesky { size, factor: matrix }
    }

    /// `A^-1 right`.
    pub fn solve(&self, right: &[f64]) -> Vec<f64> {
        let mut block: Vec<[f64; 1]> = right.iter().map(|&value| [value]).collect();
        self.solve_block(&mut block);
        block.into_iter().map(|[value]| value).collect()
    }

    /// `A^-1 x` for every row `x` of the row-major `[count, size]` matrix.
    pub fn solve_rows(&self, rows: &[f64]) -> Vec<f64> {
        let solved: Vec<Vec<f64>> = rows
            .par_chunks(LANES * self.size)
            .map(|rows| self.solve_few(rows))
            .collect();
        solved.concat()
    }

    fn solve_few(&self, rows: &[f64]) -> Vec<f64> {
        let mut block = vec![[0.0; LANES]; self.size];
        for (lane, row) in rows.chunks(self.size).enumerate() {
            for (values, &value) in block.iter_mut().zip(row) {
                values[lane] = value;
            }
        }
        self.solve_block(&mut block);
        let lanes = 0..rows.len() / self.size;
        lanes
            .flat_map(|lane| block.iter().map(move |values| values[lane]))
            .collect()
    }

    /// First `L y = right`, then `L^T x = y`. Both go along rows of `L`.
    fn solve_block<const N: usize>(&self, block: &mut [[f64; N]]) {
        for i in 0..self.size {
            let row = &self.factor[i * self.size..][..=i];
            let mut sums = block[i];
            for (&entry, values) in row[..i].iter().zip(&block[..i]) {
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum -= entry * value;
                }
            }
            block[i] = sums.map(|sum| sum / row[i]);
        }
        for i in (0..self.size).rev() {
            let row = &self.factor[i * self.size..][..=i];
            let solved = block[i].map(|value| value / row[i]);
            block[i] = solved;
            for (&entry, values) in row[..i].iter().zip(&mut block[..i]) {
                for (value, solved) in values.iter_mut().zip(&solved) {
                    *value -= entry * solved;
                }
            }
        }
    }
}
