//! The contrast as the features' part and a residue.

use results::Result;
use sae::SparseAutoencoder;

use crate::activity::Activity;

/// What each feature adds to the contrast: with the mean activation `m+` in the positive condition and
/// `m-` in the negative one (times what a unit of the feature adds to a row), `(m+ - m-) d`, with its
/// direction `d`. What the sum of all leaves of the contrast is the residue: the difference of what the
/// autoencoder leaves out of the rows.
pub struct Decomposition {
    /// `[hidden]`, in f64.
    pub contrast: Vec<f64>,
    /// The sum over all features, `[hidden]`.
    pub features: Vec<f64>,
    /// For each tested feature the cosine of its direction with the contrast, and its share.
    pub of_features: Vec<(f64, f64)>,
}

impl Decomposition {
    pub fn of(
        sae: &SparseAutoencoder,
        contrast: Vec<f64>,
        tested: &[usize],
        [positive, negative]: [&Activity; 2],
    ) -> Result<Self> {
        let mut features = vec![0.0; contrast.len()];
        let norm = norm(&contrast);
        let mut of_features = Vec::with_capacity(tested.len());
        for feature in tested {
            let direction: Vec<f64> = sae.direction(*feature)?.into_iter().map(f64::from).collect();
            let difference = positive.mean_scaled(*feature) - negative.mean_scaled(*feature);
            for (sum, value) in features.iter_mut().zip(&direction) {
                *sum += difference * value;
            }
            let along = dot(&direction, &contrast) / norm;
            of_features.push((cosine(&direction, &contrast), share(difference * along, norm)));
        }
        Ok(Decomposition {
            contrast,
            features,
            of_features,
        })
    }

    /// Contrast less the features' part, `[hidden]`.
    pub fn residue(&self) -> Vec<f64> {
        let parts = self.contrast.iter().zip(&self.features);
        parts.map(|(contrast, features)| contrast - features).collect()
    }

    /// The features' part along the contrast, over its norm.
    pub fn features_share(&self) -> f64 {
        let norm = norm(&self.contrast);
        share(dot(&self.features, &self.contrast) / norm, norm)
    }

    pub fn features_cosine(&self) -> f64 {
        cosine(&self.features, &self.contrast)
    }
}

fn share(along: f64, norm: f64) -> f64 {
    if norm > 0.0 { along / norm } else { f64::NAN }
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let norms = norm(a) * norm(b);
    if norms > 0.0 {
        (dot(a, b) / norms).clamp(-1.0, 1.0)
    } else {
        f64::NAN
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

pub fn norm(vector: &[f64]) -> f64 {
    dot(vector, vector).sqrt()
}
