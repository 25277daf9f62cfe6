//! Numbers that look random and are the same every time.

/// The generator of `scripts/analysis_reference.py`: the top 24 bits of Knuth's 64-bit generator,
/// as exact f32 in [-1, 1).
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 40) as f64 / f64::from(1 << 23) - 1.0) as f32
    }
}
