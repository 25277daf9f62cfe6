//! One layer's figures and how reliable they are. `statistics` computes them; here they get their
//! names and places.

use pipeline::{Pipeline, VectorKind};
use results::{LayerEffects, LayerStatistics, Outlier, VectorRow};
use statistics::{
    Bootstrap, Cells, Direction, Effects, Interval, PairedGram, PairedRows, SimilarityFigures, SplitHalf,
    bootstrap, contrast_norm_unbiased, effects, logistic_probe, outlier_dimensions, paired_difference_pca,
    project_out, separability, shrinkage_lda, similarity, split_half, whitened,
};
use terms::Pooling;

use crate::contrast::norm;
use crate::layer::LayerAnalysis;

/// For all draws: the same numbers every time.
pub const SEED: u64 = 0;

/// What a layer under one pooling adds to the tables, except for the tests that need all layers.
pub struct LayerMeasures {
    pub statistics: LayerStatistics,
    pub outliers: Vec<Outlier>,
    /// Other directions, and the contrast cleaned of given ones.
    pub vectors: Vec<VectorRow>,
    /// Only for a 2x2 design.
    pub effects: Option<LayerEffects>,
    /// The cosines of all rows, for the tests over all layers.
    pub cosines: PairedGram,
}

/// The places of the conditions that are compared.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    pub positive: usize,
    pub negative: usize,
    /// `[transcript][speaker]`
    pub cells: Option<[[usize; 2]; 2]>,
}

impl Places {
    pub fn of(pipeline: &Pipeline, conditions: &[String]) -> Option<Self> {
        let place = |name: &String| conditions.iter().position(|condition| condition == name);
        let cells = pipeline.design().and_then(|design| {
            let [[a, b], [c, d]] = &design.cells;
            Some([[place(a)?, place(b)?], [place(c)?, place(d)?]])
        });
        Some(Places {
            positive: place(&pipeline.contrast.positive)?,
            negative: place(&pipeline.contrast.negative)?,
            cells,
        })
    }
}

/// `rows`: `[condition][prompt][hidden]`; `imported`: those of all layers.
pub fn measure(
    pipeline: &Pipeline,
    analysis: &LayerAnalysis,
    places: Places,
    mut rows: Vec<Vec<Vec<f32>>>,
    imported: &[VectorRow],
) -> LayerMeasures {
    let (layer, pooling) = (analysis.layer, analysis.pooling);
    let effects = places.cells.map(|cells| {
        let [[a, b], [c, d]] = cells.map(|cells| cells.map(|place| rows[place].as_slice()));
        effects(
            &Cells {
                cells: [[a, b], [c, d]],
            },
            SEED,
        )
    });
    let pairs = PairedRows {
        plus: std::mem::take(&mut rows[places.positive]),
        minus: std::mem::take(&mut rows[places.negative]),
    };
    let raw = PairedGram::of(&pairs);
    let cosines = raw.unit();
    let outliers = outlier_dimensions(&pairs);
    let mut vectors = directions(analysis, &pairs, &raw);
    let cosine_with = |kind: VectorKind| {
        let row = vectors.iter().find(|row| row.vector_name == kind);
        row.map_or(f64::NAN, |row| cosine(&analysis.contrast, &row.vector))
    };
    let mut statistics = LayerStatistics {
        layer,
        pooling,
        prompts: pairs.prompts(),
        pca_cosine: cosine_with(VectorKind::PairedDifferencePca),
        probe_cosine: cosine_with(VectorKind::LogisticProbe),
        lda_cosine: cosine_with(VectorKind::ShrinkageLda),
        contrast_norm_relative: analysis.summary.contrast_norm / analysis.summary.mean_residual_norm,
        outlier_share: outliers
            .iter()
            .fold(0.0, |sum, outlier| sum + outlier.share)
            .min(1.0),
        ..untested()
    };
    add_intervals(&mut statistics, &raw, &cosines);
    let dimensions: Vec<usize> = outliers.iter().map(|outlier| outlier.dimension).collect();
    add_other_similarities(&mut statistics, &pairs, &raw, &dimensions);
    if let Some(effects) = &effects {
        vectors.extend(effect_vectors(layer, pooling, effects));
    }
    vectors.extend(cleaned(pipeline, analysis, &vectors, imported));
    let outlier = |outlier: statistics::OutlierDimension| Outlier {
        layer,
        pooling,
        dimension: outlier.dimension,
        share: outlier.share,
    };
    LayerMeasures {
        effects: effects.map(|effects| layer_effects(&statistics, &effects)),
        statistics,
        outliers: outliers.into_iter().map(outlier).collect(),
        vectors,
        cosines,
    }
}

