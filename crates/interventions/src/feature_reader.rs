/// How one feature of a sparse autoencoder reads a residual h of `[hidden]`, where no other feature has a
/// part in it:
///
/// ```text
/// a(h) = max(gain (h.e) + bias, 0) if h.e > threshold, else 0
/// ```
///
/// A decoder bias that is taken off the input, and a factor on the activation, are in these numbers already:
/// ReLU, JumpReLU and gated features are of this form, with e their column of the encoder.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureReader {
    /// e, `[hidden]`
    pub row: Vec<f32>,
    /// 1 where activations are not scaled.
    pub gain: f32,
    /// In the unit of activations.
    pub bias: f32,
    /// In the unit of `h.e`.
    pub threshold: f32,
}

impl FeatureReader {
    /// The activation, from `h.e`.
    pub fn activation(&self, dot: f32) -> f32 {
        match dot > self.threshold {
            true => (dot * self.gain + self.bias).max(0.0),
            false => 0.0,
        }
    }
}
