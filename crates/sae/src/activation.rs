/// From a feature's product with the input, `dot`, to its activation. All vectors are `[features]`.
#[derive(Clone, Debug, PartialEq)]
pub enum Activation {
    /// `relu(dot + b_enc)`
    Relu,
    /// `dot + b_enc` where that is above 0 and above the feature's threshold, else 0.
    JumpRelu {
        /// One for each feature.
        thresholds: Vec<f32>,
    },
    /// `relu(dot + b_enc)` for the `k` features of a row where `dot + b_enc` is largest (the first ones
    /// of several that are equal), else 0.
    TopK {
        /// How many.
        k: usize,
    },
    /// `relu(dot exp(r_mag) + b_mag)` where `dot + b_gate` is above 0, else 0. `b_gate` takes the place of
    /// `b_enc`.
    Gated {
        /// `exp(r_mag)`
        gains: Vec<f32>,
        /// `b_mag`
        biases: Vec<f32>,
    },
}

impl Activation {
    /// The activation, if it is above 0, from `pre = dot + b_enc`. Not for top-k, which compares
    /// features.
    pub(crate) fn of(&self, feature: usize, dot: f32, pre: f32) -> Option<f32> {
        let value = match self {
            Activation::Relu | Activation::TopK { .. } => pre,
            Activation::JumpRelu { thresholds } if pre > thresholds[feature] => pre,
            Activation::Gated { gains, biases } if pre > 0.0 => dot * gains[feature] + biases[feature],
            Activation::JumpRelu { .. } | Activation::Gated { .. } => return None,
        };
        (value > 0.0).then_some(value)
    }
}