/// Intervals over prompts, and how well the contrast holds on prompts that it was not made from.
fn add_intervals(row: &mut LayerStatistics, raw: &PairedGram, cosines: &PairedGram) {
    let intervals = bootstrap(raw, SEED);
    let interval = |of: fn(&Bootstrap) -> Interval| ends(intervals.as_ref().map(of));
    (row.within_low, row.within_high) = interval(|all| all.within);
    (row.within_positive_low, row.within_positive_high) = interval(|all| all.within_plus);
    (row.within_negative_low, row.within_negative_high) = interval(|all| all.within_minus);
    (row.cross_low, row.cross_high) = interval(|all| all.cross);
    (row.difference_low, row.difference_high) = interval(|all| all.difference);
    (row.matched_low, row.matched_high) = interval(|all| all.matched);
    (row.contrast_norm_low, row.contrast_norm_high) = interval(|all| all.contrast_norm);
    row.contrast_norm_unbiased = defined(contrast_norm_unbiased(raw));
    row.matched = defined(similarity(cosines).map(|figures| figures.matched));

    let halves = split_half(raw, SEED);
    let of_halves = |figure: fn(&SplitHalf) -> Option<f64>| defined(halves.as_ref().and_then(figure));
    row.split_half = of_halves(|halves| Some(halves.cosine));
    row.split_half_low = of_halves(|halves| Some(halves.low));
    row.split_half_high = of_halves(|halves| Some(halves.high));
    row.split_half_floor = of_halves(|halves| halves.floor);

    let separation = separability(raw);
    row.separation_auc = defined(separation.as_ref().map(|found| found.auc));
    row.separation_accuracy = defined(separation.as_ref().map(|found| found.accuracy));
    row.effect_size = defined(separation.and_then(|found| found.effect_size));
}

/// Until all layers are tested together, which they can't be with fewer than two prompts.
fn untested() -> LayerStatistics {
    LayerStatistics {
        permutation_difference: f64::NAN,
        permutation_mean: f64::NAN,
        permutation_deviation: f64::NAN,
        permutation_p: 1.0,
        permutation_p_family: 1.0,
        ..LayerStatistics::default()
    }
}

/// A row of a table has NaN for what is not defined.
fn defined(figure: Option<f64>) -> f64 {
    figure.unwrap_or(f64::NAN)
}

fn ends(interval: Option<Interval>) -> (f64, f64) {
    interval.map_or((f64::NAN, f64::NAN), |interval| (interval.low, interval.high))
}

/// Within, cross, and within minus cross.
fn figures(found: Option<SimilarityFigures>) -> (f64, f64, f64) {
    found.map_or((f64::NAN, f64::NAN, f64::NAN), |figures| {
        (figures.within, figures.cross, figures.difference)
    })
}

/// The similarity figures of the same rows computed in other ways.
fn add_other_similarities(
    row: &mut LayerStatistics,
    pairs: &PairedRows,
    raw: &PairedGram,
    outliers: &[usize],
) {
    let centred = raw.centred();
    (row.centred_within, row.centred_cross, row.centred_difference) = figures(similarity(&centred.unit()));

    let white = whitened(&centred, pairs.hidden_size());
    (row.whitened_within, row.whitened_cross, row.whitened_difference) =
        figures(similarity(&white.gram.unit()));
    row.whitening_shrinkage = white.shrinkage;

    let trimmed = if outliers.is_empty() {
        similarity(&raw.unit())
    } else {
        similarity(&PairedGram::of(&pairs.without(outliers)).unit())
    };
    (row.trimmed_within, row.trimmed_cross, row.trimmed_difference) = figures(trimmed);

    let rounded = similarity(&PairedGram::of(&pairs.rounded_to_bf16()).unit());
    (row.bf16_within, row.bf16_cross, row.bf16_difference) = figures(rounded);
}

