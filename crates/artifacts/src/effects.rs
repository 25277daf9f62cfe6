use std::path::Path;

use crate::layer_table::{read_layer_table, write_layer_table};
use crate::table::{NumberField, TableSchema, number_fields};
use crate::{Metadata, Result};

const SCHEMA: TableSchema = TableSchema {
    name: "effects",
    version: 1,
};

/// What the two factors of a 2x2 design do at one layer: the transcript (what was said before) and the speaker (whose
/// turn is opened). Norms have the residual stream's unit, the rest has none. `docs/statistics.md` gives the formulas.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LayerEffects {
    pub layer: usize,
    pub pooling: String,
    pub prompts: usize,
    pub speaker_norm: f64,
    pub speaker_norm_unbiased: f64,
    pub speaker_norm_low: f64,
    pub speaker_norm_high: f64,
    pub transcript_norm: f64,
    pub transcript_norm_unbiased: f64,
    pub transcript_norm_low: f64,
    pub transcript_norm_high: f64,
    pub interaction_norm: f64,
    pub interaction_norm_unbiased: f64,
    pub interaction_norm_low: f64,
    pub interaction_norm_high: f64,
    /// Shares of all sums of squares about the grand mean; together with the residual's they are 1.
    pub speaker_variance: f64,
    pub transcript_variance: f64,
    pub interaction_variance: f64,
    pub prompt_variance: f64,
    pub residual_variance: f64,
    /// The part of the contrast's squared norm that lies along it and comes from the speaker.
    pub speaker_share: f64,
    pub speaker_share_low: f64,
    pub speaker_share_high: f64,
    /// Cosines.
    pub speaker_contrast: f64,
    pub transcript_contrast: f64,
    pub speaker_transcript: f64,
    /// Of the speaker's effect in the one transcript with that in the other.
    pub speaker_across_transcripts: f64,
}

const NUMBERS: &[NumberField<LayerEffects>] = number_fields!(LayerEffects:
    speaker_norm, speaker_norm_unbiased, speaker_norm_low, speaker_norm_high,
    transcript_norm, transcript_norm_unbiased, transcript_norm_low, transcript_norm_high,
    interaction_norm, interaction_norm_unbiased, interaction_norm_low, interaction_norm_high,
    speaker_variance, transcript_variance, interaction_variance, prompt_variance, residual_variance,
    speaker_share, speaker_share_low, speaker_share_high,
    speaker_contrast, transcript_contrast, speaker_transcript, speaker_across_transcripts,
);

pub fn write_effects(path: &Path, metadata: &Metadata, rows: &[LayerEffects]) -> Result<()> {
    write_layer_table(path, &SCHEMA, metadata, NUMBERS, rows, |row| {
        (row.layer, row.pooling.clone(), row.prompts)
    })
}

pub fn read_effects(path: &Path) -> Result<(Vec<LayerEffects>, Metadata)> {
    read_layer_table(path, &SCHEMA, NUMBERS, |(layer, pooling, prompts)| LayerEffects {
        layer,
        pooling,
        prompts,
        ..LayerEffects::default()
    })
}
