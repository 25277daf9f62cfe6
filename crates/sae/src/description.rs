use crate::Place;

/// What an autoencoder's folder says about it, besides the weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// Where it reads.
    pub place: Place,
    /// The model that it was trained on, as its authors call it.
    pub model: Option<String>,
    /// Its name on neuronpedia.org, `MODEL/LAYER-SOURCE`.
    pub neuronpedia: Option<String>,
    /// In which words its authors call its kind.
    pub architecture: String,
    /// What is done to an activation before.
    pub normalization: Normalization,
    /// Whether `b_dec` is taken off the input.
    pub subtracts_decoder_bias: bool,
}

/// What is done to an activation `x` before it is encoded, and undone after it was decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalization {
    /// Left as it is.
    None,
    /// Scaled to the norm `sqrt(hidden)`.
    ConstantNorm,
    /// Its mean taken off, divided by its standard deviation (that of a sample, plus 1e-5).
    LayerNorm,
}

impl Normalization {
    /// `(shift, divisor, scale)` with `y = (x - shift) / divisor` and `x' = y' scale + shift`. The
    /// divisor differs from the scale by the 1e-5 that SAELens adds on the way in alone.
    pub(crate) fn of_row(self, x: &[f32]) -> (f32, f32, f32) {
        let count = x.len() as f64;
        match self {
            Normalization::None => (0.0, 1.0, 1.0),
            Normalization::ConstantNorm => {
                let norm = x
                    .iter()
                    .map(|value| f64::from(*value).powi(2))
                    .sum::<f64>()
                    .sqrt();
                let scale = (norm / count.sqrt()) as f32;
                (0.0, scale, scale)
            }
            Normalization::LayerNorm => {
                let mean = x.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
                let squares = x
                    .iter()
                    .map(|value| (f64::from(*value) - mean).powi(2))
                    .sum::<f64>();
                let deviation = (squares / (count - 1.0)).sqrt();
                (mean as f32, (deviation + 1e-5) as f32, deviation as f32)
            }
        }
    }
}
