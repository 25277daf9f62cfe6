use anyhow::Result;
use minijinja::context;
use pages::format::{coefficient, number, number_or_dash, with_interval};
use pages::{Span, Templates, page_parts, shown};
use results::DoseCandidate;
use serde::Serialize;
use serde_json::json;

use crate::charts::{contrast_chart, difference_chart, similarity_chart};
use crate::inside::{InsideView, inside_chart};
use crate::terminal::chosen;
use crate::{Comparison, Contrasts, DepthRow, Pair, Run, TextSet};

const TEMPLATE: &str = include_str!("templates/diff.html");
const INSIDE: &str = include_str!("templates/inside.html");

/// Texts beyond this are counted and not shown, so that a browser can still open the page.
const TEXTS_SHOWN: usize = 200;

/// The comparison as one self-contained page.
pub fn page(a: &Run, b: &Run, comparison: &Comparison) -> Result<String> {
    let runs = [a, b];
    let mut charts = json!({
        "difference": difference_chart(runs)?,
        "similarity": similarity_chart(runs)?,
    });
    let (mut incomparable, mut caution) = (None, None);
    match &comparison.contrasts {
        Contrasts::Incomparable(why) => incomparable = Some(why.clone()),
        Contrasts::Cosines { caution: why, layers } => {
            caution = why.clone();
            charts["contrast"] = contrast_chart(layers)?;
        }
    }
    if let Some(chart) = inside_chart(&comparison.inside)? {
        charts["activations"] = chart;
    }
    let curves = &comparison.curves;
    Templates::new(&[("diff.html", TEMPLATE), ("inside.html", INSIDE)])?.render(
        "diff.html",
        context! {
            runs => shown(runs.map(RunView::of)),
            is_same => comparison.is_same(),
            settings => shown(&comparison.settings),
            rows => shown(curves.rows.iter().map(RowView::of).collect::<Vec<_>>()),
            mean_distance => number(curves.mean_distance, 4),
            farthest => number(curves.rows[curves.farthest].change().abs(), 4),
            farthest_depth => number(curves.rows[curves.farthest].depth, 2),
            correlation => curves.correlation.map(|value| number(value, 3)),
            peaks => shown(curves.peaks),
            incomparable => incomparable,
            caution => caution,
            inside => shown(InsideView::of(&comparison.inside, a.contrast.hidden_size)),
            sets => shown(comparison.texts.as_deref().map(set_views)),
            texts_shown => TEXTS_SHOWN,
            ..page_parts(&charts, "")?
        },
    )
}

#[derive(Serialize)]
struct RunView {
    name: String,
    model: String,
    layers: usize,
    prompts: usize,
    positive: String,
    negative: String,
    pooling: String,
    dose: String,
    findings: Vec<String>,
}

impl RunView {
    fn of(run: &Run) -> RunView {
        let dose = match &run.dose {
            None => "not looked for".to_owned(),
            Some(summary) => chosen(summary).map_or_else(|| "none passes".to_owned(), dose),
        };
        RunView {
            name: run.name.clone(),
            model: run.model().to_owned(),
            layers: run.layers(),
            prompts: run.about.all_prompts,
            positive: run.about.positive.clone(),
            negative: run.about.negative.clone(),
            pooling: run.about.pooling.to_string(),
            dose,
            findings: run.about.findings.clone(),
        }
    }
}

fn dose(dose: &DoseCandidate) -> String {
    format!(
        "layer {}, coefficient {} ({} of the residual norm): {} nats per token, perplexity ratio {}",
        dose.layer,
        coefficient(dose.coefficient),
        number(dose.relative_coefficient, 2),
        with_interval(dose.effect, dose.effect_low, dose.effect_high, 2),
        number_or_dash(dose.perplexity_ratio, 2)
    )
}

#[derive(Serialize)]
struct RowView {
    depth: String,
    layers: [String; 2],
    values: [String; 2],
    change: String,
    is_apart: bool,
}

impl RowView {
    fn of(row: &DepthRow) -> RowView {
        let value = |index: usize| with_interval(row.values[index], row.lows[index], row.highs[index], 4);
        RowView {
            depth: number(row.depth, 2),
            layers: row.layers.map(|layer| {
                if layer.fract().abs() < 1e-9 {
                    number(layer, 0)
                } else {
                    number(layer, 1)
                }
            }),
            values: [value(0), value(1)],
            change: number(row.change(), 4),
            is_apart: row.is_apart(),
        }
    }
}

#[derive(Serialize)]
struct SetView<'a> {
    name: &'a str,
    same: usize,
    differing: usize,
    only_a: usize,
    only_b: usize,
    pairs: Vec<PairView<'a>>,
}

#[derive(Serialize)]
struct PairView<'a> {
    about: String,
    prompt: &'a str,
    a: &'a [Span],
    b: &'a [Span],
}

fn set_views(sets: &[TextSet]) -> Vec<SetView<'_>> {
    let mut room = TEXTS_SHOWN;
    let mut views = Vec::new();
    for set in sets {
        let pairs: Vec<PairView<'_>> = set.differing.iter().take(room).map(pair_view).collect();
        room -= pairs.len();
        views.push(SetView {
            name: &set.name,
            same: set.same,
            differing: set.differing.len(),
            only_a: set.only_a,
            only_b: set.only_b,
            pairs,
        });
    }
    views
}

fn pair_view(pair: &Pair) -> PairView<'_> {
    let steering = pair.coefficient.map_or(String::new(), |value| {
        format!(", coefficient {}", coefficient(value))
    });
    PairView {
        about: format!(
            "{}, {}{steering}, sample {}",
            pair.prompt_id,
            pair.condition,
            pair.sample + 1
        ),
        prompt: &pair.prompt,
        a: &pair.a,
        b: &pair.b,
    }
}
