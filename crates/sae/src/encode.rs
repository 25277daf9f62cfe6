use std::ops::Range;

use kernels::{Rounding, Weight, multiply};
use rayon::prelude::*;
use results::Result;

use crate::{Activation, SparseAutoencoder};

/// A feature that is active.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Active {
    /// Which one.
    pub feature: usize,
    /// Its activation, above 0.
    pub value: f32,
}

/// What an activation is encoded as.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Encoded {
    /// The features that are active, ascending. All others are 0.
    pub active: Vec<Active>,
    /// One unit of a feature adds this many of its [`direction`](SparseAutoencoder::direction) to the
    /// activation: 1 where activations are not normalised.
    pub scale: f32,
    /// What is added to every number of the decoded activation.
    pub shift: f32,
}

/// Features whose columns of the encoder are turned into rows at a time: 4 KB of each of its rows in
/// f32, and some megabytes as rows.
const FEATURES_AT_ONCE: usize = 1024;

/// Rows that are multiplied with these at a time.
const ROWS_AT_ONCE: usize = 512;

impl SparseAutoencoder {
    /// The active features of each of `rows: [rows, hidden]`, one after the other. The encoder is read
    /// once, however many rows there are; a row's features do not depend on the others.
    ///
    /// # Errors
    /// Weights that are not finite.
    pub fn encode(&self, rows: &[f32]) -> Result<Vec<Encoded>> {
        let hidden = self.hidden_size();
        let (inputs, mut encoded) = self.inputs(rows);
        let encoder = self.encoder()?;
        let mut products = Vec::new();
        for first in (0..self.features()).step_by(FEATURES_AT_ONCE) {
            let features = first..(first + FEATURES_AT_ONCE).min(self.features());
            let weights = encoder.columns_as_rows(features.clone());
            if let Some(place) = weights.iter().position(|value| !value.is_finite()) {
                return Err(self.tensors.invalid(format!(
                    "tensor `W_enc` holds a number that is not finite at feature {}; download it again",
                    first + place / hidden
                )));
            }
            let blocks = inputs.chunks(ROWS_AT_ONCE * hidden);
            for (inputs, encoded) in blocks.zip(encoded.chunks_mut(ROWS_AT_ONCE)) {
                products.resize(encoded.len() * features.len(), 0.0);
                multiply(
                    inputs,
                    hidden,
                    Weight::F32(&weights),
                    Rounding::None,
                    &mut products,
                );
                let rows = products.par_chunks(features.len()).zip(encoded);
                rows.for_each(|(products, encoded)| self.activate(features.clone(), products, encoded));
            }
        }
        if let Activation::TopK { .. } = self.activation {
            encoded.par_iter_mut().for_each(|encoded| {
                encoded.active.retain(|active| active.value > 0.0);
                encoded.active.sort_unstable_by_key(|active| active.feature);
            });
        }
        Ok(encoded)
    }

    /// The activation that the features stand for, `[hidden]`, summed in f64.
    ///
    /// # Errors
    /// A feature that it does not have.
    pub fn decode(&self, encoded: &Encoded) -> Result<Vec<f32>> {
        let mut sums: Vec<f64> = self.decoder_biases.iter().map(|bias| f64::from(*bias)).collect();
        for active in &encoded.active {
            let direction = self.direction(active.feature)?;
            for (sum, value) in sums.iter_mut().zip(direction) {
                *sum += f64::from(active.value) * f64::from(value);
            }
        }
        let (scale, shift) = (f64::from(encoded.scale), f64::from(encoded.shift));
        Ok(sums.into_iter().map(|sum| (sum * scale + shift) as f32).collect())
    }

    /// What is multiplied with the encoder, and for each row what undoes its normalisation.
    fn inputs(&self, rows: &[f32]) -> (Vec<f32>, Vec<Encoded>) {
        let mut inputs = rows.to_vec();
        let prepare = |row: &mut [f32]| {
            let (shift, divisor, scale) = self.description.normalization.of_row(row);
            for (value, bias) in row.iter_mut().zip(&self.decoder_biases) {
                *value = (*value - shift) / divisor;
                if self.description.subtracts_decoder_bias {
                    *value -= bias;
                }
            }
            Encoded {
                active: Vec::new(),
                scale,
                shift,
            }
        };
        let encoded = inputs.par_chunks_mut(self.hidden_size()).map(prepare).collect();
        (inputs, encoded)
    }

    /// Adds to a row's features the active ones of a range, from their products with the input.
    fn activate(&self, features: Range<usize>, products: &[f32], encoded: &mut Encoded) {
        for (feature, dot) in features.zip(products) {
            let norm = self.decoder_norms.as_ref().map_or(1.0, |norms| norms[feature]);
            let pre = (dot + self.encoder_biases[feature]) * norm;
            match self.activation {
                Activation::TopK { .. } => encoded.active.push(Active { feature, value: pre }),
                _ => {
                    let value = self.activation.of(feature, *dot, pre);
                    encoded
                        .active
                        .extend(value.map(|value| Active { feature, value }));
                }
            }
        }
        if let Activation::TopK { k } = self.activation {
            keep_largest(&mut encoded.active, k);
        }
    }
}

/// Keeps the `k` largest; of equal ones the first.
fn keep_largest(active: &mut Vec<Active>, k: usize) {
    if active.len() > k {
        let by_size = |a: &Active, b: &Active| b.value.total_cmp(&a.value).then(a.feature.cmp(&b.feature));
        active.select_nth_unstable_by(k - 1, by_size);
        active.truncate(k);
    }
}
