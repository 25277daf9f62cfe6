//! Rotary embeddings and their scalings, as frequencies.
//!
//! Source of all formulas: `modeling_rope_utils.py` of transformers 5.24, where frequencies are
//! computed in f32. Here they are computed in f64 and rounded where the reference rounds a result
//! that it goes on with.

use std::f64::consts::PI;

/// How positions rotate queries and keys: the pair i of a head, which is its elements i and i + n
/// of n pairs, is turned by `position * frequencies[i]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rope {
    /// Radians by position. As many as pairs are turned; the elements of a head beyond them stay
    /// as they are.
    pub frequencies: Vec<f32>,
    /// Cosines and sines are multiplied by this.
    pub attention_factor: f32,
    /// Texts of more tokens have other frequencies.
    pub longest: Option<usize>,
}

/// The scaling of Llama 3.1.
pub(super) struct Llama3 {
    pub factor: f64,
    pub low_freq_factor: f64,
    pub high_freq_factor: f64,
    pub original: usize,
}

/// YaRN (<https://arxiv.org/abs/2309.00071>).
pub(super) struct Yarn {
    pub factor: f64,
    pub original: usize,
    pub beta_fast: f64,
    pub beta_slow: f64,
    pub truncate: bool,
    pub attention_factor: f64,
}

impl Rope {
    /// `theta^(-2i / rotated)` for each pair of the first `rotated` elements of a head.
    pub fn plain(theta: f64, rotated: usize) -> Self {
        Rope {
            frequencies: frequencies(theta, rotated, rotated.div_ceil(2)),
            attention_factor: 1.0,
            longest: None,
        }
    }

    /// Positions divided by `factor`: the frequencies are, each rounded to f32 in between, as the
    /// reference does.
    pub(super) fn divided(mut self, factor: f64) -> Self {
        for frequency in &mut self.frequencies {
            *frequency /= factor as f32;
        }
        self
    }

    /// The first part of the pairs turns as in a whole head; the others have the frequency 0.
    pub(super) fn proportional(theta: f64, head_dim: usize, proportion: f64) -> Self {
        // Rounded down twice, as the reference does.
        let turning = (proportion * head_dim as f64 / 2.0).floor() as usize;
        let mut frequencies = frequencies(theta, head_dim, turning);
        frequencies.resize(head_dim / 2, 0.0);
        Rope {
            frequencies,
            attention_factor: 1.0,
            longest: None,
        }
    }

    /// Low frequencies are divided, high ones are kept, and those between are interpolated.
    pub(super) fn llama3(self, scaling: &Llama3) -> Self {
        let Llama3 {
            factor,
            low_freq_factor: low,
            high_freq_factor: high,
            original,
        } = *scaling;
        let scale = |frequency: &f32| {
            let frequency = f64::from(*frequency);
            // Turns within the original context.
            let turns = original as f64 * frequency / (2.0 * PI);
            let scaled = if turns < low {
                frequency / factor
            } else if turns > high {
                frequency
            } else {
                let smooth = (turns - low) / (high - low);
                (1.0 - smooth) * frequency / factor + smooth * frequency
            };
            scaled as f32
        };
        Rope {
            frequencies: self.frequencies.iter().map(scale).collect(),
            ..self
        }
    }

    /// Pairs that turn often within the original context are kept, those that turn seldom are
    /// divided, and those between are mixed.
    pub(super) fn yarn(theta: f64, rotated: usize, scaling: &Yarn) -> Self {
        let plain = Rope::plain(theta, rotated);
        // The pair that turns so often within the original context.
        let pair = |turns: f64| {
            rotated as f64 * (scaling.original as f64 / (turns * 2.0 * PI)).ln() / (2.0 * theta.ln())
        };
        let (mut first, mut last) = (pair(scaling.beta_fast), pair(scaling.beta_slow));
        if scaling.truncate {
            (first, last) = (first.floor(), last.ceil());
        }
        let (first, mut last) = (first.max(0.0), last.min(rotated as f64 - 1.0));
        if first == last {
            last += 0.001;
        }
        let mix = |(pair, frequency): (usize, &f32)| {
            let divided = ((pair as f64 - first) / (last - first)).clamp(0.0, 1.0);
            let frequency = f64::from(*frequency);
            (frequency / scaling.factor * divided + frequency * (1.0 - divided)) as f32
        };
        Rope {
            frequencies: plain.frequencies.iter().enumerate().map(mix).collect(),
            attention_factor: scaling.attention_factor as f32,
            longest: None,
        }
    }

    /// Each pair's frequency divided by its own factor (LongRoPE,
    /// <https://arxiv.org/abs/2402.13753>). `factors` are those of texts up to `longest` tokens.
    pub(super) fn divided_by_pair(
        theta: f64,
        rotated: usize,
        factors: &[f64],
        attention_factor: f64,
        longest: usize,
    ) -> Self {
        let exponent = |pair: usize| 2.0 * pair as f64 / rotated as f64;
        let frequency = |(pair, factor): (usize, &f64)| (1.0 / (factor * theta.powf(exponent(pair)))) as f32;
        Rope {
            frequencies: factors.iter().enumerate().map(frequency).collect(),
            attention_factor: attention_factor as f32,
            longest: Some(longest),
        }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let wrong = |number: &f32| !number.is_finite() || *number < 0.0;
        match self.frequencies.iter().chain([&self.attention_factor]).any(wrong) {
            true => Err(
                "`rope_theta` and the scaling of the rotary embedding give no frequencies; correct them"
                    .to_owned(),
            ),
            false => Ok(()),
        }
    }
}

/// `theta^(-2i / width)` for i below `count`.
fn frequencies(theta: f64, width: usize, count: usize) -> Vec<f32> {
    let exponent = |pair: usize| 2.0 * pair as f64 / width as f64;
    (0..count)
        .map(|pair| (1.0 / theta.powf(exponent(pair))) as f32)
        .collect()
}
