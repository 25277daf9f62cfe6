//! The certificate as the page shows it: what was compared, how far apart it is, and what that
//! says.

use std::collections::BTreeMap;

use anyhow::Result;
use minijinja::context;
use minijinja::value::Value as TemplateValue;
use pages::format::scientific;
use pages::shown;
use results::{Certificate, Comparison, Metadata, RelativeError, Verdict};
use serde::Serialize;
use terms::Precision;

use super::section::Section;
use crate::certificate_errors::{beyond, is_drawn, is_within};
use crate::content::Content;

pub const SECTION: Section = Section {
    id: "certificate",
    contents: None,
    template: include_str!("certificate.html"),
    context,
};

fn context(content: &Content<'_>) -> Result<Option<TemplateValue>> {
    let view = certificate_view(&content.inputs.certificate, &content.inputs.metadata);
    Ok(Some(
        context! { comparison => shown(&view.comparison), certificate => shown(&view) },
    ))
}

/// The verdict in word, sign and sentence, and what it rests on.
#[derive(Serialize)]
pub struct CertificateView {
    /// The class that colours it.
    kind: &'static str,
    sign: &'static str,
    verdict: &'static str,
    /// For the top of the page.
    short: String,
    statement: String,
    weights_fingerprint: String,
    comparison: Option<ComparisonView>,
}

#[derive(Serialize)]
struct ComparisonView {
    positions: usize,
    implementation: String,
    tolerance: String,
    tolerance_after_norm: String,
    facts: Vec<Fact>,
    errors: Vec<ErrorView>,
    /// What is too far off, in words; `None` where nothing is.
    beyond: Option<String>,
    /// Tables that were computed differently from what was compared.
    otherwise: Vec<String>,
    /// Whether some layer's error can't be drawn on a logarithmic axis.
    has_gaps: bool,
}

#[derive(Serialize)]
struct Fact {
    name: &'static str,
    value: String,
}

#[derive(Serialize)]
struct ErrorView {
    what: String,
    rms: String,
    max: String,
    judgement: &'static str,
}

