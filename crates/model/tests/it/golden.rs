//! Every layer, the final norm, the logits and greedy continuations of the nano checkpoint against
//! Hugging Face transformers (see `fixtures/README.md`).

use model::{Batch, FinishReason, GenerationRequest, Precision, Sampling, generate};

use crate::support::{Golden, KeepAll, assert_close, load_nano, numbers, tokens};

const TOLERANCE: f64 = 1e-4;

#[test]
fn every_layer_of_single_rows_agrees() {
    let (golden, model) = (Golden::read(), load_nano(Precision::F32));
    for name in ["short", "mid", "long"] {
        let batch = Batch::of(&[golden.input(name)]).unwrap();
        let mut kept = KeepAll::default();
        let last = model.forward(&batch, None, &mut kept).unwrap();
        for (layer, h) in kept.0.into_iter().enumerate() {
            let tensor = format!("plain.{name}.hidden.{layer}");
            assert_close(&tensor, &numbers(h), golden.tensor(&tensor), TOLERANCE);
        }
        let norm = format!("plain.{name}.final_norm");
        assert_close(
            &norm,
            &numbers(model.final_norm(last.clone())),
            golden.tensor(&norm),
            TOLERANCE,
        );
        let logits = format!("plain.{name}.logits");
        assert_close(
            &logits,
            &numbers(model.head(last)),
            golden.tensor(&logits),
            TOLERANCE,
        );
    }
}

/// The rows of the golden batch, each without its padding, from tensors of `[3, 24, size]`.
fn golden_row<'a>(golden: &'a Golden, name: &str, row: usize, length: usize, size: usize) -> &'a [f32] {
    let end = (row + 1) * 24 * size;
    &golden.tensor(name)[end - length * size..end]
}

#[test]
fn ragged_batches_agree() {
    let (golden, model) = (Golden::read(), load_nano(Precision::F32));
    let rows: Vec<Vec<u32>> = ["short", "mid", "long"]
        .iter()
        .map(|name| golden.input(name))
        .collect();
    let batch = Batch::of(&rows).unwrap();
    let mut kept = KeepAll::default();
    let last = model.forward(&batch, None, &mut kept).unwrap();
    kept.0.push(model.head(last));
    for (layer, h) in kept.0.into_iter().enumerate() {
        let name = if layer < 4 {
            format!("batch.hidden.{layer}")
        } else {
            "batch.logits".to_owned()
        };
        let size = h.dims()[1];
        let values = numbers(h);
        for (row, tokens) in rows.iter().enumerate() {
            let of_place = |place: &usize| &values[place * size..(place + 1) * size];
            let actual: Vec<f32> = batch.places(row).iter().flat_map(of_place).copied().collect();
            let expected = golden_row(&golden, &name, row, tokens.len(), size);
            assert_close(&format!("{name} row {row}"), &actual, expected, TOLERANCE);
        }
    }
}

#[test]
fn greedy_continuations_are_identical_alone_and_in_a_batch() {
    let golden = Golden::read();
    let mut config = load_nano(Precision::F32).config().clone();
    // The golden continuations run on past the end tokens.
    config.end_tokens.clear();
    let model = crate::support::load_nano_with(config, Precision::F32);
    let names = ["short", "mid", "long"];
    let request = |name: &&str| GenerationRequest {
        prompt: golden.input(name),
        sampling: Sampling::greedy(),
        seed: 0,
    };
    let requests: Vec<GenerationRequest> = names.iter().map(request).collect();
    let together = generate(&model, &requests, 16, &mut (), &mut |_| ()).unwrap();
    for ((name, request), batched) in names.iter().zip(&requests).zip(together) {
        let expected = tokens(&golden.facts["greedy_plain"][name]);
        let alone = generate(&model, std::slice::from_ref(request), 16, &mut (), &mut |_| ()).unwrap();
        assert_eq!(alone[0].tokens, expected, "{name} alone");
        assert_eq!(batched.tokens, expected, "{name} in a batch");
        assert_eq!(batched.finish, Some(FinishReason::Length));
    }
}
