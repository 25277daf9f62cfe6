//! The pages: what the templates are filled with.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use artifacts::{Condition, Layout, Pipeline, ReadPosition, RenderedPrompt, Summary};
use minijinja::context;
use minijinja::value::{Serde, Value as TemplateValue};
use serde::Serialize;
use serde_json::{Value, json};

use crate::assets;
use crate::certainty::certainty_view;
use crate::certificate::certificate_view;
use crate::charts::{
    components_chart, condition_colour, depth_chart, dose_damage_chart, dose_damage_map,
    dose_divergence_chart, dose_effect_map, dose_response_chart, effect_norms_chart, errors_chart, heat_map,
    norms_chart, other_directions_chart, other_similarities_chart, projections_chart, published_chart,
    similarity_chart, speaker_share_chart, strip_chart, titles, variance_chart, with_layer_mark,
};
use crate::dose::dose_view;
use crate::findings::{Findings, peak};
use crate::format::number;
use crate::generations::{coefficients, set_views, steered_layers};
use crate::inputs::Inputs;
use crate::lens::lens_rows;
use crate::numbering::figure_numbers;
use crate::pieces::{Piece, pieces};
use crate::provenance::{Links, commands, given, metadata_entries};
use crate::published::published_view;
use crate::speaker::speaker_view;
use crate::tokens::{TokenView, token_views};
use crate::warnings::{facts_views, warnings};

const REPORT_SCRIPT: &str = include_str!("templates/report.js");

const TEMPLATES: [(&str, &str); 12] = [
    ("report.html", include_str!("templates/report.html")),
    ("lens.html", include_str!("templates/lens.html")),
    ("layers.html", include_str!("templates/layers.html")),
    ("certainty.html", include_str!("templates/certainty.html")),
    ("speaker.html", include_str!("templates/speaker.html")),
    ("dose.html", include_str!("templates/dose.html")),
    ("generations.html", include_str!("templates/generations.html")),
    ("trust.html", include_str!("templates/trust.html")),
    ("provenance.html", include_str!("templates/provenance.html")),
    ("chart.html", include_str!("templates/chart.html")),
    ("banner.html", include_str!("templates/banner.html")),
    ("figure.html", include_str!("templates/figure.html")),
];

/// The whole report as HTML.
pub fn report_page(pipeline: &Pipeline, layout: &Layout, inputs: &Inputs) -> Result<String> {
    let findings = Findings::of(inputs).context("the summary has no layer")?;
    let layer = findings.peak.layer;
    let charts = charts(pipeline, inputs, layer)?;
    let sets = set_views(pipeline, &inputs.generations, findings.layers);
    let conditions: Vec<ConditionView> = pipeline
        .conditions
        .iter()
        .map(|condition| condition_view(pipeline, inputs, condition))
        .collect();
    render(
        "report.html",
        context! {
            title => pipeline.report.title.clone(),
            model => pipeline.model.name.clone(),
            pipeline => pipeline.name.clone(),
            pooling => pipeline.contrast.pooling.as_str(),
            conditions => shown(conditions),
            prompt_count => findings.prompts,
            shown_count => inputs.prompt_ids().len(),
            has_matrices => charts.get("heat-map").is_some(),
            fig => shown(figure_numbers(&charts)),
            first_prompt => inputs.prompt_ids().first().map(|id| inputs.prompt_text(id)),
            answer => findings.sentences(pipeline),
            poolings => shown(pooling_views(inputs)),
            layer => layer,
            last_layer => findings.layers - 1,
            strip_height => 90 + 60 * pipeline.conditions.len(),
            facts => shown(facts_views(pipeline, &inputs.facts)),
            warnings => warnings(pipeline, inputs),
            certainty => shown(certainty_view(&inputs.evidence)),
            speaker => shown(speaker_view(pipeline, inputs)?),
            lens => shown(lens_rows(&inputs.evidence.lens)),
            dose => shown(dose_view(pipeline, &inputs.doses)?),
            steered_layers => steered_layers(&sets),
            sets => shown(sets),
            coefficients => coefficients(&inputs.generations),
            certificate => shown(certificate_view(&inputs.certificate, &inputs.metadata)),
            published => shown(inputs.published.as_ref().map(published_view)),
            metadata => shown(metadata_entries(&inputs.metadata)),
            pipeline_text => inputs.pipeline_text.clone(),
            overrides => given(pipeline),
            commands => shown(commands(pipeline)),
            links => shown(Links::of(layout)),
            ..assets::page_parts(&charts, REPORT_SCRIPT)?
        },
    )
}

