//! Words about texts that are generated, and how they are steered.

use crate::words;

words! {
    /// Where in a sequence an intervention works.
    #[derive(Default)]
    pub enum Positions: "positions" {
        #[default]
        All = "all",
        /// The last position of each forward pass: the prompt's last token, then each new one.
        Last = "last",
    }
}

words! {
    /// What a coefficient counts in.
    #[derive(Default)]
    pub enum CoefficientUnit: "unit" {
        /// Multiples of the direction as it is.
        #[default]
        Raw = "raw",
        /// Multiples of the layer's mean residual norm: what is added has `coefficient` times that
        /// norm.
        Relative = "relative",
    }
}

words! {
    /// How a token is chosen.
    pub enum GenerationStyle: "decoding" {
        /// The most likely one.
        Greedy = "greedy",
        /// Drawn from the distribution.
        Sampled = "sampled",
    }
}

words! {
    /// Why a text ended.
    pub enum FinishReason: "finish_reason" {
        /// An end token was generated.
        Stop = "stop",
        /// `max_new_tokens` were generated.
        Length = "length",
    }
}

words! {
    /// Which end of the vocabulary a token of the logit lens is from.
    pub enum LensSide: "side" {
        /// The largest logits.
        Promoted = "promoted",
        /// The smallest.
        Suppressed = "suppressed",
    }
}
