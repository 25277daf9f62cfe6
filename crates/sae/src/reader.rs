//! A single feature's activation, where it needs no other.

use interventions::FeatureReader;
use results::Result;

use crate::{Activation, Normalization, SparseAutoencoder};

impl SparseAutoencoder {
    /// How a feature reads an activation, or why it can't be read alone.
    ///
    /// With e its column of the encoder, `y.e = x.e - b_dec.e` where the decoder's bias is taken off the input;
    /// what does not depend on x is summed in f64.
    ///
    /// # Errors
    /// A feature that it does not have, or whose weights are not finite.
    pub fn reader(&self, feature: usize) -> Result<std::result::Result<FeatureReader, String>> {
        // Refuses what has no direction, too.
        self.direction(feature)?;
        let row = self.encoder()?.columns_as_rows(feature..feature + 1);
        if row.iter().any(|value| !value.is_finite()) {
            return Err(self.tensors.invalid(format!(
                "tensor `W_enc` holds a number that is not finite at feature {feature}; download it again"
            )));
        }
        if self.description.normalization != Normalization::None {
            return Ok(Err(
                "it normalises each activation before it reads it, so that what a feature adds is not a multiple of its direction; \
                 add to the feature (`addition`), or use an autoencoder that does not normalise"
                    .to_owned(),
            ));
        }
        let taken_off = match self.description.subtracts_decoder_bias {
            true => dot(&row, &self.decoder_biases),
            false => 0.0,
        };
        let bias = f64::from(self.encoder_biases[feature]) - taken_off;
        let norm = self
            .decoder_norms
            .as_ref()
            .map_or(1.0, |norms| f64::from(norms[feature]));
        let (gain, bias, threshold) = match &self.activation {
            Activation::Relu => (norm, bias * norm, -bias),
            Activation::JumpRelu { thresholds } => {
                let threshold = f64::from(thresholds[feature]).max(0.0);
                (norm, bias * norm, threshold / norm - bias)
            }
            Activation::Gated { gains, biases } => {
                let gain = f64::from(gains[feature]);
                (gain, f64::from(biases[feature]) - gain * taken_off, -bias)
            }
            Activation::TopK { k } => {
                return Ok(Err(format!(
                    "it is a top-k one, where a feature is active if it is among the {k} greatest of all, which one feature can't \
                     tell; add to the feature (`addition`), or use a JumpReLU or batch-top-k autoencoder"
                )));
            }
        };
        Ok(Ok(FeatureReader {
            row,
            gain: gain as f32,
            bias: bias as f32,
            threshold: threshold as f32,
        }))
    }
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}