/// All charts of the report by name. The page draws every one that is here, so those without a place on it
/// must not be.
fn charts(pipeline: &Pipeline, inputs: &Inputs, layer: usize) -> Result<Value> {
    let evidence = &inputs.evidence;
    let mut charts = json!({
        "similarity": with_layer_mark(similarity_chart(pipeline, &inputs.summaries, evidence)?, layer),
        "components": components_chart(pipeline, inputs, layer)?,
        "strip": strip_chart(pipeline, inputs, layer)?,
        "projections": with_layer_mark(projections_chart(pipeline, inputs)?, layer),
        "norms": with_layer_mark(norms_chart(pipeline, &inputs.summaries)?, layer),
        "other-similarities": other_similarities_chart(&evidence.statistics)?,
        "other-directions": other_directions_chart(&evidence.statistics)?,
        "depth": depth_chart(&evidence.depth, inputs.summaries.len())?,
    });
    if let Some(chart) = heat_map(pipeline, inputs)? {
        charts["heat-map"] = chart;
    }
    if !evidence.effects.is_empty() {
        charts["speaker-share"] = speaker_share_chart(&evidence.effects)?;
        charts["effect-norms"] = effect_norms_chart(&evidence.effects)?;
        charts["variance"] = variance_chart(&evidence.effects)?;
    }
    if let Some(shown) = inputs.doses.shown() {
        charts["dose-response"] = dose_response_chart(pipeline, &inputs.doses, shown.layer)?;
        charts["dose-damage"] = dose_damage_chart(pipeline, &inputs.doses, shown.layer)?;
        charts["dose-divergence"] = dose_divergence_chart(pipeline, &inputs.doses, shown.layer)?;
        charts["dose-effect-map"] = dose_effect_map(&inputs.doses.summary)?;
        charts["dose-damage-map"] = dose_damage_map(&inputs.doses.summary)?;
    }
    if let Some(published) = &inputs.published {
        charts["published-chart"] = published_chart(published)?;
    }
    if let Some(comparison) = &inputs.certificate.comparison {
        charts["errors"] = errors_chart(comparison)?;
    }
    Ok(charts)
}

/// The method's chart as a page of its own.
pub fn chart_page(pipeline: &Pipeline, inputs: &Inputs) -> Result<String> {
    let charts = json!({ "similarity": similarity_chart(pipeline, &inputs.summaries, &inputs.evidence)? });
    let (title, _) = titles(pipeline)?;
    render(
        "chart.html",
        context! {
            title => title,
            certificate => shown(certificate_view(&inputs.certificate, &inputs.metadata)),
            ..assets::page_parts(&charts, "")?
        },
    )
}

fn render(name: &str, context: TemplateValue) -> Result<String> {
    assets::render(&TEMPLATES, name, context)
}

fn shown(value: impl Serialize) -> TemplateValue {
    TemplateValue::from(Serde(value))
}

#[derive(Serialize)]
struct ConditionView {
    name: String,
    label: String,
    colour: String,
    opens: &'static str,
    side: &'static str,
    prompts: Vec<PromptView>,
}

#[derive(Serialize)]
struct PromptView {
    id: String,
    text: Vec<Piece>,
    tokens: Vec<TokenView>,
}

fn condition_view(pipeline: &Pipeline, inputs: &Inputs, condition: &Condition) -> ConditionView {
    let rows = inputs
        .prompts
        .iter()
        .filter(|row| row.condition == condition.name);
    let prompt = |row: &RenderedPrompt| PromptView {
        id: row.prompt_id.clone(),
        text: pieces(&row.text),
        tokens: token_views(row, &reads(inputs, row)),
    };
    let side = match &condition.name {
        name if *name == pipeline.contrast.positive => "positive",
        name if *name == pipeline.contrast.negative => "negative",
        _ => "",
    };
    ConditionView {
        name: condition.name.clone(),
        label: condition.label.clone(),
        colour: condition_colour(pipeline, &condition.name).css(),
        opens: condition.opens.as_str(),
        side,
        prompts: rows.map(prompt).collect(),
    }
}

/// Where this prompt was read in this condition.
fn reads<'a>(inputs: &'a Inputs, prompt: &RenderedPrompt) -> Vec<&'a ReadPosition> {
    let is_own =
        |read: &&ReadPosition| read.prompt_id == prompt.prompt_id && read.condition == prompt.condition;
    inputs.positions.iter().filter(is_own).collect()
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
fn pooling_views(inputs: &Inputs) -> Vec<PoolingView> {
    let mut others: BTreeMap<&str, Vec<Summary>> = BTreeMap::new();
    for row in &inputs.other_summaries {
        others.entry(&row.pooling).or_default().push(row.clone());
    }
    std::iter::once(inputs.summaries.clone())
        .chain(others.into_values())
        .filter_map(|rows| pooling_view(&rows))
        .collect()
}

fn pooling_view(rows: &[Summary]) -> Option<PoolingView> {
    let peak = peak(rows)?;
    let mean = |of: fn(&Summary) -> f64| number(rows.iter().map(of).sum::<f64>() / rows.len() as f64, 4);
    Some(PoolingView {
        pooling: peak.pooling.clone(),
        within: mean(|row| row.avg_within_category),
        cross: mean(|row| row.avg_cross_category),
        difference: mean(|row| row.similarity_difference),
        peak_layer: peak.layer,
        peak_difference: number(peak.similarity_difference, 4),
    })
}
