//! What the tests say, in figures and in plain sentences.

use pipeline::Pipeline;
use results::{LayerEffects, LayerStatistics, Outlier, StatisticsSummary};
use statistics::{LabelSwapFamily, prompts_for};
use terms::Pooling;

use crate::rigour::Rigour;

/// Layers whose family-wise p is below it are called significant.
const LEVEL: f64 = 0.05;

/// For the contrast's pooling. `all_prompts`: as many as were recorded.
pub fn summarize(pipeline: &Pipeline, rigour: &Rigour, all_prompts: usize) -> Option<StatisticsSummary> {
    let pooling = pipeline.contrast.pooling;
    let family = rigour.family.as_ref()?;
    let layers: Vec<&LayerStatistics> = rigour
        .statistics
        .iter()
        .filter(|row| row.pooling == pooling)
        .collect();
    let significant_layers: Vec<usize> = layers
        .iter()
        .filter(|row| row.permutation_p_family < LEVEL)
        .map(|row| row.layer)
        .collect();
    let strongest = layers
        .iter()
        .filter(|row| row.permutation_p_family < LEVEL)
        .max_by(|a, b| a.difference_low.total_cmp(&b.difference_low))
        .map(|row| row.layer);
    let mut summary = StatisticsSummary {
        pooling,
        positive: pipeline.contrast.positive.clone(),
        negative: pipeline.contrast.negative.clone(),
        prompts: layers.first().map_or(0, |row| row.prompts),
        all_prompts,
        labellings: family.labellings,
        is_exact: family.exact,
        smallest_p: family.smallest_p,
        level: LEVEL,
        onset: significant_layers.first().copied(),
        significant_layers,
        strongest,
        findings: Vec::new(),
    };
    summary.findings = findings(&summary, family, rigour.distinct_prompts, &layers);
    let shown = strongest.or(layers.first().map(|row| row.layer));
    let effects = rigour
        .effects
        .iter()
        .find(|row| row.pooling == pooling && Some(row.layer) == shown);
    summary.findings.extend(effects.map(effect_of_the_speaker));
    summary.findings.extend(largest_outlier(rigour, pooling, &layers));
    Some(summary)
}

fn findings(
    summary: &StatisticsSummary,
    family: &LabelSwapFamily,
    distinct: usize,
    layers: &[&LayerStatistics],
) -> Vec<String> {
    let mut findings = Vec::new();
    findings.extend(copies(summary, distinct));
    findings.push(what_can_be_said(summary, family, distinct));
    if family.tests.is_empty() {
        return findings;
    }
    let (count, all) = (summary.significant_layers.len(), layers.len());
    findings.push(if count == 0 {
        format!(
            "At no layer do the two conditions differ more than swapped labels do (family-wise p < {LEVEL} over {all} layers)."
        )
    } else {
        format!(
            "The two conditions differ at {} (family-wise p < {LEVEL} over {all} layers).",
            layer_ranges(&summary.significant_layers)
        )
    });
    let strongest = layers.iter().find(|row| Some(row.layer) == summary.strongest);
    findings.extend(strongest.map(|row| {
        format!(
            "The difference is clearest at layer {}: {:.4} (95 % interval {} to {}), p = {:.4}, family-wise {:.4}. Contrasts of two \
             halves of the prompts have a cosine of {} there ({}); the contrast of the other \
             prompts tells a prompt's two rows apart with an AUC of {}.",
            row.layer,
            row.permutation_difference,
            figure(row.difference_low, 4),
            figure(row.difference_high, 4),
            row.permutation_p,
            row.permutation_p_family,
            figure(row.split_half, 3),
            if row.split_half_floor.is_nan() {
                "prompts differ in nothing that could be noise".to_owned()
            } else {
                format!("noise alone reaches {:.3}", row.split_half_floor)
            },
            figure(row.separation_auc, 3),
        )
    }));
    findings
}

/// A figure, or words where it is not a number.
fn figure(value: f64, decimals: usize) -> String {
    if value.is_nan() {
        "not defined".to_owned()
    } else {
        format!("{value:.decimals$}")
    }
}

