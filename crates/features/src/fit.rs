//! How well an autoencoder decodes the rows of a condition.

use results::SaeFit;

/// Sums over the rows of a condition.
#[derive(Default)]
pub struct Fit {
    rows: usize,
    active: usize,
    /// Of each number of the rows.
    sums: Vec<f64>,
    squares: f64,
    errors: f64,
    cosines: f64,
    has_all_cosines: bool,
}

impl Fit {
    pub fn add(&mut self, row: &[f32], decoded: &[f32], active: usize) {
        self.has_all_cosines |= self.rows == 0;
        self.rows += 1;
        self.active += active;
        self.sums.resize(row.len(), 0.0);
        let (mut square, mut decoded_square, mut product) = (0.0, 0.0, 0.0);
        for ((sum, value), decoded) in self.sums.iter_mut().zip(row).zip(decoded) {
            let (value, decoded) = (f64::from(*value), f64::from(*decoded));
            *sum += value;
            square += value * value;
            decoded_square += decoded * decoded;
            product += value * decoded;
            self.errors += (value - decoded) * (value - decoded);
        }
        self.squares += square;
        let norms = (square * decoded_square).sqrt();
        self.has_all_cosines &= norms > 0.0;
        self.cosines += if norms > 0.0 { product / norms } else { 0.0 };
    }

    /// The mean row, `[hidden]`.
    pub fn mean(&self) -> Vec<f64> {
        self.sums.iter().map(|sum| sum / self.rows as f64).collect()
    }

    pub fn table(&self, sae: &str, condition: &str) -> SaeFit {
        let rows = self.rows as f64;
        let mean_square: f64 = self.mean().iter().map(|mean| mean * mean).sum();
        let variance = self.squares - rows * mean_square;
        // What is left of sums that cancel is rounding.
        let varies = variance > 1e-12 * self.squares;
        SaeFit {
            sae: sae.to_owned(),
            condition: condition.to_owned(),
            prompts: self.rows,
            l0: self.active as f64 / rows,
            error: self.errors / self.squares,
            cosine: if self.has_all_cosines {
                self.cosines / rows
            } else {
                f64::NAN
            },
            variance_unexplained: if varies { self.errors / variance } else { f64::NAN },
        }
    }
}