/// The certificate in words; `footers` are those of the run's tables.
pub fn certificate_view(certificate: &Certificate, footers: &[(&'static str, Metadata)]) -> CertificateView {
    let (kind, sign) = match certificate.verdict {
        Verdict::Verified => ("good", "\u{2713}"),
        Verdict::NotVerified => ("open", "?"),
        Verdict::Failed => ("bad", "\u{2715}"),
    };
    let comparison = certificate.comparison.as_ref();
    CertificateView {
        kind,
        sign,
        verdict: certificate.verdict.as_str(),
        short: short(certificate, footers),
        statement: certificate.statement.clone(),
        weights_fingerprint: certificate.weights_fingerprint.clone(),
        comparison: comparison.map(|comparison| comparison_view(comparison, footers)),
    }
}

fn short(certificate: &Certificate, footers: &[(&'static str, Metadata)]) -> String {
    match (certificate.verdict, &certificate.comparison) {
        (Verdict::Verified, Some(comparison)) if !otherwise(comparison, footers).is_empty() => {
            "The model was compared with another implementation, but not with the settings that the tables here were computed with."
                .to_owned()
        }
        (Verdict::Verified, Some(comparison)) => format!(
            "The model computes what {} computes: the largest relative error of a residual stream is {}, where {} is allowed.",
            comparison.reference.implementation,
            scientific(comparison.worst()),
            scientific(comparison.tolerance)
        ),
        (Verdict::Failed, _) => {
            "The model does not compute what its reference does. The figures below should not be trusted."
                .to_owned()
        }
        _ => "What this run computed was not compared with another implementation.".to_owned(),
    }
}

fn comparison_view(comparison: &Comparison, footers: &[(&'static str, Metadata)]) -> ComparisonView {
    ComparisonView {
        positions: comparison.positions,
        implementation: comparison.reference.implementation.clone(),
        tolerance: scientific(comparison.tolerance),
        tolerance_after_norm: scientific(comparison.tolerance_after_norm),
        facts: facts(comparison),
        errors: errors(comparison),
        beyond: beyond(comparison),
        otherwise: otherwise(comparison, footers),
        has_gaps: !comparison
            .layers
            .iter()
            .all(|error| is_drawn(error.rms) && is_drawn(error.max)),
    }
}

fn facts(comparison: &Comparison) -> Vec<Fact> {
    let weights = match comparison.residency.as_str() {
        "resident" => "resident (all in memory)",
        "streamed" => "streamed (read layer by layer)",
        other => other,
    };
    let greedy = match comparison.greedy {
        Some(greedy) => format!("{} of {} the same", greedy.agreeing, greedy.tokens),
        None => "not compared".to_owned(),
    };
    let texts = &comparison.texts;
    let texts = match texts.compared {
        0 => "tokens not compared".to_owned(),
        compared => format!(
            "{} of {compared} the same tokens{}",
            texts.agreeing,
            match texts.texts - compared.min(texts.texts) {
                0 => String::new(),
                others => format!(", {others} others not compared"),
            }
        ),
    };
    let reference = &comparison.reference;
    let fact = |name, value: &str| Fact {
        name,
        value: value.to_owned(),
    };
    vec![
        fact("Device", &device(comparison)),
        fact("Activations", &activations(&comparison.dtype)),
        fact("Weights", weights),
        fact("Positions", &comparison.positions.to_string()),
        fact(
            "Reference",
            &format!("{}, in {}", reference.implementation, reference.dtype),
        ),
        fact("Reference file", &reference.file),
        fact("Its BLAKE3", &reference.blake3),
        fact("Tolerance", &scientific(comparison.tolerance)),
        fact(
            "After the final norm",
            &scientific(comparison.tolerance_after_norm),
        ),
        fact("Worst residual stream", &scientific(comparison.worst())),
        fact("Greedy tokens", &greedy),
        fact("Texts of this run", &texts),
    ]
}

/// The word for the device, and which GPU it was.
fn device(comparison: &Comparison) -> String {
    let gpu = comparison.gpu.iter().map(|gpu| format!(" ({gpu})"));
    let kernels = comparison
        .kernels
        .iter()
        .map(|kernels| format!(", kernels {kernels}"));
    std::iter::once(comparison.device.clone())
        .chain(gpu)
        .chain(kernels)
        .collect()
}

/// The type in words, where it says less than it seems to.
fn activations(dtype: &str) -> String {
    match dtype == Precision::Tf32.as_str() {
        true => "f32, multiplied in TF32 (10 bits after the binary point)".to_owned(),
        false => dtype.to_owned(),
    }
}

/// The worst layer, and what comes after the layers.
fn errors(comparison: &Comparison) -> Vec<ErrorView> {
    let view = |what: String, error: RelativeError, tolerance: f64| ErrorView {
        what,
        rms: scientific(error.rms),
        max: scientific(error.max),
        judgement: if is_within(error, tolerance) {
            "within"
        } else {
            "beyond"
        },
    };
    let after_norm = comparison.tolerance_after_norm;
    let layers = comparison.layers.iter().enumerate();
    let worst = layers.max_by(|(_, a), (_, b)| a.rms.total_cmp(&b.rms));
    let worst = worst.map(|(layer, error)| {
        view(
            format!("Residual stream, worst layer ({layer})"),
            *error,
            comparison.tolerance,
        )
    });
    worst
        .into_iter()
        .chain([
            view("Final norm".to_owned(), comparison.final_norm, after_norm),
            view("Logits".to_owned(), comparison.logits, after_norm),
        ])
        .collect()
}

/// A certificate holds only for its device and precision, and a stage may have run on another
/// machine.
fn otherwise(comparison: &Comparison, footers: &[(&'static str, Metadata)]) -> Vec<String> {
    let mut tables: BTreeMap<(&str, &str, &str), Vec<&str>> = BTreeMap::new();
    let all = [
        ("device", Some(&comparison.device)),
        ("gpu", comparison.gpu.as_ref()),
        ("dtype", Some(&comparison.dtype)),
    ];
    for (key, certified) in all.into_iter().filter_map(|(key, value)| Some((key, value?))) {
        for (table, metadata) in footers {
            if let Some(found) = metadata.get(key).filter(|found| found != certified) {
                tables.entry((key, found, certified)).or_default().push(table);
            }
        }
    }
    let sentence = |((key, found, certified), tables): ((&str, &str, &str), Vec<&str>)| {
        let tables = tables.join(", ");
        format!(
            "This comparison, with the {key} {certified}, does not cover tables that were computed with {found}: {tables}."
        )
    };
    tables.into_iter().map(sentence).collect()
}
