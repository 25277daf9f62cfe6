//! Which errors of a certificate are beyond its tolerance.

use pages::format::layer_list;
use results::{Comparison, RelativeError};

/// Everything whose error is beyond the tolerance, in words.
pub fn beyond(comparison: &Comparison) -> Option<String> {
    let tolerance = comparison.tolerance;
    let layers: Vec<usize> = (0..comparison.layers.len())
        .filter(|layer| !is_within(comparison.layers[*layer], tolerance))
        .collect();
    let mut parts = Vec::new();
    if !layers.is_empty() {
        parts.push(layer_list(&layers));
    }
    for (name, error) in [
        ("the final norm", comparison.final_norm),
        ("the logits", comparison.logits),
    ] {
        if !is_within(error, comparison.tolerance_after_norm) {
            parts.push(name.to_owned());
        }
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Whether an error is at most the tolerance. One that is not a number is beyond it.
pub fn is_within(error: RelativeError, tolerance: f64) -> bool {
    error.rms <= tolerance
}

/// Whether it can be drawn on a logarithmic axis.
pub fn is_drawn(value: f64) -> bool {
    value.is_finite() && value > 0.0
}