/// As long as the contrast, so that the same coefficient means the same push.
fn directions(analysis: &LayerAnalysis, pairs: &PairedRows, raw: &PairedGram) -> Vec<VectorRow> {
    let row = |(kind, direction): (VectorKind, Direction)| {
        let vector = direction.vector(pairs);
        let length = norm(&vector);
        let scale = if length == 0.0 {
            0.0
        } else {
            analysis.summary.contrast_norm / length
        };
        let vector: Vec<f64> = vector.iter().map(|value| value * scale).collect();
        vector_row(analysis.layer, analysis.pooling, kind, &vector)
    };
    [
        (VectorKind::PairedDifferencePca, paired_difference_pca(raw)),
        (VectorKind::LogisticProbe, logistic_probe(raw)),
        (VectorKind::ShrinkageLda, shrinkage_lda(raw, pairs.hidden_size())),
    ]
    .into_iter()
    .map(row)
    .collect()
}

/// The contrast without its part in the span of the vectors that `contrast.project_out` names;
/// nothing is taken out of an imported one at the layers that it has no vector for.
fn cleaned(
    pipeline: &Pipeline,
    analysis: &LayerAnalysis,
    others: &[VectorRow],
    imported: &[VectorRow],
) -> Option<VectorRow> {
    let names = &pipeline.contrast.project_out;
    let imported = imported.iter().filter(|row| row.layer == analysis.layer);
    let all = analysis.vectors.iter().chain(others).chain(imported);
    let directions: Vec<Vec<f64>> = all
        .filter(|row| names.contains(&row.vector_name.name()))
        .map(|row| row.vector.iter().map(|value| f64::from(*value)).collect())
        .collect();
    (!names.is_empty()).then(|| {
        let vector = project_out(&analysis.contrast, &directions);
        vector_row(analysis.layer, analysis.pooling, VectorKind::Cleaned, &vector)
    })
}

fn effect_vectors(layer: usize, pooling: Pooling, effects: &Effects) -> [VectorRow; 3] {
    [
        (VectorKind::SpeakerEffect, &effects.speaker),
        (VectorKind::TranscriptEffect, &effects.transcript),
        (VectorKind::InteractionEffect, &effects.interaction),
    ]
    .map(|(kind, effect)| vector_row(layer, pooling, kind, &effect.vector))
}

fn layer_effects(statistics: &LayerStatistics, effects: &Effects) -> LayerEffects {
    let Effects {
        speaker,
        transcript,
        interaction,
        ..
    } = effects;
    let (speaker_norm_low, speaker_norm_high) = ends(speaker.norm_interval);
    let (transcript_norm_low, transcript_norm_high) = ends(transcript.norm_interval);
    let (interaction_norm_low, interaction_norm_high) = ends(interaction.norm_interval);
    let (speaker_share_low, speaker_share_high) = ends(effects.speaker_share_interval);
    LayerEffects {
        layer: statistics.layer,
        pooling: statistics.pooling,
        prompts: statistics.prompts,
        speaker_norm: speaker.norm,
        speaker_norm_unbiased: defined(speaker.norm_unbiased),
        speaker_norm_low,
        speaker_norm_high,
        transcript_norm: transcript.norm,
        transcript_norm_unbiased: defined(transcript.norm_unbiased),
        transcript_norm_low,
        transcript_norm_high,
        interaction_norm: interaction.norm,
        interaction_norm_unbiased: defined(interaction.norm_unbiased),
        interaction_norm_low,
        interaction_norm_high,
        speaker_variance: defined(speaker.share),
        transcript_variance: defined(transcript.share),
        interaction_variance: defined(interaction.share),
        prompt_variance: defined(effects.prompt_share),
        residual_variance: defined(effects.residual_share),
        speaker_share: defined(effects.speaker_share_of_contrast),
        speaker_share_low,
        speaker_share_high,
        speaker_contrast: defined(effects.speaker_contrast_cosine),
        transcript_contrast: defined(effects.transcript_contrast_cosine),
        speaker_transcript: defined(effects.speaker_transcript_cosine),
        speaker_across_transcripts: defined(effects.simple_cosine),
    }
}

fn vector_row(layer: usize, pooling: Pooling, kind: VectorKind, vector: &[f64]) -> VectorRow {
    VectorRow {
        layer,
        pooling,
        vector_name: kind,
        norm: norm(vector),
        vector: vector.iter().map(|value| *value as f32).collect(),
    }
}

/// NaN where one of them is zero.
fn cosine(contrast: &[f64], vector: &[f32]) -> f64 {
    let vector: Vec<f64> = vector.iter().map(|value| f64::from(*value)).collect();
    crate::depth::cosine(contrast, &vector)
}
