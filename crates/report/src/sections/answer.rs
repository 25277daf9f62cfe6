//! The answer in sentences and in the method's chart.

use std::collections::BTreeMap;

use anyhow::Result;
use minijinja::context;
use minijinja::value::Value as TemplateValue;
use pages::format::number;
use pages::shown;
use results::Summary;
use serde::Serialize;

use super::section::Section;
use crate::content::Content;
use crate::findings::peak;

pub const SECTION: Section = Section {
    id: "answer",
    contents: Some("Answer"),
    template: include_str!("answer.html"),
    context,
};

fn context(content: &Content<'_>) -> Result<Option<TemplateValue>> {
    let summary = &content.inputs.evidence.summary;
    Ok(Some(context! {
        answer => content.findings.sentences(content.pipeline),
        findings => summary.findings.clone(),
        level => summary.level,
        poolings => shown(pooling_views(content)),
    }))
}

#[derive(Serialize)]
struct PoolingView {
    pooling: String,
    within: String,
    cross: String,
    difference: String,
    peak_layer: usize,
    peak_difference: String,
}

/// The means over layers under every pooling, the contrast's own first.
fn pooling_views(content: &Content<'_>) -> Vec<PoolingView> {
    let mut others: BTreeMap<&str, Vec<Summary>> = BTreeMap::new();
    for row in &content.inputs.other_summaries {
        others.entry(row.pooling.as_str()).or_default().push(row.clone());
    }
    std::iter::once(content.inputs.summaries.clone())
        .chain(others.into_values())
        .filter_map(|rows| pooling_view(&rows))
        .collect()
}

fn pooling_view(rows: &[Summary]) -> Option<PoolingView> {
    let peak = peak(rows)?;
    let mean = |of: fn(&Summary) -> f64| number(rows.iter().map(of).sum::<f64>() / rows.len() as f64, 4);
    Some(PoolingView {
        pooling: peak.pooling.to_string(),
        within: mean(|row| row.avg_within_category),
        cross: mean(|row| row.avg_cross_category),
        difference: mean(|row| row.similarity_difference),
        peak_layer: peak.layer,
        peak_difference: number(peak.similarity_difference, 4),
    })
}
