//! Texts of the embedded model: greedy ones against Hugging Face transformers, sampled ones against the CPU.

use dose::{Sequence, divergences, log_probabilities};
use model::{FinishReason, GenerationRequest, Network, Sampling, generate};
use serde_json::Value;
use testkit::{root, token_ids};

use crate::both;

/// The method's twelve prompts, as the record has them.
fn rows() -> Vec<Value> {
    let record = root().join("crates/tiny/tests/fixtures/tiny_reference.json");
    let facts: Value = serde_json::from_slice(&std::fs::read(record).unwrap()).unwrap();
    facts["rows"].as_array().unwrap().clone()
}

fn texts(network: &Network, requests: &[GenerationRequest], tokens: usize) -> Vec<Vec<u32>> {
    let texts = generate(network, requests, tokens, &mut (), &mut |_| ()).unwrap();
    texts.into_iter().map(|text| text.tokens).collect()
}

#[test]
fn greedy_texts_are_the_references() {
    if !crate::multiplies_in_f32() {
        return;
    }
    let [_, gpu] = both(&root().join("data/tiny"));
    let request = |row: &Value| GenerationRequest {
        prompt: token_ids(&row["token_ids"]),
        sampling: Sampling::greedy(),
        seed: 0,
    };
    let rows = rows();
    assert_eq!(rows.len(), 12);
    let requests: Vec<GenerationRequest> = rows.iter().map(request).collect();
    let generated = generate(&gpu, &requests, 48, &mut (), &mut |_| ()).unwrap();
    for (row, generated) in rows.iter().zip(generated) {
        assert_eq!(generated.tokens, token_ids(&row["greedy_ids"]));
        assert_eq!(generated.finish, Some(FinishReason::Stop));
    }
}

#[test]
fn log_probabilities_of_texts_are_the_cpus() {
    if !crate::multiplies_in_f32() {
        return;
    }
    let networks = both(&root().join("data/tiny"));
    let sequence = |row: &Value| Sequence::new(&token_ids(&row["token_ids"]), &token_ids(&row["greedy_ids"]));
    let sequences: Vec<Sequence> = rows().iter().map(sequence).collect();
    let [cpu, gpu] = networks
        .each_ref()
        .map(|network| log_probabilities(network, &sequences, "texts").unwrap());
    for (cpu, gpu) in cpu.iter().flatten().zip(gpu.iter().flatten()) {
        assert!((cpu - gpu).abs() < 1e-4, "{gpu} for {cpu}");
    }
    assert_eq!(
        gpu.iter().flatten().count(),
        sequences
            .iter()
            .map(|sequence| sequence.text().len())
            .sum::<usize>()
    );
}

/// Of texts in the model with all residuals of a layer moved, from the model as it is.
#[test]
fn divergences_are_the_cpus() {
    let networks = both(&root().join("data/tiny"));
    let sequence = |row: &Value| Sequence::new(&token_ids(&row["token_ids"]), &token_ids(&row["greedy_ids"]));
    let sequences: Vec<Sequence> = rows().iter().take(4).map(sequence).collect();
    let direction: Vec<f32> = (0..128).map(|index| (index as f32).sin() / 2.0).collect();
    let moved = |coefficient: f64| {
        let form = interventions::addition(&direction, coefficient);
        vec![steer::Intervention::new(2, terms::Positions::All, form)]
    };
    let changes = [Vec::new(), moved(0.5), moved(10.0)];
    let taps: Vec<Vec<steer::Intervention>> = changes
        .iter()
        .flat_map(|change| vec![change.clone(); sequences.len()])
        .collect();
    let [cpu, gpu] = networks.each_ref().map(|network| {
        let (layers, hidden) = (network.config().layers.len(), network.config().hidden_size);
        let steer = steer::Steer::new(&taps, layers, hidden, &network.device()).unwrap();
        divergences(network, &sequences, changes.len(), &steer, "texts").unwrap()
    });
    let (mut largest, mut compared) = (0.0f64, 0);
    for (cpu, gpu) in cpu.iter().flatten().flatten().zip(gpu.iter().flatten().flatten()) {
        assert!((cpu - gpu).abs() < 1e-5 + 1e-3 * cpu, "{gpu} for {cpu}");
        largest = largest.max(*cpu);
        compared += 1;
    }
    assert!(largest > 0.1 && compared > 30, "{largest} of {compared}");
    assert!(gpu[0].iter().flatten().all(|divergence| *divergence < 1e-6));
}

#[test]
fn sampled_texts_are_the_cpus_and_the_same_twice() {
    if !crate::multiplies_in_f32() {
        return;
    }
    let networks = both(&root().join("data/tiny"));
    let rows = rows();
    let rules = [
        Sampling {
            greedy: false,
            temperature: 0.7,
            top_k: 50,
            ..Sampling::greedy()
        },
        Sampling {
            greedy: false,
            temperature: 1.3,
            top_p: 0.9,
            ..Sampling::greedy()
        },
        Sampling {
            greedy: false,
            repetition_penalty: 1.2,
            suppress: vec![1],
            ..Sampling::greedy()
        },
    ];
    let request = |index: usize| GenerationRequest {
        prompt: token_ids(&rows[index % rows.len()]["token_ids"]),
        sampling: rules[index % rules.len()].clone(),
        seed: index as u64,
    };
    let requests: Vec<GenerationRequest> = (0..36).map(request).collect();
    let [cpu, gpu] = networks.each_ref().map(|network| texts(network, &requests, 24));
    let equal = cpu.iter().zip(&gpu).filter(|(a, b)| a == b).count();
    // A draw that falls within the last bits of a border goes the other way.
    assert!(equal + 1 >= cpu.len(), "{equal} of {} texts are equal", cpu.len());
    let distinct: std::collections::BTreeSet<&Vec<u32>> = cpu.iter().collect();
    assert!(distinct.len() > 12, "{}", distinct.len());
    assert_eq!(gpu, texts(&networks[1], &requests, 24));
}
