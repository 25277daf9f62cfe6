//! The certificate: runs a fixed sequence of tokens through the model and compares the residual
//! stream after every layer, the final norm and the logits with what an independent implementation
//! computed from the same weights.
//!
//! Where the reference also holds the run's own texts, their tokens are compared too: a model that
//! computes correctly is given the wrong text where a tokenizer's file is.
//!
//! Without such a reference there is no verdict: the certificate then says "not verified" and why.

mod compare;
mod pass;
mod texts;

use std::path::Path;

use anyhow::{Context, Result};
use files::HashMemo;
use model::{Precision, fingerprint};
use pipeline::Pipeline;
use results::{
    CERTIFICATE_FORMAT, Certificate, Comparison, Layout, ModelReference, ReferenceOrigin, TextAgreement,
    Verdict, read_model_reference, write_certificate,
};
use session::OpenNetwork;
use session::{open_model, weight_files};

pub use compare::{relative_error, tolerances};

/// The stage: reads `[model]` and `[verify]`, writes `certificate.json` into `out`.
pub fn run(pipeline: &Pipeline, layout: &Layout, out: &Path) -> Result<()> {
    let certificate = certify(pipeline, &HashMemo::read(&layout.hash_memo()))?;
    match certificate.verdict {
        Verdict::Failed => tracing::error!("{}", certificate.statement),
        Verdict::NotVerified => tracing::warn!("{}", certificate.statement),
        Verdict::Verified => tracing::info!("{}", certificate.statement),
    }
    Ok(write_certificate(
        &layout.in_progress(out, &layout.certificate()),
        &certificate,
    )?)
}

/// The certificate of a pipeline's model. Errors are those of opening the model and of a reference
/// that can't be read; a model that computes something else is not an error but a verdict.
pub fn certify(pipeline: &Pipeline, hashes: &HashMemo) -> Result<Certificate> {
    let table = &pipeline.model;
    let weights_fingerprint = fingerprint(&weight_files(table)?, &|path| hashes.of(path))?;
    let name = match table.public_adapter() {
        Some(adapter) => format!("{} with the adapter {adapter}", table.name),
        None => table.name.clone(),
    };
    let script = match table.adapter {
        Some(_) => "crates/model/reference/make_reference.py --adapter",
        None => "crates/model/reference/make_reference.py",
    };
    let certificate = |verdict, statement, comparison| Certificate {
        format: CERTIFICATE_FORMAT,
        verdict,
        statement,
        model: table.name.clone(),
        weights_fingerprint: weights_fingerprint.clone(),
        roleswap_version: env!("CARGO_PKG_VERSION").to_owned(),
        comparison,
    };
    let Some(path) = &pipeline.verify.reference else {
        let statement = format!(
            "{name} was not verified: the pipeline names no reference (verify.reference). \
             {script} makes one from the same weights."
        );
        return Ok(certificate(Verdict::NotVerified, statement, None));
    };
    let reference = read_model_reference(path).context("verify.reference")?;
    if reference.weights_fingerprint != weights_fingerprint {
        let statement = format!(
            "{name} was not verified: {} was made from other weights. Make one from these with {script}.",
            path.display()
        );
        return Ok(certificate(Verdict::NotVerified, statement, None));
    }
    if reference.dtype != Precision::F32.as_str() {
        let statement = format!(
            "{name} was not verified: {} was computed in {}, whose own rounding is as large as the errors to be found. \
             Make one with --dtype f32.",
            path.display(),
            reference.dtype
        );
        return Ok(certificate(Verdict::NotVerified, statement, None));
    }
    let comparison = compare_with(pipeline, hashes, path, &reference)?;
    let (verdict, statement) = judge(&name, &comparison);
    Ok(certificate(verdict, statement, Some(comparison)))
}

fn compare_with(
    pipeline: &Pipeline,
    hashes: &HashMemo,
    path: &Path,
    reference: &ModelReference,
) -> Result<Comparison> {
    let model = open_model(&pipeline.model, hashes)?;
    let (tolerance, tolerance_after_norm) = tolerances(model.precision);
    let errors = pass::errors(&model.network, reference).with_context(|| path.display().to_string())?;
    let texts = texts::compare(pipeline, &model.tokenizer, &reference.texts)?;
    Ok(Comparison {
        device: model.device.to_string(),
        gpu: model.gpu.as_ref().map(|gpu| gpu.name.clone()),
        kernels: model.gpu.as_ref().map(|gpu| gpu.kernels.to_string()),
        dtype: model.precision.as_str().to_owned(),
        residency: match model.network {
            OpenNetwork::Resident(_) => "resident",
            OpenNetwork::Streamed(_) => "streamed",
        }
        .to_owned(),
        tolerance,
        tolerance_after_norm,
        positions: reference.tokens.len(),
        reference: ReferenceOrigin {
            file: path.to_string_lossy().into_owned(),
            blake3: blake3::hash(&fs_err::read(path)?).to_hex().to_string(),
            implementation: reference.implementation.clone(),
            dtype: reference.dtype.clone(),
        },
        layers: errors.layers,
        final_norm: errors.final_norm,
        logits: errors.logits,
        greedy: errors.greedy,
        texts,
    })
}

fn judge(name: &str, comparison: &Comparison) -> (Verdict, String) {
    let (worst, tolerance) = (comparison.worst(), comparison.tolerance);
    let (after, tolerance_after) = (comparison.worst_after_norm(), comparison.tolerance_after_norm);
    let implementation = &comparison.reference.implementation;
    let figures = format!(
        "the largest relative RMS error in {} is {worst:.1e} in the residual streams of {} layers (the limit is {tolerance:.0e}) \
         and {after:.1e} in final norm and logits (the limit is {tolerance_after:.0e})",
        comparison.dtype,
        comparison.layers.len()
    );
    if let Some(place) = &comparison.texts.first_difference {
        let statement = format!(
            "{name} is not given the texts that {implementation} gives it: their tokens differ first for {place}. Compare tokenizer.json \
             and the chat template with those that the reference was made from."
        );
        return (Verdict::Failed, statement);
    }
    let figures = format!("{figures}; {}", tokens(&comparison.texts));
    // A comparison with NaN is false, so that it can't pass.
    let within = worst <= tolerance && after <= tolerance_after;
    // In f32 a greedy text is the same, token for token; bf16 may diverge where two tokens are
    // nearly equal.
    let exact = comparison.dtype == Precision::F32.as_str();
    match comparison.greedy {
        Some(greedy) if exact && greedy.agreeing < greedy.tokens && within => {
            let statement = format!(
                "{name} parts from {implementation} after {} of {} greedy tokens, though {figures}.",
                greedy.agreeing, greedy.tokens
            );
            (Verdict::Failed, statement)
        }
        _ if within => (
            Verdict::Verified,
            format!("{name} agrees with {implementation}: {figures}."),
        ),
        _ => (
            Verdict::Failed,
            format!("{name} does not agree with {implementation}: {figures}."),
        ),
    }
}

/// What was compared in the texts.
fn tokens(texts: &TextAgreement) -> String {
    let TextAgreement { texts, compared, .. } = texts;
    match compared {
        0 => "the tokens of the run's texts were not compared, since the reference has none \
              (make_reference.py --pipeline)"
            .to_owned(),
        _ if compared == texts => format!("the {texts} texts of the run become the same tokens"),
        _ => format!(
            "{compared} of the {texts} texts of the run become the same tokens, and the reference lacks the others"
        ),
    }
}
