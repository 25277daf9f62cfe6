use std::fmt::Write as _;

use pages::Span;
use results::{DoseCandidate, DoseSummary};

use crate::{Comparison, Contrasts, Curves, Pair, Run, TextSet};

/// How many differing texts are written out.
const TEXTS_SHOWN: usize = 3;

/// The comparison as plain text, for a terminal.
pub fn summary(a: &Run, b: &Run, comparison: &Comparison) -> String {
    let mut out = String::new();
    for (letter, run) in [("A", a), ("B", b)] {
        line(
            &mut out,
            format!(
                "{letter}  {}: {}, {} layers, {} minus {}, {} prompts",
                run.name,
                run.model(),
                run.layers(),
                run.about.positive,
                run.about.negative,
                run.about.all_prompts
            ),
        );
    }
    if comparison.is_same() {
        line(
            &mut out,
            "\nNothing differs: settings, curves and texts are the same.".to_owned(),
        );
        return out;
    }
    write_settings(&mut out, comparison);
    write_curves(&mut out, [a, b], &comparison.curves);
    write_contrasts(&mut out, &comparison.contrasts);
    doses_table(&mut out, [a, b]);
    write_texts(&mut out, comparison.texts.as_deref());
    out
}

fn line(out: &mut String, text: String) {
    // Writing into a String can't fail.
    let _ = writeln!(out, "{text}");
}

fn write_settings(out: &mut String, comparison: &Comparison) {
    if comparison.settings.is_empty() {
        return line(out, "\nSettings: no difference".to_owned());
    }
    line(out, "\nSettings that differ".to_owned());
    for setting in &comparison.settings {
        line(out, format!("  {}", setting.what));
        line(out, format!("    A  {}", setting.a));
        line(out, format!("    B  {}", setting.b));
    }
}

fn write_curves(out: &mut String, runs: [&Run; 2], curves: &Curves) {
    line(
        out,
        "\nWithin minus across, 95 % interval over prompts".to_owned(),
    );
    line(
        out,
        format!(
            "  {:>5}  {:>7}  {:<25}  {:>7}  {:<25}  {:>8}",
            "depth", "A layer", "A", "B layer", "B", "B - A"
        ),
    );
    for row in &curves.rows {
        let side = |index: usize| {
            format!(
                "{:>7}  {:<25}",
                layer(row.layers[index]),
                with_interval(row.values[index], row.lows[index], row.highs[index])
            )
        };
        line(
            out,
            format!(
                "  {:>5.2}  {}  {}  {:>+8.4}{}",
                row.depth,
                side(0),
                side(1),
                row.change(),
                if row.is_apart() { "  apart" } else { "" }
            ),
        );
    }
    let farthest = &curves.rows[curves.farthest];
    line(
        out,
        format!(
            "  mean distance {:.4}, largest {:.4} at depth {:.2}; correlation of the two shapes {}; largest gap in A at layer {} (depth {:.2}), in B at layer {} (depth {:.2})",
            curves.mean_distance,
            farthest.change().abs(),
            farthest.depth,
            curves
                .correlation
                .map_or("-".to_owned(), |value| format!("{value:.3}")),
            curves.peaks[0],
            runs[0].depth(curves.peaks[0]),
            curves.peaks[1],
            runs[1].depth(curves.peaks[1])
        ),
    );
    line(
        out,
        "  apart: the two intervals have no number in common; a depth between two layers is interpolated"
            .to_owned(),
    );
}

/// Fewer than three prompts have no interval.
fn with_interval(value: f64, low: f64, high: f64) -> String {
    if low.is_nan() || high.is_nan() {
        format!("{value:.4} (no interval)")
    } else {
        format!("{value:.4} ({low:.4} to {high:.4})")
    }
}

/// A whole number where it is one.
fn layer(place: f64) -> String {
    if (place - place.round()).abs() < 1e-9 {
        format!("{place:.0}")
    } else {
        format!("{place:.1}")
    }
}

