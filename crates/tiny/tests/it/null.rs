//! Does the analysis find what isn't there? Two conditions with the same format and different
//! random prompts differ only by chance, and should be called significant about as often as the
//! level says.

use extract::capture;
use files::HashMemo;
use pipeline::{Condition, Prompt, Turn};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use session::{open_for_generation, render_prompts};
use statistics::{PairedGram, PairedRows, label_swap_tests};
use terms::{Device, Pooling, Speaker};
use tiny::grammar::conversations;

const ANALYSES: usize = 200;
const PROMPTS: usize = 10;
const LEVEL: f64 = 0.05;

/// Different things that people and assistants say, as prompts.
fn prompts(count: usize) -> Vec<Prompt> {
    let mut texts: Vec<String> = conversations(11, 3000)
        .into_iter()
        .flatten()
        .map(|turn| turn.text)
        .collect();
    texts.sort();
    texts.dedup();
    texts.shuffle(&mut ChaCha8Rng::seed_from_u64(5));
    assert!(texts.len() >= count, "{}", texts.len());
    let prompt = |(index, text): (usize, String)| Prompt {
        id: index.to_string(),
        text,
    };
    texts.into_iter().take(count).enumerate().map(prompt).collect()
}

/// `[layer][prompt][hidden]`, all in one format.
fn residuals(prompts: &[Prompt]) -> Vec<Vec<Vec<f32>>> {
    let mut table = crate::tiny_pipeline().model;
    table.device = Device::Cpu;
    let model = open_for_generation(&table, &HashMemo::default()).unwrap();
    let condition = Condition {
        name: "normal".to_owned(),
        label: "Model Role".to_owned(),
        system: None,
        turns: vec![Turn {
            speaker: Speaker::User,
            text: "{prompt}".to_owned(),
        }],
        opens: Speaker::Model,
    };
    let rendered = render_prompts(&model.tokenizer, "grammar".as_ref(), prompts, &[condition]).unwrap();
    let layers = capture(&model, &rendered, &[Pooling::Newline]).unwrap();
    layers
        .into_iter()
        .map(|rows| rows.into_iter().map(|row| row.activation).collect())
        .collect()
}

#[test]
fn conditions_without_a_difference_are_significant_at_about_the_nominal_rate() {
    let layers = residuals(&prompts(600));
    let mut generator = ChaCha8Rng::seed_from_u64(17);
    let mut order: Vec<usize> = (0..600).collect();
    let (mut any_layer, mut single_layers) = (0, 0);
    for analysis in 0..ANALYSES {
        order.shuffle(&mut generator);
        let (plus, minus) = order[..2 * PROMPTS].split_at(PROMPTS);
        let grams: Vec<PairedGram> = layers
            .iter()
            .map(|rows| {
                let pick = |indices: &[usize]| indices.iter().map(|index| rows[*index].clone()).collect();
                PairedGram::of(&PairedRows {
                    plus: pick(plus),
                    minus: pick(minus),
                })
                .unit()
            })
            .collect();
        let family = label_swap_tests(&grams, analysis as u64);
        any_layer += usize::from(family.tests.iter().any(|test| test.p_family < LEVEL));
        single_layers += family.tests.iter().filter(|test| test.p < LEVEL).count();
    }
    let rate = any_layer as f64 / ANALYSES as f64;
    let single = single_layers as f64 / (ANALYSES * layers.len()) as f64;
    println!(
        "of {ANALYSES} analyses without a difference {rate:.3} were significant at any layer, {single:.3} of single layers"
    );
    // 200 draws of probability 0.05 are between 3 and 19 with a probability of 0.997.
    assert!(
        (3..=19).contains(&any_layer),
        "{any_layer} of {ANALYSES} at any layer"
    );
    assert!((0.02..=0.08).contains(&single), "{single} of single layers");
}
