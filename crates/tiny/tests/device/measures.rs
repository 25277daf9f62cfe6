//! How fast the device is with the models that this test is given, and how much of its memory they take. It prints a line of JSON
//! for each, with the parts of `cargo xtask bench`. `ROLESWAP_CHECKPOINTS` has their folders or files, with a comma between them,
//! `ROLESWAP_NEW` the tokens of each text.

use std::path::Path;
use std::time::Instant;

use dose::{Sequence, log_probabilities};
use extract::{Record, Wanted};
use interventions::addition;
use model::{
    Batch, GenerationRequest, ModelConfig, ModelFiles, Network, Precision, ResidualTap, Sampling, generate,
    memory_in_use, read_bandwidth,
};
use steer::{Intervention, Steer};
use terms::{DeviceKind, Dtype, Positions};

use crate::{device, kind, named, numbers};

/// Tokens of a prompt.
const PROMPT: usize = 18;

/// Seconds of work, and the tokens that it brought.
struct Part(String, f64, usize);

#[test]
fn speed_and_memory_of_given_checkpoints() {
    let Ok(places) = std::env::var("ROLESWAP_CHECKPOINTS") else {
        println!("skipped: ROLESWAP_CHECKPOINTS names no checkpoints");
        return;
    };
    let new = std::env::var("ROLESWAP_NEW").map_or(33, |text| text.parse().unwrap());
    assert!(new > 1);
    let bandwidth = read_bandwidth(&device()).unwrap();
    assert!(bandwidth > 1e8, "{bandwidth}");
    for place in places.split(',').map(Path::new) {
        let (mut config, checkpoint) = ModelFiles::at(place).unwrap().network().unwrap();
        // Every text gets its full length.
        config.end_tokens.clear();
        let arithmetic = model::arithmetic_of(&device());
        let precision = Dtype::Auto.on(checkpoint.stored_precision(), arithmetic).unwrap();
        let start = Instant::now();
        let network = Network::load(&config, &checkpoint, &device(), precision, &mut |_| ()).unwrap();
        let loaded = Part("load".to_owned(), start.elapsed().as_secs_f64(), 0);
        let parts: Vec<Part> = std::iter::once(loaded).chain(measured(&network, new)).collect();
        let bytes = read_by_a_step(&config, precision);
        let lines: Vec<String> = parts.iter().map(|part| json(part, bytes / bandwidth)).collect();
        println!(
            "measured {{\"tool\": \"roleswap\", \"checkpoint\": {:?}, \"device\": \"{}\", \"gpu\": {:?}, \"dtype\": \"{precision}\", \
             \"read_bandwidth_bytes_per_second\": {bandwidth:.0}, \"device_memory_bytes\": {}, \"parts\": {{{}}}}}",
            place.display().to_string(),
            named(),
            name_of_gpu(),
            memory_in_use(&device()).unwrap().reserved,
            lines.join(", ")
        );
    }
}

/// As its driver names it.
fn name_of_gpu() -> String {
    let DeviceKind::Gpu(api, number) = kind() else {
        panic!("a GPU is tested")
    };
    let gpu = machine::gpu(api, number);
    gpu.map_or(String::new(), |gpu| format!("{}, {}", gpu.name, gpu.driver))
}

/// `step` are the least seconds of a step of generation.
fn json(Part(name, seconds, tokens): &Part, step: f64) -> String {
    let rate = (*tokens > 0).then(|| *tokens as f64 / seconds);
    let rows = name
        .strip_prefix("decode ")
        .and_then(|rows| rows.parse::<usize>().ok());
    let steps = rows.map(|rows| tokens / rows);
    let number = |value: Option<f64>| value.map_or("null".to_owned(), |value| format!("{value:.4}"));
    format!(
        "\"{name}\": {{\"seconds\": {seconds:.5}, \"tokens_per_second\": {}, \"fraction_of_limit\": {}}}",
        number(rate),
        number(steps.map(|steps| step * steps as f64 / seconds))
    )
}

