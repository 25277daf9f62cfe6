use anyhow::{Result, ensure};
use model::Precision;
use results::RelativeError;

/// The largest accepted relative RMS errors: of residual streams, and of final norm and logits.
///
/// Rounding in f32, summed in another order over many layers, stays below 1e-4. bf16 keeps eight
/// binary digits. Over the 26 layers of a random checkpoint of Gemma 2 2B's shape transformers in
/// bf16 is up to 2.1e-2 from itself in f32; over the 18 layers of Gemma 3 270M 7.0e-3, but 2.3e-2
/// after the final norm, and up to 4.7e-2 there at a single position. TF32 keeps three digits more, in products alone: an
/// eighth of that. In transformers with the operands of all products rounded so, the embedded model is 3.9e-4 from itself
/// (residual streams) and 4.1e-4 (final norm); with operands cut, 6.4e-4 and 6.6e-4.
pub fn tolerances(precision: Precision) -> (f64, f64) {
    match precision {
        Precision::F32 => (1e-4, 1e-4),
        Precision::Tf32 => (2.5e-3, 6.25e-3),
        Precision::Bf16 => (2e-2, 5e-2),
    }
}

/// The largest and the RMS difference between two tensors, both divided by the RMS of `expected`. A
/// value that is not a number makes both infinite. An error if the lengths differ.
pub fn relative_error(name: &str, actual: &[f32], expected: &[f32]) -> Result<RelativeError> {
    ensure!(
        actual.len() == expected.len() && !expected.is_empty(),
        "`{name}` has {} numbers, the model gives {}; is it the reference of a model of this shape?",
        expected.len(),
        actual.len()
    );
    let square = |value: f64| value * value;
    let count = expected.len() as f64;
    let rms = |sum: f64| (sum / count).sqrt();
    let scale = rms(expected.iter().map(|value| square(f64::from(*value))).sum());
    let differences = || {
        actual
            .iter()
            .zip(expected)
            .map(|(a, b)| f64::from(*a) - f64::from(*b))
    };
    if differences().any(|difference| !difference.is_finite()) || scale == 0.0 {
        return Ok(RelativeError {
            max: f64::INFINITY,
            rms: f64::INFINITY,
        });
    }
    Ok(RelativeError {
        max: differences().map(f64::abs).fold(0.0, f64::max) / scale,
        rms: rms(differences().map(square).sum()) / scale,
    })
}
