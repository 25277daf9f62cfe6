use std::fmt::{self, Write as _};

use pages::Span;
use results::{DoseCandidate, DoseSummary};

use crate::{Comparison, Contrasts, Curves, Inside, Pair, Run, TextSet, sentences};

/// How many differing texts are written out.
const TEXTS_SHOWN: usize = 3;

/// The comparison as plain text, for a terminal.
pub fn summary(a: &Run, b: &Run, comparison: &Comparison) -> String {
    let mut out = String::new();
    // Writing into a String can't fail.
    let _ = write_summary(&mut out, a, b, comparison);
    out
}

fn write_summary(out: &mut String, a: &Run, b: &Run, comparison: &Comparison) -> fmt::Result {
    for (letter, run) in [("A", a), ("B", b)] {
        writeln!(
            out,
            "{letter}  {}: {}, {} layers, {} minus {}, {} prompts",
            run.name,
            run.model(),
            run.layers(),
            run.about.positive,
            run.about.negative,
            run.about.all_prompts
        )?;
    }
    if comparison.is_same() {
        writeln!(out, "\nNothing differs: settings, curves and texts are the same.")?;
        return Ok(());
    }
    write_settings(out, comparison)?;
    write_curves(out, [a, b], &comparison.curves)?;
    write_contrasts(out, &comparison.contrasts)?;
    write_inside(out, &comparison.inside)?;
    doses_table(out, [a, b])?;
    write_texts(out, comparison.texts.as_deref())?;
    Ok(())
}

fn write_settings(out: &mut String, comparison: &Comparison) -> fmt::Result {
    if comparison.settings.is_empty() {
        return writeln!(out, "\nSettings: no difference");
    }
    writeln!(out, "\nSettings that differ")?;
    for setting in &comparison.settings {
        writeln!(out, "  {}", setting.what)?;
        writeln!(out, "    A  {}", setting.a)?;
        writeln!(out, "    B  {}", setting.b)?;
    }
    Ok(())
}

fn write_curves(out: &mut String, runs: [&Run; 2], curves: &Curves) -> fmt::Result {
    writeln!(out, "\nWithin minus across, 95 % interval over prompts")?;
    writeln!(
        out,
        "  {:>5}  {:>7}  {:<25}  {:>7}  {:<25}  {:>8}",
        "depth", "A layer", "A", "B layer", "B", "B - A"
    )?;
    for row in &curves.rows {
        let side = |index: usize| {
            format!(
                "{:>7}  {:<25}",
                layer(row.layers[index]),
                with_interval(row.values[index], row.lows[index], row.highs[index])
            )
        };
        writeln!(
            out,
            "  {:>5.2}  {}  {}  {:>+8.4}{}",
            row.depth,
            side(0),
            side(1),
            row.change(),
            if row.is_apart() { "  apart" } else { "" }
        )?;
    }
    let farthest = &curves.rows[curves.farthest];
    writeln!(
        out,
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
    )?;
    writeln!(
        out,
        "  apart: the two intervals have no number in common; a depth between two layers is interpolated"
    )?;
    Ok(())
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

fn write_contrasts(out: &mut String, contrasts: &Contrasts) -> fmt::Result {
    let (caution, layers) = match contrasts {
        Contrasts::Incomparable(why) => {
            return writeln!(out, "\nContrast vectors: not comparable. {why}");
        }
        Contrasts::Cosines { caution, layers } => (caution, layers),
    };
    writeln!(out, "\nContrast vectors, A's with B's")?;
    if let Some(caution) = caution {
        writeln!(out, "  {caution}")?;
    }
    writeln!(
        out,
        "  {:>5}  {:>7}  {:>10}  {:>13}",
        "layer", "cosine", "attainable", "norm B over A"
    )?;
    for row in layers {
        let attainable = row
            .attainable
            .map_or("-".to_owned(), |value| format!("{value:.4}"));
        writeln!(
            out,
            "  {:>5}  {:>7.4}  {attainable:>10}  {:>13.3}",
            row.layer, row.cosine, row.norm_ratio
        )?;
    }
    writeln!(
        out,
        "  attainable: what two runs with one true direction reach with so many prompts each, if they share none"
    )?;
    Ok(())
}

/// Three lines at most.
fn write_inside(out: &mut String, inside: &Inside) -> fmt::Result {
    let changes = match inside {
        Inside::Incomparable(why) => {
            return writeln!(out, "\nInside: the activations can't be compared. {why}");
        }
        Inside::Compared(changes) => changes,
    };
    let (common, pooling) = (&changes.common, changes.pooling);
    write!(
        out,
        "\nInside, pooling {pooling}, prompts that are the same in both: {}. ",
        common.prompts.len()
    )?;
    writeln!(out, "{}", sentences(changes).join("\n  "))
}

fn doses_table(out: &mut String, runs: [&Run; 2]) -> fmt::Result {
    let doses: Vec<(&str, &DoseSummary)> = ["A", "B"]
        .into_iter()
        .zip(runs)
        .filter_map(|(letter, run)| Some((letter, run.dose.as_ref()?)))
        .collect();
    if doses.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nChosen dose")?;
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
        writeln!(out, "  {letter}  {text}")?;
    }
    Ok(())
}

/// The dose that a sweep chose.
pub fn chosen(summary: &DoseSummary) -> Option<&DoseCandidate> {
    summary.candidates.get(summary.chosen?)
}

fn write_texts(out: &mut String, sets: Option<&[TextSet]>) -> fmt::Result {
    let Some(sets) = sets else {
        return writeln!(
            out,
            "\nTexts: not compared, a run has none (`cargo xtask steer` makes them)"
        );
    };
    writeln!(out, "\nTexts")?;
    writeln!(
        out,
        "  {:<24}  {:>5}  {:>7}  {:>6}  {:>6}",
        "set", "same", "differ", "only A", "only B"
    )?;
    for set in sets {
        writeln!(
            out,
            "  {:<24}  {:>5}  {:>7}  {:>6}  {:>6}",
            set.name,
            set.same,
            set.differing.len(),
            set.only_a,
            set.only_b
        )?;
    }
    let differing = || {
        sets.iter()
            .flat_map(|set| set.differing.iter().map(move |pair| (set, pair)))
    };
    for (set, pair) in differing().take(TEXTS_SHOWN) {
        write_pair(out, set, pair)?;
    }
    let count = differing().count();
    if count > TEXTS_SHOWN {
        writeln!(out, "  … and {} more on the page", count - TEXTS_SHOWN)?;
    }
    Ok(())
}

fn write_pair(out: &mut String, set: &TextSet, pair: &Pair) -> fmt::Result {
    let coefficient = pair
        .coefficient
        .map_or(String::new(), |value| format!(", coefficient {value}"));
    writeln!(
        out,
        "  {}, {}, {}{coefficient}",
        set.name, pair.prompt_id, pair.condition
    )?;
    let text = |pieces: &[Span]| -> String {
        let own = |piece: &Span| match piece.differs {
            true => format!("[{}]", piece.text.replace('\n', "⏎")),
            false => piece.text.replace('\n', "⏎"),
        };
        pieces.iter().map(own).collect()
    };
    writeln!(out, "    A  {}", text(&pair.a))?;
    writeln!(out, "    B  {}", text(&pair.b))?;
    Ok(())
}
