//! The tables of the example run that say how reliable its figures are.

use results::{
    ComponentPlace, DepthCosine, LayerEffects, LayerStatistics, Layout, LensToken, Metadata, Outlier,
    StatisticsSummary, Table, write_statistics_summary,
};
use terms::{LensSide, Pooling};

use crate::example_run::HOSTILE;

/// Layers of the upper half are significant. There are no effects: three conditions are not a 2x2
/// design.
pub fn write_evidence(layout: &Layout, metadata: &Metadata, layers: usize) {
    let statistics: Vec<LayerStatistics> = (0..layers)
        .flat_map(|layer| [Pooling::Newline, Pooling::Mean].map(|pooling| statistics(layer, layers, pooling)))
        .collect();
    LayerStatistics::write(&layout.table::<LayerStatistics>(), metadata, &statistics).unwrap();
    write_statistics_summary(&layout.statistics_summary(), &summary(layers)).unwrap();
    LayerEffects::write(&layout.table::<LayerEffects>(), metadata, &[]).unwrap();
    DepthCosine::write(&layout.table::<DepthCosine>(), metadata, &depth(layers)).unwrap();
    let outlier = Outlier {
        layer: 1,
        pooling: Pooling::Newline,
        dimension: 443,
        share: 0.62,
    };
    Outlier::write(&layout.table::<Outlier>(), metadata, &[outlier]).unwrap();
    ComponentPlace::write(&layout.table::<ComponentPlace>(), metadata, &components(layers)).unwrap();
    LensToken::write(&layout.table::<LensToken>(), metadata, &lens(layers)).unwrap();
}

pub fn statistics(layer: usize, layers: usize, pooling: Pooling) -> LayerStatistics {
    let place = layer as f64 / 100.0;
    LayerStatistics {
        layer,
        pooling,
        prompts: 6,
        within_positive_low: 0.71 + place,
        within_positive_high: 0.91 + place,
        within_negative_low: 0.72 + place,
        within_negative_high: 0.92 + place,
        cross_low: 0.43 + place,
        cross_high: 0.63 + place,
        permutation_difference: 0.2,
        difference_low: 0.1 + place,
        difference_high: 0.3 + place,
        permutation_p: 0.015625,
        permutation_p_family: if layer * 2 >= layers { 0.03125 } else { 0.5 },
        separation_auc: 0.875,
        separation_accuracy: 0.75,
        split_half: f64::NAN,
        bf16_difference: 0.19,
        ..LayerStatistics::default()
    }
}

/// Two prompts in two conditions, at places that identify layer, condition and prompt.
fn components(layers: usize) -> Vec<ComponentPlace> {
    let place = |layer: usize, condition: usize, prompt: usize| ComponentPlace {
        layer,
        pooling: Pooling::Newline,
        condition: ["normal", "swapped"][condition].to_owned(),
        prompt_id: ["who", "hostile"][prompt].to_owned(),
        pc1: layer as f64 + if condition == 0 { 100.0 } else { -100.0 },
        pc2: prompt as f64 + 0.25,
        pc1_share: 0.5 + layer as f64 / 100.0,
        pc2_share: 0.125,
    };
    let of_layer =
        |layer| [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(condition, prompt)| place(layer, condition, prompt));
    (0..layers).flat_map(of_layer).collect()
}

fn summary(layers: usize) -> StatisticsSummary {
    StatisticsSummary {
        pooling: Pooling::Newline,
        positive: "normal".to_owned(),
        negative: "swapped".to_owned(),
        prompts: 6,
        all_prompts: 6,
        labellings: 64,
        is_exact: true,
        smallest_p: 0.015625,
        level: 0.05,
        significant_layers: (0..layers).filter(|layer| layer * 2 >= layers).collect(),
        onset: Some(layers.div_ceil(2)),
        strongest: Some(layers - 1),
        findings: vec!["So few prompts can say <i>little</i>.".to_owned()],
    }
}

pub fn effects(layer: usize) -> LayerEffects {
    LayerEffects {
        layer,
        pooling: Pooling::Newline,
        prompts: 6,
        speaker_norm: 5.0 + layer as f64,
        speaker_norm_low: 4.0 + layer as f64,
        speaker_norm_high: 6.0 + layer as f64,
        speaker_variance: 0.5,
        residual_variance: 0.5,
        speaker_share: 0.4 + layer as f64 / 10.0,
        speaker_share_low: 0.33,
        speaker_share_high: 0.97,
        ..LayerEffects::default()
    }
}

fn depth(layers: usize) -> Vec<DepthCosine> {
    let cosine = |layer_a: usize, layer_b: usize, pooling: Pooling| DepthCosine {
        pooling,
        layer_a,
        layer_b,
        cosine: if pooling == Pooling::Mean {
            -1.0
        } else {
            1.0 - 0.01 * layer_a.abs_diff(layer_b) as f64
        },
    };
    let pairs = (0..layers).flat_map(|a| (0..layers).map(move |b| (a, b)));
    pairs
        .flat_map(|(a, b)| [Pooling::Newline, Pooling::Mean].map(|pooling| cosine(a, b, pooling)))
        .collect()
}

fn lens(layers: usize) -> Vec<LensToken> {
    let texts = ["\u{2581}Sure", HOSTILE, "\n", "<end_of_turn>", "<b>"];
    let token = |layer: usize, rank: usize, side: LensSide| LensToken {
        layer,
        side,
        rank,
        token_id: rank as i32,
        token_text: texts[rank].to_owned(),
        logit: 4.0 - rank as f64,
    };
    (0..layers)
        .flat_map(|layer| [LensSide::Promoted, LensSide::Suppressed].map(|side| (layer, side)))
        .flat_map(|(layer, side)| (0..texts.len()).map(move |rank| token(layer, rank, side)))
        .collect()
}
