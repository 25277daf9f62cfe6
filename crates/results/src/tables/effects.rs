use terms::Pooling;

use crate::Table;
use crate::contract::{
    COSINE, COUNT, LAYER, NO_UNIT, NORM, RowCount, SHARE, SIGNED_SHARE, TableSchema, shared,
};
use crate::row::{Row, rows};

rows! {
    /// What the two factors of a 2x2 design do at one layer: the transcript (what was said before)
    /// and the speaker (whose turn is opened). Norms have the residual stream's unit, the rest has
    /// none. A figure that is not defined is NaN here and null in the table. `docs/statistics.md`
    /// gives the formulas.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct LayerEffects {
        layer: usize = LAYER, shared!(layer);
        pooling: Pooling = NO_UNIT, shared!(pooling);
        prompts: usize = COUNT, shared!(prompts);
        speaker_norm: f64 = NORM, "the norm of the effect of the speaker";
        speaker_norm_unbiased: f64 = NORM, "the same without what noise adds to it" => nullable;
        speaker_norm_low: f64 = NORM, "the lower end of the 95 % interval of `speaker_norm_unbiased`" => nullable;
        speaker_norm_high: f64 = NORM, "its upper end" => nullable;
        transcript_norm: f64 = NORM, "the norm of the effect of the transcript";
        transcript_norm_unbiased: f64 = NORM, "the same without what noise adds to it" => nullable;
        transcript_norm_low: f64 = NORM, "the lower end of the 95 % interval of `transcript_norm_unbiased`" => nullable;
        transcript_norm_high: f64 = NORM, "its upper end" => nullable;
        interaction_norm: f64 = NORM, "the norm of what both do together beyond their sum";
        interaction_norm_unbiased: f64 = NORM, "the same without what noise adds to it" => nullable;
        interaction_norm_low: f64 = NORM, "the lower end of the 95 % interval of `interaction_norm_unbiased`" => nullable;
        interaction_norm_high: f64 = NORM, "its upper end" => nullable;
        speaker_variance: f64 = SHARE, "of the speaker in all sums of squares about the grand mean" => nullable;
        transcript_variance: f64 = SHARE, "of the transcript in all sums of squares about the grand mean" => nullable;
        interaction_variance: f64 = SHARE, "of the interaction in all sums of squares about the grand mean" => nullable;
        prompt_variance: f64 = SHARE, "of the prompts in all sums of squares about the grand mean" => nullable;
        residual_variance: f64 = SHARE, "of all else in all sums of squares about the grand mean" => nullable;
        speaker_share: f64 = SIGNED_SHARE, "the part of the contrast, along itself, that is the speaker's effect" => nullable;
        speaker_share_low: f64 = SIGNED_SHARE, "the lower end of the 95 % interval of `speaker_share`" => nullable;
        speaker_share_high: f64 = SIGNED_SHARE, "its upper end" => nullable;
        speaker_contrast: f64 = COSINE, "of the speaker's effect with the contrast" => nullable;
        transcript_contrast: f64 = COSINE, "of the transcript's effect with the contrast" => nullable;
        speaker_transcript: f64 = COSINE, "of the speaker's effect with the transcript's" => nullable;
        speaker_across_transcripts: f64 = COSINE, "of the speaker's effect in the one transcript with that in the other" => nullable;
    }
}

impl Table for LayerEffects {
    const SCHEMA: TableSchema = TableSchema {
        name: "effects",
        version: 2,
        file: "analyze/effects.parquet",
        row: "one layer under one pooling: what speaker and transcript do; none without a 2x2 design",
        key: &["pooling", "layer"],
        is_sorted: true,
        count: Some(RowCount {
            words: "layers x poolings of a 2x2 design",
            allowed: |run| vec![0, run.layers * run.poolings],
        }),
        columns: Self::columns,
    };
}
