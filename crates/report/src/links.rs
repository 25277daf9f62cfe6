//! Links to the files behind the figures.

use std::path::Path;

use results::{
    ComponentPlace, DepthCosine, DoseEffect, DoseText, Feature, FeatureActivity, Generation, HeldOutText,
    Knockout, LayerEffects, LayerStatistics, Layout, LensToken, Outlier, PatchEffect, Projection,
    RenderedPrompt, Sae, SaeFit, Similarity, Summary, VectorRow,
};
use serde::Serialize;

/// The files behind the figures, relative to the report's folder.
#[derive(Debug, Serialize)]
pub struct Links {
    pub certificate: String,
    pub summary: String,
    pub summary_csv: String,
    pub similarities: String,
    pub projections: String,
    pub components: String,
    pub activations: String,
    pub vectors: String,
    pub contrast: String,
    pub statistics: String,
    pub statistics_summary: String,
    pub effects: String,
    pub depth: String,
    pub outliers: String,
    pub saes: String,
    pub sae_fit: String,
    pub features: String,
    pub feature_activity: String,
    pub generations: String,
    pub lens: String,
    pub doses: String,
    pub dose_texts: String,
    pub held_out_texts: String,
    pub dose_summary: String,
    pub patches: String,
    pub knockouts: String,
    pub prompts: String,
}

impl Links {
    pub fn of(layout: &Layout) -> Self {
        let link = |path: &Path| {
            let parts: Vec<String> = layout
                .inside(path)
                .components()
                .map(|part| part.as_os_str().to_string_lossy().into_owned())
                .collect();
            format!("../{}", parts.join("/"))
        };
        Links {
            certificate: link(&layout.certificate()),
            summary: link(&layout.table::<Summary>()),
            summary_csv: link(&layout.table::<Summary>().with_extension("csv")),
            similarities: link(&layout.table::<Similarity>()),
            projections: link(&layout.table::<Projection>()),
            components: link(&layout.table::<ComponentPlace>()),
            activations: link(&layout.activations()),
            vectors: link(&layout.table::<VectorRow>()),
            contrast: link(&layout.contrast_vectors()),
            statistics: link(&layout.table::<LayerStatistics>()),
            statistics_summary: link(&layout.statistics_summary()),
            effects: link(&layout.table::<LayerEffects>()),
            depth: link(&layout.table::<DepthCosine>()),
            outliers: link(&layout.table::<Outlier>()),
            saes: link(&layout.table::<Sae>()),
            sae_fit: link(&layout.table::<SaeFit>()),
            features: link(&layout.table::<Feature>()),
            feature_activity: link(&layout.table::<FeatureActivity>()),
            generations: link(&layout.table::<Generation>()),
            lens: link(&layout.table::<LensToken>()),
            doses: link(&layout.table::<DoseEffect>()),
            dose_texts: link(&layout.table::<DoseText>()),
            held_out_texts: link(&layout.table::<HeldOutText>()),
            dose_summary: link(&layout.dose_summary()),
            patches: link(&layout.table::<PatchEffect>()),
            knockouts: link(&layout.table::<Knockout>()),
            prompts: link(&layout.table::<RenderedPrompt>()),
        }
    }
}
