use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// A standard normal number (Box and Muller).
pub fn normal(generator: &mut ChaCha8Rng) -> f64 {
    let (radius, angle): (f64, f64) = (generator.random(), generator.random());
    (-2.0 * (1.0 - radius).ln()).sqrt() * (2.0 * std::f64::consts::PI * angle).cos()
}
