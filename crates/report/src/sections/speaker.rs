//! Whether the contrast is the role, or only what was said before.

use anyhow::Result;
use artifacts::{LayerEffects, Pipeline};
use minijinja::context;
use minijinja::value::Value as TemplateValue;
use pages::format::{number, percent};

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
            "After layer {} the contrast is zero, so that no part of it is the speaker\u{2019}s.",
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
        "After layer {}, {share} of the contrast is whose turn is opened (95 % interval {} to {}); the rest is what was said \
         before.",
        row.layer,
        number(low * 100.0, 0),
        percent(high)
    );
    let norms = format!(
        "There the speaker\u{2019}s effect has a length of {} and the transcript\u{2019}s one of {}; what the speaker does in the one \
         transcript has a cosine of {} with what it does in the other.",
        number(row.speaker_norm, 2),
        number(row.transcript_norm, 2),
        number(row.speaker_across_transcripts, 3)
    );
    [Some(first), Some(norms), over_layers(evidence)]
        .into_iter()
        .flatten()
        .collect()
}

/// From where to where the share goes.
fn over_layers(evidence: &Evidence) -> Option<String> {
    let by_share = |a: &&LayerEffects, b: &&LayerEffects| a.speaker_share.total_cmp(&b.speaker_share);
    let defined = || evidence.effects.iter().filter(|row| !row.speaker_share.is_nan());
    let least = defined().min_by(by_share)?;
    let most = defined().max_by(by_share)?;
    Some(format!(
        "Over all layers the share lies between {} (layer {}) and {} (layer {}).",
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
        "Both conditions of the contrast open the turn of the same speaker: what they differ in is what was said before."
    } else if (&positive.system, &positive.turns) == (&negative.system, &negative.turns) {
        "Both conditions of the contrast have the same transcript: nothing but whose turn is opened differs between them."
    } else {
        "That can\u{2019}t be told apart here: along with the speaker whose turn is opened, the conditions of this contrast change \
         what was said before and how long it is, and each of these may be what the contrast holds. A pipeline with four \
         conditions that cross speaker and transcript, such as pipelines/tiny-audit.toml, can tell them apart."
    })
}
