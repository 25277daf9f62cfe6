//! Every kind of intervention on the nano checkpoint against Hugging Face transformers with hooks:
//! residuals, logits and greedy continuations. The fixtures belong to the model crate; their README
//! says how they were made.

use std::collections::HashMap;

use burn::tensor::{Device, Tensor};
use interventions::{ablation, addition, capping, mean_ablation};
use model::{
    Batch, Checkpoint, GenerationRequest, ModelConfig, Network, Precision, ResidualTap, Sampling, Token,
    generate,
};
use serde_json::Value;
use steer::{Intervention, Steer};
use terms::Positions;
pub use testkit::token_ids as tokens;
use testkit::{Golden, golden_folder};

pub const LAYER: usize = 2;

/// The nano model without end tokens: the golden continuations run on past them.
pub fn nano() -> Network {
    let folder = golden_folder().join("nano");
    let mut config = ModelConfig::read(&folder).unwrap();
    config.end_tokens.clear();
    Network::load(
        &config,
        &Checkpoint::open(&folder).unwrap(),
        &Device::flex(),
        Precision::F32,
        &mut |_| (),
    )
    .unwrap()
}

pub fn golden() -> (HashMap<String, Vec<f32>>, Value) {
    let Golden { tensors, facts } = Golden::read();
    (tensors, facts)
}

/// Steering, and a copy of every layer's output after it.
struct Kept(Steer, Vec<Tensor<2>>);

impl ResidualTap for Kept {
    fn residual(&mut self, layer: usize, tokens: &[Token], h: Tensor<2>) -> Tensor<2> {
        let h = self.0.residual(layer, tokens, h);
        self.1.push(h.clone());
        h
    }
}

fn numbers(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

#[track_caller]
fn assert_close(name: &str, actual: &[f32], expected: &[f32]) {
    testkit::assert_close(name, actual, expected, 1e-4);
}

/// One case of the golden record as an intervention.
pub fn intervention(tensors: &HashMap<String, Vec<f32>>, parameters: &Value) -> Option<Intervention> {
    let kind = parameters.get("kind")?.as_str().unwrap();
    let number = |key: &str| parameters.get(key).map_or(0.0, |value| value.as_f64().unwrap());
    let direction = &tensors["steer.vector"];
    let form = match kind {
        "addition" => addition(direction, number("coef")),
        "ablation" => ablation(direction, number("coef")),
        "capping" => capping(direction, number("tau")),
        "mean_ablation" => mean_ablation(direction, &tensors["steer.mean"]),
        other => panic!("unknown kind {other}"),
    };
    // The reference ignores positions for mean ablation and acts everywhere.
    let last = parameters.get("positions").and_then(Value::as_str) == Some("last") && kind != "mean_ablation";
    let positions = if last { Positions::Last } else { Positions::All };
    Some(Intervention::new(LAYER, positions, form))
}

#[test]
fn every_intervention_agrees_in_residuals_logits_and_greedy_text() {
    let (model, (tensors, facts)) = (nano(), golden());
    let long = tokens(&facts["inputs"]["long"]);
    let cases = facts["steer"].as_object().unwrap();
    assert_eq!(cases.len(), 11);
    for (name, case) in cases {
        let interventions: Vec<Intervention> = intervention(&tensors, &case["params"]).into_iter().collect();
        let steer = || Steer::new(std::slice::from_ref(&interventions), 4, 64, &Device::flex()).unwrap();
        let mut kept = Kept(steer(), Vec::new());
        let last = model
            .forward(&Batch::of(&[&long]).unwrap(), None, &mut kept)
            .unwrap();
        for (layer, h) in kept.1.into_iter().enumerate().skip(LAYER) {
            let tensor = format!("steer.{name}.hidden.{layer}");
            assert_close(&tensor, &numbers(h), &tensors[&tensor]);
        }
        assert_close(
            name,
            &numbers(model.head(last)),
            &tensors[&format!("steer.{name}.logits")],
        );
        let request = GenerationRequest {
            prompt: long.clone(),
            sampling: Sampling::greedy(),
            seed: 0,
        };
        let text = generate(&model, &[request], 16, &mut steer(), &mut |_| ()).unwrap();
        assert_eq!(text[0].tokens, tokens(&case["greedy"]), "{name}");
    }
}

#[test]
fn rows_with_other_interventions_share_a_batch() {
    let (model, (tensors, facts)) = (nano(), golden());
    let long = tokens(&facts["inputs"]["long"]);
    let cases: Vec<(&String, &Value)> = facts["steer"].as_object().unwrap().iter().collect();
    let rows: Vec<Vec<Intervention>> = cases
        .iter()
        .map(|(_, case)| intervention(&tensors, &case["params"]).into_iter().collect())
        .collect();
    let request = GenerationRequest {
        prompt: long,
        sampling: Sampling::greedy(),
        seed: 0,
    };
    let mut steer = Steer::new(&rows, 4, 64, &Device::flex()).unwrap();
    let texts = generate(&model, &vec![request; rows.len()], 16, &mut steer, &mut |_| ()).unwrap();
    for ((name, case), text) in cases.into_iter().zip(texts) {
        assert_eq!(text.tokens, tokens(&case["greedy"]), "{name} beside other rows");
    }
}
