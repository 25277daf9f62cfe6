//! Every kind of intervention, in rows with their own, against Hugging Face transformers and against the CPU.

use interventions::{ablation, addition, capping, mean_ablation};
use model::{GenerationRequest, Network, Sampling, generate};
use serde_json::Value;
use steer::{Intervention, Steer};
use terms::Positions;
use testkit::{Golden, golden_folder, token_ids};

use crate::{both, device};

const LAYER: usize = 2;

/// One case of the golden record as an intervention.
fn intervention(golden: &Golden, parameters: &Value) -> Option<Intervention> {
    let kind = parameters.get("kind")?.as_str().unwrap();
    let number = |key: &str| parameters.get(key).map_or(0.0, |value| value.as_f64().unwrap());
    let direction = golden.tensor("steer.vector");
    let form = match kind {
        "addition" => addition(direction, number("coef")),
        "ablation" => ablation(direction, number("coef")),
        "capping" => capping(direction, number("tau")),
        "mean_ablation" => mean_ablation(direction, golden.tensor("steer.mean")),
        other => panic!("unknown kind {other}"),
    };
    // The reference ignores positions for mean ablation and acts everywhere.
    let last = parameters.get("positions").and_then(Value::as_str) == Some("last") && kind != "mean_ablation";
    let positions = if last { Positions::Last } else { Positions::All };
    Some(Intervention::new(LAYER, positions, form))
}

/// The nano model on the CPU and on the device.
fn nano() -> [Network; 2] {
    both(&golden_folder().join("nano"))
}

fn texts(
    network: &Network,
    requests: &[GenerationRequest],
    rows: &[Vec<Intervention>],
    tokens: usize,
) -> Vec<Vec<u32>> {
    let config = network.config();
    let (layers, hidden) = (config.layers.len(), config.hidden_size);
    let mut steer = Steer::new(rows, layers, hidden, &network.device()).unwrap();
    let texts = generate(network, requests, tokens, &mut steer, &mut |_| ()).unwrap();
    texts.into_iter().map(|text| text.tokens).collect()
}

#[test]
fn rows_with_all_interventions_of_the_reference_share_a_batch() {
    if !crate::multiplies_in_f32() {
        return;
    }
    let (golden, [_, gpu]) = (Golden::read(), nano());
    let cases: Vec<(&String, &Value)> = golden.facts["steer"].as_object().unwrap().iter().collect();
    assert_eq!(cases.len(), 11);
    let rows: Vec<Vec<Intervention>> = cases
        .iter()
        .map(|(_, case)| intervention(&golden, &case["params"]).into_iter().collect())
        .collect();
    let request = GenerationRequest {
        prompt: golden.input("long"),
        sampling: Sampling::greedy(),
        seed: 0,
    };
    let together = texts(&gpu, &vec![request.clone(); rows.len()], &rows, 16);
    for (((name, case), text), row) in cases.iter().zip(together).zip(&rows) {
        // The reference runs on past end tokens.
        let expected = token_ids(&case["greedy"]);
        assert_eq!(text, expected[..text.len()], "{name} beside other rows");
        assert!(
            text.len() == 16 || gpu.config().end_tokens.contains(text.last().unwrap()),
            "{name}"
        );
        let alone = texts(
            &gpu,
            std::slice::from_ref(&request),
            std::slice::from_ref(row),
            16,
        );
        assert_eq!(alone[0], text, "{name} alone");
    }
}

/// Many rows, each with another intervention, at all layers and at all or the last positions, some of them sampled.
#[test]
fn many_rows_with_their_own_interventions_are_the_cpus() {
    if !crate::multiplies_in_f32() {
        return;
    }
    const ROWS: usize = 80;
    let networks = nano();
    let interventions = |row: usize| {
        let direction: Vec<f32> = (0..64)
            .map(|index| ((index * 7 + row) as f32).sin() * 4.0)
            .collect();
        let form = match row % 6 {
            0 => return Vec::new(),
            1 | 2 => addition(&direction, row as f64 / 10.0 - 2.0),
            3 => ablation(&direction, 0.5),
            4 => mean_ablation(&direction, &direction),
            _ => capping(&direction, 0.1),
        };
        let positions = [Positions::All, Positions::Last][row % 2];
        vec![Intervention::new(row % 4, positions, form)]
    };
    let request = |row: usize| GenerationRequest {
        prompt: (0..2 + row % 9)
            .map(|at| 120 + (at * 37 + row / 20) as u32 % 300)
            .collect(),
        sampling: Sampling {
            greedy: row % 4 != 3,
            ..Sampling::greedy()
        },
        seed: row as u64,
    };
    let rows: Vec<Vec<Intervention>> = (0..ROWS).map(interventions).collect();
    let requests: Vec<GenerationRequest> = (0..ROWS).map(request).collect();
    let [cpu, gpu] = networks
        .each_ref()
        .map(|network| texts(network, &requests, &rows, 12));
    let equal = cpu.iter().zip(&gpu).filter(|(a, b)| a == b).count();
    // Logits that are equal but for the last bits may change places.
    assert!(equal + 1 >= ROWS, "{equal} of {ROWS} texts are equal");
}

#[test]
fn a_coefficient_of_0_gives_the_unsteered_text() {
    if !crate::multiplies_in_f32() {
        return;
    }
    let [_, gpu] = nano();
    let golden = Golden::read();
    let request = GenerationRequest {
        prompt: golden.input("mid"),
        sampling: Sampling {
            greedy: false,
            ..Sampling::greedy()
        },
        seed: 5,
    };
    let zero = vec![Intervention::new(
        LAYER,
        Positions::All,
        addition(golden.tensor("steer.vector"), 0.0),
    )];
    let rows = [zero, Vec::new()];
    let found = texts(&gpu, &vec![request; 2], &rows, 12);
    assert_eq!(found[0], found[1]);
    assert_eq!(gpu.device(), device());
}