/// Bytes of all weights that one token needs: tables of which it takes a row count nothing.
fn read_by_a_step(config: &ModelConfig, precision: Precision) -> f64 {
    let is_read = |name: &str| {
        !name.contains("embed_tokens_per_layer") && !(config.own_head && name.contains("embed_tokens"))
    };
    let tensors = config.tensors();
    let read = tensors.iter().filter(|(name, _)| is_read(name));
    let numbers: usize = read.map(|(_, shape)| shape.iter().product::<usize>()).sum();
    (numbers * precision.size()) as f64
}

fn prompt(row: usize, vocabulary: usize) -> Vec<u32> {
    let token = |at: usize| (3 + (at * 7919 + at * at * 31) % (vocabulary.min(50_000) - 3)) as u32;
    (0..PROMPT).map(|at| token(at + 100 * row)).collect()
}

/// The second run of each: the first one compiles.
fn second<T>(mut work: impl FnMut() -> T) -> f64 {
    work();
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

fn measured(network: &Network, new: usize) -> Vec<Part> {
    let config = network.config();
    let prompts: Vec<Vec<u32>> = (0..12).map(|row| prompt(row, config.vocab_size)).collect();
    let mut parts = vec![Part(
        "extract".to_owned(),
        second(|| extracted(network, &prompts)),
        12 * PROMPT,
    )];
    for rows in [1, 12, 48, 256] {
        parts.push(decoded(network, &format!("decode {rows}"), rows, new, &mut ()));
    }
    let direction: Vec<f32> = (0..config.hidden_size).map(|at| (at as f32).sin()).collect();
    let layer = config.layers.len() / 2;
    let of_row = |row: usize| {
        let form = addition(&direction, row as f64 / 4.0 - 1.5);
        vec![Intervention::new(layer, Positions::All, form)]
    };
    let rows: Vec<Vec<Intervention>> = (0..12).map(of_row).collect();
    let mut steer = Steer::new(&rows, config.layers.len(), config.hidden_size, &network.device()).unwrap();
    parts.push(decoded(network, "steer 12", 12, new, &mut steer));
    let sequences: Vec<Sequence> = prompts
        .iter()
        .map(|prompt| Sequence::new(&prompt[..4], &prompt[4..]))
        .collect();
    let scored = second(|| log_probabilities(network, &sequences, "texts").unwrap());
    parts.push(Part("dose: scoring".to_owned(), scored, 12 * (PROMPT - 4)));
    parts
}

/// Every layer's residual stream of the last token of each prompt.
fn extracted(network: &Network, prompts: &[Vec<u32>]) {
    let batch = Batch::of(prompts).unwrap();
    let wanted = vec![Wanted::Position(PROMPT - 1); prompts.len()];
    let mut record = Record::new(&batch, &wanted, &[]);
    let batch = batch.with_wanted(record.places());
    numbers(network.forward(&batch, None, &mut record).unwrap());
}

/// The steps after the prompts: whole texts without texts of one token.
fn decoded(network: &Network, name: &str, rows: usize, new: usize, tap: &mut dyn ResidualTap) -> Part {
    let vocabulary = network.config().vocab_size;
    let request = |row: usize| GenerationRequest {
        prompt: prompt(row % 12, vocabulary),
        sampling: Sampling {
            greedy: false,
            temperature: 0.7,
            top_k: 50,
            ..Sampling::greedy()
        },
        seed: row as u64,
    };
    let requests: Vec<GenerationRequest> = (0..rows).map(request).collect();
    let mut texts =
        |tokens: usize| second(|| generate(network, &requests, tokens, tap, &mut |_| ()).unwrap());
    let (prompts, whole) = (texts(1), texts(new));
    // Too few tokens for the machine's noise: then the prompts' time counts too.
    let seconds = if whole > prompts { whole - prompts } else { whole };
    Part(name.to_owned(), seconds, rows * (new - 1))
}
