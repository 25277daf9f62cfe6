//! The shipped weights against Hugging Face transformers, for the method's twelve texts: the record
//! in `fixtures` is what `scripts/hf_reference.py data/tiny crates/tiny/tests/fixtures` wrote.

use burn::tensor::Tensor;
use files::HashMemo;
use model::{Batch, FinishReason, GenerationRequest, ResidualTap, Sampling, Token, generate};
use pipeline::read_prompts;
use safetensors::SafeTensors;
use serde_json::Value;
use session::{OpenModel, open_for_generation, render_prompts};
use testkit::{assert_close, token_ids as ids};

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(crate::root().join("crates/tiny/tests/fixtures").join(name)).unwrap()
}

fn rows() -> Vec<Value> {
    let facts: Value = serde_json::from_slice(&fixture("tiny_reference.json")).unwrap();
    let rows = facts["rows"].as_array().unwrap().clone();
    assert_eq!(rows.len(), 12);
    rows
}

fn model() -> OpenModel {
    open_for_generation(&crate::tiny_pipeline().model, &HashMemo::default()).unwrap()
}

#[test]
fn texts_and_tokens_are_the_references() {
    let (pipeline, model) = (crate::tiny_pipeline(), model());
    let prompts = read_prompts(&pipeline.prompts.file).unwrap();
    let rendered = render_prompts(
        &model.tokenizer,
        &pipeline.prompts.file,
        &prompts,
        &pipeline.conditions,
    )
    .unwrap();
    for (row, prompt) in rows().iter().zip(&rendered) {
        assert_eq!(row["condition"], prompt.condition.as_str());
        assert_eq!(row["text"], prompt.text.as_str());
        let ours: Vec<u32> = prompt.token_ids.iter().map(|id| id.cast_unsigned()).collect();
        assert_eq!(ids(&row["token_ids"]), ours);
    }
}

#[derive(Default)]
struct Kept(Vec<Vec<f32>>);

impl ResidualTap for Kept {
    fn residual(&mut self, _layer: usize, _tokens: &[Token], h: Tensor<2>) -> Tensor<2> {
        self.0.push(h.clone().into_data().try_into_vec().unwrap());
        h
    }
}

#[test]
fn every_layers_residuals_are_the_references() {
    let (bytes, model) = (fixture("tiny_reference.safetensors"), model());
    let reference = SafeTensors::deserialize(&bytes).unwrap();
    for (index, row) in rows().iter().enumerate() {
        let tensor = reference.tensor(&format!("hidden.{index}")).unwrap();
        let expected: Vec<f32> = tensor
            .data()
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect();
        let layers = tensor.shape()[0];
        let mut kept = Kept::default();
        model
            .resident()
            .unwrap()
            .forward(&Batch::of(&[ids(&row["token_ids"])]).unwrap(), None, &mut kept)
            .unwrap();
        assert_eq!(kept.0.len(), layers);
        for (layer, (actual, expected)) in kept
            .0
            .iter()
            .zip(expected.chunks(expected.len() / layers))
            .enumerate()
        {
            // The promise is 1e-3 of the RMS; it is ten times as close.
            assert_close(&format!("row {index}, layer {layer}"), actual, expected, 1e-4);
        }
    }
}

#[test]
fn greedy_texts_are_the_references() {
    let (rows, model) = (rows(), model());
    let request = |row: &Value| GenerationRequest {
        prompt: ids(&row["token_ids"]),
        sampling: Sampling::greedy(),
        seed: 0,
    };
    let requests: Vec<GenerationRequest> = rows.iter().map(request).collect();
    let generated = generate(model.resident().unwrap(), &requests, 48, &mut (), &mut |_| ()).unwrap();
    for (row, generated) in rows.iter().zip(generated) {
        assert_eq!(generated.tokens, ids(&row["greedy_ids"]));
        assert_eq!(generated.finish, Some(FinishReason::Stop));
        assert_eq!(
            model.tokenizer.decode(&generated.tokens).unwrap().trim(),
            row["greedy_text"].as_str().unwrap()
        );
    }
}
