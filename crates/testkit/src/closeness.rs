/// The largest error must stay within `tolerance` of the expected numbers' root mean square; NaN is
/// a separate error.
#[track_caller]
pub fn assert_close(name: &str, actual: &[f32], expected: &[f32], tolerance: f64) {
    assert_eq!(actual.len(), expected.len(), "{name}: length");
    let squares: f64 = expected.iter().map(|value| f64::from(*value).powi(2)).sum();
    let rms = (squares / expected.len() as f64).sqrt();
    let errors = actual
        .iter()
        .zip(expected)
        .map(|(a, b)| (f64::from(*a) - f64::from(*b)).abs());
    let (index, error) = errors.enumerate().fold((0, 0.0), |worst, next| {
        if next.1 > worst.1 || next.1.is_nan() {
            next
        } else {
            worst
        }
    });
    assert!(
        error <= tolerance * rms,
        "{name}: element {index} is off by {error:.3e}, {:.3e} of the RMS {rms:.3e}",
        error / rms
    );
}
