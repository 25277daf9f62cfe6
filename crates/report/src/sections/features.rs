//! Which features of sparse autoencoders carry the contrast, and whether the autoencoders are valid here.

use anyhow::Result;
use minijinja::context;
use minijinja::value::Value as TemplateValue;
use pages::format::{number, number_or_dash, p_value, percent, with_interval};
use pages::shown;
use results::{Feature, Sae, SaeFit};
use serde::Serialize;

use super::section::Section;
use crate::content::Content;
use crate::feature_tables::Features;

pub const SECTION: Section = Section {
    id: "features",
    contents: Some("Features"),
    template: include_str!("features.html"),
    context,
};

/// Features of an autoencoder that are shown, those with the greatest part of the contrast first.
const SHOWN: usize = 12;
/// A decoded activation that leaves out more than this of the squared norm is not the activation any more.
const INVALID: f64 = 0.5;

#[derive(Serialize)]
struct SaeView {
    name: String,
    about: String,
    finding: String,
    warning: Option<String>,
    fits: Vec<FitView>,
    rows: Vec<FeatureView>,
}

#[derive(Serialize)]
struct FitView {
    condition: String,
    l0: String,
    error: String,
    cosine: String,
    variance_unexplained: String,
}

#[derive(Serialize)]
struct FeatureView {
    feature: usize,
    link: Option<String>,
    is_significant: bool,
    positive_share: String,
    negative_share: String,
    difference: String,
    auc: String,
    p_family: String,
    cosine: String,
    share: String,
}

fn context(content: &Content<'_>) -> Result<Option<TemplateValue>> {
    let features = &content.inputs.features;
    if features.saes.is_empty() {
        return Ok(None);
    }
    let level = content.inputs.evidence.summary.level;
    let saes: Vec<SaeView> = features
        .saes
        .iter()
        .map(|sae| sae_view(content, features, sae, level))
        .collect();
    let label = |name: &str| {
        content
            .pipeline
            .condition(name)
            .map(|condition| condition.label.clone())
    };
    Ok(Some(context! {
        level => level,
        positive => label(&content.pipeline.contrast.positive),
        negative => label(&content.pipeline.contrast.negative),
        saes => shown(saes),
    }))
}

fn sae_view(content: &Content<'_>, features: &Features, sae: &Sae, level: f64) -> SaeView {
    let own: Vec<&Feature> = features
        .features
        .iter()
        .filter(|row| row.sae == sae.sae)
        .collect();
    let fits: Vec<&SaeFit> = features.fits.iter().filter(|row| row.sae == sae.sae).collect();
    let trained_on = match &sae.model {
        Some(model) => format!("trained on {model}"),
        None => "which does not say on which model it was trained".to_owned(),
    };
    let mut order = own.clone();
    let size = |row: &&Feature| {
        if row.contrast_share.is_finite() {
            row.contrast_share.abs()
        } else {
            0.0
        }
    };
    order.sort_by(|a, b| size(b).total_cmp(&size(a)).then(a.feature.cmp(&b.feature)));
    let condition = |name: &str| {
        let condition = content.pipeline.condition(name);
        condition.map_or_else(|| name.to_owned(), |condition| condition.label.clone())
    };
    SaeView {
        name: sae.sae.clone(),
        about: format!(
            "{}, {} features, reads blocks.{}.{}, {trained_on}",
            sae.architecture, sae.features, sae.layer, sae.site
        ),
        finding: finding(sae, &own, level),
        warning: warning(&fits, &condition),
        fits: fits
            .iter()
            .map(|fit| FitView {
                condition: condition(&fit.condition),
                l0: number(fit.l0, 1),
                error: percent(fit.error),
                cosine: number_or_dash(fit.cosine, 3),
                variance_unexplained: number_or_dash(fit.variance_unexplained, 2),
            })
            .collect(),
        rows: order
            .iter()
            .take(SHOWN)
            .map(|row| feature_view(sae, row, level))
            .collect(),
    }
}

/// What the figures allow to say, in words.
fn finding(sae: &Sae, features: &[&Feature], level: f64) -> String {
    let significant = features.iter().filter(|row| row.p_family < level).count();
    let differ = match significant {
        0 => "none of them".to_owned(),
        count => format!("{count} of them"),
    };
    let share = match sae.features_share.is_finite() {
        true => format!(
            "Along the contrast, the features make {} of it, and what the autoencoder leaves out makes the rest.",
            percent(sae.features_share)
        ),
        false => "The contrast is zero there.".to_owned(),
    };
    format!(
        "{} of {} features are active for some prompt in one of the two formats; {differ} differ between the formats beyond chance \
         (family-wise p below {level}). {share}",
        sae.tested, sae.features
    )
}

fn warning(fits: &[&SaeFit], condition: &dyn Fn(&str) -> String) -> Option<String> {
    let bad = fits.iter().filter(|fit| fit.error > INVALID);
    let bad: Vec<String> = bad
        .map(|fit| {
            format!(
                "{} of the squared norm in \u{201c}{}\u{201d}",
                percent(fit.error),
                condition(&fit.condition)
            )
        })
        .collect();
    (!bad.is_empty()).then(|| {
        format!(
            "The autoencoder leaves out {}: it does not describe these activations, and what is said of its features here means \
             little. It may be of another model, layer or place.",
            bad.join(", and ")
        )
    })
}

fn feature_view(sae: &Sae, row: &Feature, level: f64) -> FeatureView {
    FeatureView {
        feature: row.feature,
        link: sae
            .neuronpedia
            .as_ref()
            .map(|name| format!("https://www.neuronpedia.org/{name}/{}", row.feature)),
        is_significant: row.p_family < level,
        positive_share: percent(row.positive_share),
        negative_share: percent(row.negative_share),
        difference: with_interval(row.difference, row.difference_low, row.difference_high, 2),
        auc: number_or_dash(row.auc, 3),
        p_family: p_value(row.p_family),
        cosine: number_or_dash(row.contrast_cosine, 3),
        share: if row.contrast_share.is_finite() {
            percent(row.contrast_share)
        } else {
            "\u{2013}".to_owned()
        },
    }
}
