use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize};

use crate::{Error, Result};

/// How far a model's residual streams and logits are from those of an independent implementation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// Raised when the meaning of a field changes.
    pub format: u32,
    pub verdict: Verdict,
    /// The verdict in a sentence, with what to do where there is something to do.
    pub statement: String,
    pub model: String,
    /// Of the weight files.
    pub weights_fingerprint: String,
    pub roleswap_version: String,
    /// `None` where nothing was compared.
    pub comparison: Option<Comparison>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every error is within the tolerance.
    Verified,
    Failed,
    /// There was nothing to compare with.
    NotVerified,
}

impl Verdict {
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Verified => "verified",
            Verdict::Failed => "failed",
            Verdict::NotVerified => "not verified",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    pub device: String,
    /// Of the activations.
    pub dtype: String,
    /// Whether the weights were all at hand or read layer by layer.
    pub residency: String,
    /// The largest relative RMS error that is accepted in a residual stream.
    pub tolerance: f64,
    /// The same for what comes after the final norm, which magnifies a few dimensions and their rounding.
    pub tolerance_after_norm: f64,
    /// Tokens of the sequence.
    pub positions: usize,
    pub reference: ReferenceOrigin,
    /// The residual stream after each layer.
    pub layers: Vec<RelativeError>,
    pub final_norm: RelativeError,
    pub logits: RelativeError,
    /// Tokens of a greedy continuation, and how many of them agree up to the first that doesn't. `None` where the
    /// reference has none, or the weights were streamed.
    pub greedy: Option<GreedyAgreement>,
    /// The tokens of the run's own texts.
    pub texts: TextAgreement,
}

/// How many of a run's texts become the tokens that the reference has for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextAgreement {
    /// Prompts times conditions.
    pub texts: usize,
    /// As many of them the reference has.
    pub compared: usize,
    pub agreeing: usize,
    /// The first that differs, and where.
    pub first_difference: Option<String>,
}

/// Where a reference comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReferenceOrigin {
    pub file: String,
    pub blake3: String,
    pub implementation: String,
    pub dtype: String,
}

/// Both relative to the RMS of the reference tensor; infinite where the model gave no number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RelativeError {
    #[serde(deserialize_with = "null_is_infinite")]
    pub max: f64,
    #[serde(deserialize_with = "null_is_infinite")]
    pub rms: f64,
}

/// JSON has no infinity, and serde_json writes null for it.
fn null_is_infinite<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::INFINITY))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GreedyAgreement {
    pub tokens: usize,
    pub agreeing: usize,
}

pub const CERTIFICATE_FORMAT: u32 = 2;

impl Comparison {
    /// The largest relative RMS error of a residual stream.
    pub fn worst(&self) -> f64 {
        self.layers.iter().map(|error| error.rms).fold(0.0, f64::max)
    }

    /// The larger relative RMS error of final norm and logits.
    pub fn worst_after_norm(&self) -> f64 {
        self.final_norm.rms.max(self.logits.rms)
    }
}

pub fn write_certificate(path: &Path, certificate: &Certificate) -> Result<()> {
    let text =
        serde_json::to_string_pretty(certificate).map_err(|error| Error::invalid(path, error.to_string()))?;
    Ok(fs_err::write(path, text + "\n")?)
}

pub fn read_certificate(path: &Path) -> Result<Certificate> {
    let text = fs_err::read_to_string(path)?;
    let advice = "run `cargo xtask verify --force`";
    let certificate: Certificate =
        serde_json::from_str(&text).map_err(|error| Error::invalid(path, format!("{error}; {advice}")))?;
    if certificate.format != CERTIFICATE_FORMAT {
        let message = format!(
            "this is format {}, not {CERTIFICATE_FORMAT}; {advice}",
            certificate.format
        );
        return Err(Error::invalid(path, message));
    }
    Ok(certificate)
}