fn write_contrasts(out: &mut String, contrasts: &Contrasts) {
    let (caution, layers) = match contrasts {
        Contrasts::Incomparable(why) => {
            return line(out, format!("\nContrast vectors: not comparable. {why}"));
        }
        Contrasts::Cosines { caution, layers } => (caution, layers),
    };
    line(out, "\nContrast vectors, A's with B's".to_owned());
    if let Some(caution) = caution {
        line(out, format!("  {caution}"));
    }
    line(
        out,
        format!(
            "  {:>5}  {:>7}  {:>10}  {:>13}",
            "layer", "cosine", "attainable", "norm B over A"
        ),
    );
    for row in layers {
        let attainable = row
            .attainable
            .map_or("-".to_owned(), |value| format!("{value:.4}"));
        line(
            out,
            format!(
                "  {:>5}  {:>7.4}  {attainable:>10}  {:>13.3}",
                row.layer, row.cosine, row.norm_ratio
            ),
        );
    }
    line(
        out,
        "  attainable: what two runs with one true direction reach with so many prompts each, if they share none".to_owned(),
    );
}

fn doses_table(out: &mut String, runs: [&Run; 2]) {
    let doses: Vec<(&str, &DoseSummary)> = ["A", "B"]
        .into_iter()
        .zip(runs)
        .filter_map(|(letter, run)| Some((letter, run.dose.as_ref()?)))
        .collect();
    if doses.is_empty() {
        return;
    }
    line(out, "\nChosen dose".to_owned());
    for (letter, summary) in doses {
        let text = match chosen(summary) {
            Some(dose) => format!(
                "layer {}, coefficient {} ({:.2} of the residual norm): {:.2} nats per token ({:.2} to {:.2}), perplexity ratio {:.2}",
                dose.layer,
                dose.coefficient,
                dose.relative_coefficient,
                dose.effect,
                dose.effect_low,
                dose.effect_high,
                dose.perplexity_ratio
            ),
            None => "none passes".to_owned(),
        };
        line(out, format!("  {letter}  {text}"));
    }
}

/// The dose that a sweep chose.
pub fn chosen(summary: &DoseSummary) -> Option<&DoseCandidate> {
    summary.candidates.get(summary.chosen?)
}

fn write_texts(out: &mut String, sets: Option<&[TextSet]>) {
    let Some(sets) = sets else {
        return line(
            out,
            "\nTexts: not compared, a run has none (`cargo xtask steer` makes them)".to_owned(),
        );
    };
    line(out, "\nTexts".to_owned());
    line(
        out,
        format!(
            "  {:<24}  {:>5}  {:>7}  {:>6}  {:>6}",
            "set", "same", "differ", "only A", "only B"
        ),
    );
    for set in sets {
        line(
            out,
            format!(
                "  {:<24}  {:>5}  {:>7}  {:>6}  {:>6}",
                set.name,
                set.same,
                set.differing.len(),
                set.only_a,
                set.only_b
            ),
        );
    }
    let differing = || {
        sets.iter()
            .flat_map(|set| set.differing.iter().map(move |pair| (set, pair)))
    };
    for (set, pair) in differing().take(TEXTS_SHOWN) {
        write_pair(out, set, pair);
    }
    let count = differing().count();
    if count > TEXTS_SHOWN {
        line(out, format!("  … and {} more on the page", count - TEXTS_SHOWN));
    }
}

fn write_pair(out: &mut String, set: &TextSet, pair: &Pair) {
    let coefficient = pair
        .coefficient
        .map_or(String::new(), |value| format!(", coefficient {value}"));
    line(
        out,
        format!(
            "  {}, {}, {}{coefficient}",
            set.name, pair.prompt_id, pair.condition
        ),
    );
    let text = |pieces: &[Span]| -> String {
        let own = |piece: &Span| match piece.differs {
            true => format!("[{}]", piece.text.replace('\n', "⏎")),
            false => piece.text.replace('\n', "⏎"),
        };
        pieces.iter().map(own).collect()
    };
    line(out, format!("    A  {}", text(&pair.a)));
    line(out, format!("    B  {}", text(&pair.b)));
}
