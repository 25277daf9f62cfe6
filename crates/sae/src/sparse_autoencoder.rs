use results::Result;

use crate::matrix::Matrix;
use crate::tensors::Tensors;
use crate::{Activation, Description};

/// An autoencoder, its matrices in a mapped file.
pub struct SparseAutoencoder {
    /// What its folder says.
    pub description: Description,
    /// How a feature becomes active.
    pub activation: Activation,
    /// `b_enc`, or the `b_gate` of a gated one; `[features]`.
    pub(crate) encoder_biases: Vec<f32>,
    /// `b_dec`, `[hidden]`.
    pub(crate) decoder_biases: Vec<f32>,
    /// The norms of the decoder's rows, `[features]`, where activations are counted in them: products
    /// with the encoder are multiplied by them, and decoder rows are divided.
    pub(crate) decoder_norms: Option<Vec<f32>>,
    pub(crate) tensors: Tensors,
}

impl SparseAutoencoder {
    /// Checks the shapes of the matrices against each other and reads the biases.
    pub(crate) fn new(
        description: Description,
        activation: impl FnOnce(&Tensors, usize) -> Result<Activation>,
        counts_in_decoder_norms: bool,
        tensors: Tensors,
    ) -> Result<Self> {
        let [hidden, features] = tensors.matrix_shape(ENCODER)?;
        let decoder = tensors.matrix(DECODER, [features, hidden])?;
        let decoder_norms = counts_in_decoder_norms.then(|| {
            let norm = |row: Vec<f32>| {
                row.iter()
                    .map(|value| f64::from(*value).powi(2))
                    .sum::<f64>()
                    .sqrt()
            };
            (0..features)
                .map(|feature| norm(decoder.row(feature)) as f32)
                .collect()
        });
        let activation = activation(&tensors, features)?;
        let biases = match &activation {
            Activation::Gated { .. } => "b_gate",
            _ => "b_enc",
        };
        Ok(SparseAutoencoder {
            description,
            encoder_biases: tensors.vector(biases, features)?,
            decoder_biases: tensors.vector("b_dec", hidden)?,
            activation,
            decoder_norms,
            tensors,
        })
    }

    /// How many features it has.
    pub fn features(&self) -> usize {
        self.encoder_biases.len()
    }

    /// The size of an activation.
    pub fn hidden_size(&self) -> usize {
        self.decoder_biases.len()
    }

    /// What one unit of a feature adds to the normalised activation, `[hidden]`: its row of the decoder.
    ///
    /// # Errors
    /// A feature that it does not have, and one whose row is not finite, or zero where rows are divided by their norms.
    pub fn direction(&self, feature: usize) -> Result<Vec<f32>> {
        if feature >= self.features() {
            return Err(self.tensors.invalid(format!(
                "there is no feature {feature}; it has {}, from 0 on",
                self.features()
            )));
        }
        let mut row = self.decoder()?.row(feature);
        if let Some(norms) = &self.decoder_norms {
            row.iter_mut().for_each(|value| *value /= norms[feature]);
        }
        match row.iter().all(|value| value.is_finite()) {
            true => Ok(row),
            false => Err(self.tensors.invalid(format!(
                "the direction of feature {feature}, its row of `W_dec`, is not finite; download the file again, or leave the \
                 feature out"
            ))),
        }
    }

    /// `[hidden, features]`
    pub(crate) fn encoder(&self) -> Result<Matrix<'_>> {
        self.tensors
            .matrix(ENCODER, [self.hidden_size(), self.features()])
    }

    /// `[features, hidden]`
    fn decoder(&self) -> Result<Matrix<'_>> {
        self.tensors
            .matrix(DECODER, [self.features(), self.hidden_size()])
    }
}

pub(crate) const ENCODER: &str = "W_enc";
pub(crate) const DECODER: &str = "W_dec";