/// A prompt that is another's copy under this pooling adds nothing new, and would make every
/// p-value too small.
fn copies(summary: &StatisticsSummary, distinct: usize) -> Option<String> {
    let copies = summary
        .all_prompts
        .checked_sub(distinct)
        .filter(|copies| *copies > 0)?;
    let (have, are) = if copies == 1 {
        ("has", "is")
    } else {
        ("have", "are")
    };
    Some(format!(
        "Of {} prompts {copies} {have} the very rows of an earlier one, in both conditions and at every layer, and {are} not counted in \
         what follows; other prompts, or another pooling, would tell them apart.",
        summary.all_prompts
    ))
}

fn what_can_be_said(summary: &StatisticsSummary, family: &LabelSwapFamily, distinct: usize) -> String {
    let prompts = summary.prompts;
    let of_all = if prompts < distinct {
        format!(" (evenly taken from {distinct})")
    } else {
        String::new()
    };
    if prompts < 2 {
        return format!(
            "{prompts} prompt says nothing about others: there are no intervals and no tests; {} prompts would do for the level of {LEVEL}.",
            prompts_for(LEVEL)
        );
    }
    if !family.exact {
        return format!(
            "{prompts} prompts{of_all}: {} of the ways of swapping their labels were drawn, so p is at least {:.4}.",
            family.labellings, family.smallest_p
        );
    }
    let first = format!(
        "{prompts} prompts{of_all} have {} ways of swapping their labels, so no p-value can lie below {:.4}",
        family.labellings, family.smallest_p
    );
    let enough = |level: f64| prompts_for(level);
    if family.smallest_p >= LEVEL {
        let without = if prompts < 3 {
            ", and too few for an interval"
        } else {
            ""
        };
        format!(
            "{first}: too few to say anything at the level of {LEVEL}{without}. {} prompts would do, {} for 0.01 and {} for 0.001.",
            enough(LEVEL),
            enough(0.01),
            enough(0.001)
        )
    } else if family.smallest_p >= 0.001 {
        format!("{first}; {} prompts would allow p < 0.001.", enough(0.001))
    } else {
        format!("{first}.")
    }
}

fn effect_of_the_speaker(row: &LayerEffects) -> String {
    if row.speaker_share.is_nan() {
        return format!(
            "At layer {} the contrast is zero, so that no part of it is the speaker's.",
            row.layer
        );
    }
    format!(
        "Of the contrast at layer {}, {:.0} % is the speaker whose turn is opened (95 % interval {} to {} %); the rest is what was \
         said before. The speaker's effect has a cosine of {} with the contrast, and of {} with itself in the other transcript.",
        row.layer,
        row.speaker_share * 100.0,
        figure(row.speaker_share_low * 100.0, 0),
        figure(row.speaker_share_high * 100.0, 0),
        figure(row.speaker_contrast, 3),
        figure(row.speaker_across_transcripts, 3),
    )
}

fn largest_outlier(rigour: &Rigour, pooling: Pooling, layers: &[&LayerStatistics]) -> Option<String> {
    let of_pooling = rigour
        .outliers
        .iter()
        .filter(|outlier| outlier.pooling == pooling);
    let largest: &Outlier = of_pooling.max_by(|a, b| a.share.total_cmp(&b.share))?;
    let row = layers.iter().find(|row| row.layer == largest.layer)?;
    if row.permutation_difference.is_nan() {
        return None;
    }
    Some(format!(
        "Dimension {} carries {:.0} % of the squared norm at layer {}. Without the outlier dimensions within minus cross is {} there \
         instead of {:.4}.",
        largest.dimension,
        largest.share * 100.0,
        largest.layer,
        figure(row.trimmed_difference, 4),
        row.permutation_difference,
    ))
}

/// `layer 3`, `layers 0 to 4 and 7`.
fn layer_ranges(layers: &[usize]) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for layer in layers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *layer => *last = *layer,
            _ => ranges.push((*layer, *layer)),
        }
    }
    let words: Vec<String> = ranges
        .iter()
        .map(|(first, last)| match last - first {
            0 => first.to_string(),
            _ => format!("{first} to {last}"),
        })
        .collect();
    let list = match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    };
    format!("layer{} {list}", if layers.len() == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::layer_ranges;

    #[test]
    fn ranges_in_words() {
        assert_eq!(layer_ranges(&[3]), "layer 3");
        assert_eq!(layer_ranges(&[0, 1, 2]), "layers 0 to 2");
        assert_eq!(layer_ranges(&[0, 1, 4, 6, 7]), "layers 0 to 1, 4 and 6 to 7");
    }
}
