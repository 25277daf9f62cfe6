use std::path::Path;

use crate::contract::{COSINE, NORM, SHARE, SIGNED_SHARE, TableSchema};
use crate::layer_table::{layer_columns, read_layer_table, write_layer_table};
use crate::table::{NumberField, number_fields};
use crate::{Metadata, Result};

pub(crate) const SCHEMA: TableSchema = TableSchema {
    name: "effects",
    version: 2,
    file: "analyze/effects.parquet",
    row: "one layer under one pooling: what speaker and transcript do; none without a 2x2 design",
    key: &["pooling", "layer"],
    is_sorted: true,
    columns: || layer_columns(NUMBERS),
};

/// What the two factors of a 2x2 design do at one layer: the transcript (what was said before) and the speaker (whose
/// turn is opened). Norms have the residual stream's unit, the rest has none. A figure that is not defined is NaN here and null in
/// the table. `docs/statistics.md` gives the formulas.
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
    speaker_norm: NORM, "the norm of the effect of the speaker";
    speaker_norm_unbiased: NORM, "the same without what noise adds to it" => nullable;
    speaker_norm_low: NORM, "the lower end of the 95 % interval of `speaker_norm_unbiased`" => nullable;
    speaker_norm_high: NORM, "its upper end" => nullable;
    transcript_norm: NORM, "the norm of the effect of the transcript";
    transcript_norm_unbiased: NORM, "the same without what noise adds to it" => nullable;
    transcript_norm_low: NORM, "the lower end of the 95 % interval of `transcript_norm_unbiased`" => nullable;
    transcript_norm_high: NORM, "its upper end" => nullable;
    interaction_norm: NORM, "the norm of what both do together beyond their sum";
    interaction_norm_unbiased: NORM, "the same without what noise adds to it" => nullable;
    interaction_norm_low: NORM, "the lower end of the 95 % interval of `interaction_norm_unbiased`" => nullable;
    interaction_norm_high: NORM, "its upper end" => nullable;
    speaker_variance: SHARE, "of the speaker in all sums of squares about the grand mean" => nullable;
    transcript_variance: SHARE, "of the transcript in all sums of squares about the grand mean" => nullable;
    interaction_variance: SHARE, "of the interaction in all sums of squares about the grand mean" => nullable;
    prompt_variance: SHARE, "of the prompts in all sums of squares about the grand mean" => nullable;
    residual_variance: SHARE, "of all else in all sums of squares about the grand mean" => nullable;
    speaker_share: SIGNED_SHARE, "the part of the contrast, along itself, that is the speaker's effect" => nullable;
    speaker_share_low: SIGNED_SHARE, "the lower end of the 95 % interval of `speaker_share`" => nullable;
    speaker_share_high: SIGNED_SHARE, "its upper end" => nullable;
    speaker_contrast: COSINE, "of the speaker's effect with the contrast" => nullable;
    transcript_contrast: COSINE, "of the transcript's effect with the contrast" => nullable;
    speaker_transcript: COSINE, "of the speaker's effect with the transcript's" => nullable;
    speaker_across_transcripts: COSINE, "of the speaker's effect in the one transcript with that in the other" => nullable;
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
