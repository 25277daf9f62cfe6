use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize};

use crate::{Error, Result};

/// How far a model's residual streams and logits are from those of an independent implementation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// Raised when the meaning of a field changes.
    pub format: u32,
    /// The outcome.
    pub verdict: Verdict,
    /// The verdict in a sentence, with what to do where there is something to do.
    pub statement: String,
    /// The model's name in the pipeline.
    pub model: String,
    /// Of the weight files.
    pub weights_fingerprint: String,
    /// The version of this program.
    pub roleswap_version: String,
    /// `None` where nothing was compared.
    pub comparison: Option<Comparison>,
}

/// The outcome of a comparison with a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every error is within the tolerance.
    Verified,
    /// The difference is larger than allowed.
    Failed,
    /// There was nothing to compare with.
    NotVerified,
}

impl Verdict {
    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Verified => "verified",
            Verdict::Failed => "failed",
            Verdict::NotVerified => "not verified",
        }
    }
}

/// What was compared, and how far apart it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Where the model ran.
    pub device: String,
    /// Of a GPU: its name and driver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<String>,
    /// Of a GPU: how its kernels were chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernels: Option<String>,
    /// Of the activations.
    pub dtype: String,
    /// Whether all weights were in memory or were read layer by layer.
    pub residency: String,
    /// The largest relative RMS error that is accepted in a residual stream.
    pub tolerance: f64,
    /// The same for what comes after the final norm, which magnifies a few dimensions and their
    /// rounding.
    pub tolerance_after_norm: f64,
    /// Tokens of the sequence.
    pub positions: usize,
    /// What the model was compared with.
    pub reference: ReferenceOrigin,
    /// The residual stream after each layer.
    pub layers: Vec<RelativeError>,
    /// After the final norm.
    pub final_norm: RelativeError,
    /// Of the kept positions.
    pub logits: RelativeError,
    /// Tokens of a greedy continuation, and how many of them agree up to the first that doesn't.
    /// `None` where the reference has none, or the weights were streamed.
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
    /// Those whose tokens are the same.
    pub agreeing: usize,
    /// The first that differs, and where.
    pub first_difference: Option<String>,
}

/// Where a reference comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReferenceOrigin {
    /// The file's name.
    pub file: String,
    /// The hash of the file.
    pub blake3: String,
    /// The name and version of the program that made it.
    pub implementation: String,
    /// The type that it computed in.
    pub dtype: String,
}

/// Both relative to the RMS of the reference tensor; infinite where the model gave no number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RelativeError {
    /// The largest.
    #[serde(deserialize_with = "null_is_infinite")]
    pub max: f64,
    /// The root mean square.
    #[serde(deserialize_with = "null_is_infinite")]
    pub rms: f64,
}

/// JSON has no infinity, and serde_json writes null for it.
fn null_is_infinite<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::INFINITY))
}

/// How long a greedy continuation agrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GreedyAgreement {
    /// The tokens compared.
    pub tokens: usize,
    /// Those before the first difference.
    pub agreeing: usize,
}

/// The version of the file.
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

/// Writes `verify/certificate.json`.
///
/// # Errors
/// What the file system says.
pub fn write_certificate(path: &Path, certificate: &Certificate) -> Result<()> {
    let text =
        serde_json::to_string_pretty(certificate).map_err(|error| Error::invalid(path, error.to_string()))?;
    Ok(fs_err::write(path, text + "\n")?)
}

/// Reads `verify/certificate.json`.
///
/// # Errors
/// A file of another format, or one that can't be read.
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
