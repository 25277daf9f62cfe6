//! Whether the contrast is the role, or only what was said before.

use anyhow::Result;
use minijinja::context;
use minijinja::value::Value as TemplateValue;
use pages::format::{number, percent};
use pipeline::Pipeline;
use results::LayerEffects;

use super::section::Section;
use crate::analysis_tables::Evidence;
use crate::conditions::contrast_conditions;
use crate::content::Content;
use crate::findings::peak;

pub const SECTION: Section = Section {
    id: "speaker",
    contents: Some("Role or transcript"),
    template: include_str!("speaker.html"),
    context,
};

fn context(content: &Content<'_>) -> Result<Option<TemplateValue>> {
    let inputs = content.inputs;
    let evidence = &inputs.evidence;
    // The layer that the tests call the clearest, or else that of the largest difference.
    let strongest = evidence
        .summary
        .strongest
        .or(peak(&inputs.summaries).map(|row| row.layer));
    let row = strongest.and_then(|layer| evidence.effects.get(layer));
    let sentences = match row {
        Some(row) if row.speaker_share.is_nan() => vec![format!(
            "After layer {} the contrast is zero, so no part of it comes from the speaker.",
            row.layer
        )],
        Some(row) => told_apart(row, evidence),
        None => vec![confounded(content.pipeline)?.to_owned()],
    };
    Ok(Some(context! { sentences, has_effects => row.is_some() }))
}

fn told_apart(row: &LayerEffects, evidence: &Evidence) -> Vec<String> {
    let share = percent(row.speaker_share);
    let (low, high) = (row.speaker_share_low, row.speaker_share_high);
    let first = format!(
        "After layer {}, {share} of the contrast comes from whose turn is opened (95 % interval {} to {}); \
         the rest comes from what was said before.",
        row.layer,
        number(low * 100.0, 0),
        percent(high)
    );
    let norms = format!(
        "There the norm of the speaker\u{2019}s effect is {} and that of the transcript\u{2019}s is {}; the \
         speaker\u{2019}s effects in the two transcripts have a cosine of {}.",
        number(row.speaker_norm, 2),
        number(row.transcript_norm, 2),
        number(row.speaker_across_transcripts, 3)
    );
    [Some(first), Some(norms), over_layers(evidence)]
        .into_iter()
        .flatten()
        .collect()
}

/// The range of the share over layers.
fn over_layers(evidence: &Evidence) -> Option<String> {
    let by_share = |a: &&LayerEffects, b: &&LayerEffects| a.speaker_share.total_cmp(&b.speaker_share);
    let defined = || evidence.effects.iter().filter(|row| !row.speaker_share.is_nan());
    let least = defined().min_by(by_share)?;
    let most = defined().max_by(by_share)?;
    Some(format!(
        "Across layers the share ranges from {} (layer {}) to {} (layer {}).",
        percent(least.speaker_share),
        least.layer,
        percent(most.speaker_share),
        most.layer
    ))
}

/// What the two conditions of the contrast leave open.
fn confounded(pipeline: &Pipeline) -> Result<&'static str> {
    let [positive, negative] = contrast_conditions(pipeline)?;
    Ok(if positive.opens == negative.opens {
        "Both conditions of the contrast open the turn of the same speaker: what differs is what was said before."
    } else if (&positive.system, &positive.turns) == (&negative.system, &negative.turns) {
        "Both conditions of the contrast have the same transcript: they differ only in whose turn is opened."
    } else {
        "This run cannot separate the two: the conditions of its contrast differ not only in the speaker \
         whose turn is opened but also in what was said before and in how long that is, and the contrast \
         may reflect any of these. A pipeline with four \
         conditions that cross speaker and transcript, such as pipelines/tiny-audit.toml, can separate them."
    })
}
