//! Whether the contrast points the same way at different depths.

use results::DepthCosine;

use crate::contrast::norm;
use crate::layer::LayerAnalysis;

/// The cosine of every two layers' contrast vectors under each pooling, including each layer with
/// itself.
pub fn depth_cosines(layers: &[Vec<LayerAnalysis>]) -> Vec<DepthCosine> {
    let poolings = layers.first().map_or(0, Vec::len);
    let mut rows = Vec::new();
    for pooling in 0..poolings {
        for a in layers {
            for b in layers {
                let (a, b) = (&a[pooling], &b[pooling]);
                rows.push(DepthCosine {
                    pooling: a.pooling,
                    layer_a: a.layer,
                    layer_b: b.layer,
                    cosine: cosine(&a.contrast, &b.contrast),
                });
            }
        }
    }
    rows
}

/// `a . b / (||a|| ||b||)`, within -1 and 1 despite rounding, and NaN where one of them is zero: it
/// has no direction.
pub fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let norms = norm(a) * norm(b);
    let product: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
    if norms == 0.0 {
        f64::NAN
    } else {
        (product / norms).clamp(-1.0, 1.0)
    }
}
