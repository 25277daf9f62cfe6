//! The certificate of the embedded model, and every way not to get one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that can't go on must fail"
)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use files::HashMemo;
use pipeline::Pipeline;
use results::{Certificate, Verdict};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype as Stored, TensorView};
use terms::{Dtype, Residency};
use verify::{certify, relative_error};

pub use testkit::root;

/// The tiny pipeline with absolute paths.
fn pipeline() -> Pipeline {
    let mut pipeline = Pipeline::read(&root().join("pipelines/tiny.toml"), &[]).unwrap();
    pipeline.model.source = root().join(&pipeline.model.source);
    pipeline.prompts.file = root().join(&pipeline.prompts.file);
    pipeline.model.device = terms::Device::Cpu;
    pipeline.verify.reference = pipeline.verify.reference.map(|path| root().join(path));
    pipeline
}

fn certificate(pipeline: &Pipeline) -> Certificate {
    certify(pipeline, &HashMemo::default()).unwrap()
}

#[test]
fn the_embedded_model_is_verified_layer_by_layer() {
    let certificate = certificate(&pipeline());
    assert_eq!(
        certificate.verdict,
        Verdict::Verified,
        "{}",
        certificate.statement
    );
    let comparison = certificate.comparison.unwrap();
    assert_eq!((comparison.layers.len(), comparison.tolerance), (6, 1e-4));
    assert!(comparison.positions > 64, "past the sliding window");
    assert!(
        comparison.worst() < 1e-5 && comparison.worst() > 0.0,
        "{}",
        comparison.worst()
    );
    let greedy = comparison.greedy.unwrap();
    assert_eq!(greedy.agreeing, greedy.tokens);
    let texts = comparison.texts;
    assert_eq!((texts.texts, texts.compared, texts.agreeing), (12, 12, 12));
    assert!(
        certificate
            .statement
            .contains("12 texts of the run become the same tokens")
    );
}

/// The certificate of a model says nothing of a fine-tune of it.
#[test]
fn the_reference_of_the_base_does_not_verify_an_adapter_on_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = serde_json::json!({ "peft_type": "LORA", "r": 1, "lora_alpha": 1 });
    std::fs::write(folder.path().join("adapter_config.json"), config.to_string()).unwrap();
    std::fs::write(folder.path().join("adapter_model.safetensors"), "trained").unwrap();
    let mut pipeline = pipeline();
    let base = certificate(&pipeline);
    pipeline.model.adapter = Some(folder.path().to_owned());
    let tuned = certificate(&pipeline);
    assert_eq!(tuned.verdict, Verdict::NotVerified);
    assert!(
        tuned.statement.contains("with the adapter"),
        "{}",
        tuned.statement
    );
    assert!(tuned.statement.contains("--adapter"), "{}", tuned.statement);
    assert_ne!(tuned.weights_fingerprint, base.weights_fingerprint);
    // Another scale is another model.
    let config = serde_json::json!({ "peft_type": "LORA", "r": 1, "lora_alpha": 2 });
    std::fs::write(folder.path().join("adapter_config.json"), config.to_string()).unwrap();
    let scaled = certificate(&pipeline);
    assert_ne!(scaled.weights_fingerprint, tuned.weights_fingerprint);
}

#[test]
fn another_tokenisation_of_the_runs_texts_fails() {
    let folder = tempfile::tempdir().unwrap();
    let mut pipeline = pipeline();
    // As if transformers had not cut off what a broken tokenizer here does.
    pipeline.verify.reference = Some(changed(folder.path(), |entries, _| {
        let texts = entries.get_mut("texts").unwrap();
        let mut list: serde_json::Value = serde_json::from_str(texts).unwrap();
        let is_it = |entry: &&mut serde_json::Value| {
            entry["opens"] == "user" && entry["turns"][1][1] == "What is your job?"
        };
        let entry = list.as_array_mut().unwrap().iter_mut().find(is_it).unwrap();
        entry["ids"].as_array_mut().unwrap().push(6.into());
        *texts = list.to_string();
    }));
    let certificate = certificate(&pipeline);
    assert_eq!(certificate.verdict, Verdict::Failed, "{}", certificate.statement);
    for part in ["not given the texts", "condition \"swapped\"", "tokens there"] {
        assert!(certificate.statement.contains(part), "{}", certificate.statement);
    }
}

#[test]
fn texts_that_the_reference_lacks_are_not_called_compared() {
    let folder = tempfile::tempdir().unwrap();
    let mut pipeline = pipeline();
    pipeline.verify.reference = Some(changed(folder.path(), |entries, _| {
        entries.remove("texts");
    }));
    let certificate = certificate(&pipeline);
    assert_eq!(certificate.verdict, Verdict::Verified);
    assert!(
        certificate.statement.contains("texts were not compared"),
        "{}",
        certificate.statement
    );
}

#[test]
fn streamed_weights_get_the_same_certificate() {
    let resident = certificate(&pipeline()).comparison.unwrap();
    let mut streamed = pipeline();
    streamed.model.residency = Residency::Streamed;
    let streamed = certificate(&streamed).comparison.unwrap();
    assert_eq!(
        (resident.residency.as_str(), streamed.residency.as_str()),
        ("resident", "streamed")
    );
    assert_eq!(resident.layers, streamed.layers);
    assert_eq!(resident.logits, streamed.logits);
    assert_eq!(streamed.greedy, None);
}

#[test]
fn bf16_is_held_to_its_own_tolerance() {
    let mut pipeline = pipeline();
    pipeline.model.dtype = Dtype::Bf16;
    let certificate = certificate(&pipeline);
    assert_eq!(
        certificate.verdict,
        Verdict::Verified,
        "{}",
        certificate.statement
    );
    let worst = certificate.comparison.unwrap().worst();
    assert!(worst > 1e-4 && worst < 2e-2, "bf16 rounds: {worst}");
}

#[test]
fn without_a_reference_nothing_is_called_verified() {
    let mut pipeline = pipeline();
    pipeline.verify.reference = None;
    let certificate = certificate(&pipeline);
    assert_eq!(certificate.verdict, Verdict::NotVerified);
    assert!(
        certificate.statement.contains("make_reference.py"),
        "{}",
        certificate.statement
    );
    assert_eq!(certificate.comparison, None);
}

/// The reference of the tiny model with one tensor or metadata entry changed.
fn changed(
    folder: &Path,
    change: impl Fn(&mut HashMap<String, String>, &mut Vec<(String, Vec<usize>, Stored, Vec<u8>)>),
) -> PathBuf {
    let bytes = std::fs::read(root().join("data/reference/tiny.safetensors")).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let mut entries = header.metadata().clone().unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors: Vec<_> = file
        .tensors()
        .into_iter()
        .map(|(name, view)| (name, view.shape().to_vec(), view.dtype(), view.data().to_vec()))
        .collect();
    change(&mut entries, &mut tensors);
    let views = tensors
        .iter()
        .map(|(name, shape, dtype, data)| (name, TensorView::new(*dtype, shape.clone(), data).unwrap()));
    let path = folder.join("reference.safetensors");
    std::fs::write(&path, safetensors::serialize(views, Some(entries)).unwrap()).unwrap();
    path
}

#[test]
fn a_model_that_computes_something_else_fails() {
    let folder = tempfile::tempdir().unwrap();
    let mut pipeline = pipeline();
    pipeline.verify.reference = Some(changed(folder.path(), |_, tensors| {
        let layer = tensors
            .iter_mut()
            .find(|tensor| tensor.0 == "residual.4")
            .unwrap();
        for number in layer.3.as_chunks_mut::<4>().0 {
            *number = (f32::from_le_bytes(*number) * 1.001).to_le_bytes();
        }
    }));
    let certificate = certificate(&pipeline);
    assert_eq!(certificate.verdict, Verdict::Failed, "{}", certificate.statement);
    assert!(
        certificate.statement.contains("does not agree"),
        "{}",
        certificate.statement
    );
    let comparison = certificate.comparison.unwrap();
    assert!(
        (comparison.layers[4].rms - 1e-3).abs() < 1e-4,
        "{:?}",
        comparison.layers[4]
    );
    assert!(comparison.layers[3].rms < 1e-5, "the layer is named by its error");
}

#[test]
fn another_greedy_text_fails_in_f32() {
    let folder = tempfile::tempdir().unwrap();
    let mut pipeline = pipeline();
    pipeline.verify.reference = Some(changed(folder.path(), |_, tensors| {
        let greedy = tensors.iter_mut().find(|tensor| tensor.0 == "greedy").unwrap();
        greedy.3[4..8].copy_from_slice(&7u32.to_le_bytes());
    }));
    let certificate = certificate(&pipeline);
    assert_eq!(certificate.verdict, Verdict::Failed);
    assert!(
        certificate.statement.contains("after 1 of"),
        "{}",
        certificate.statement
    );
}

#[test]
fn a_reference_of_other_weights_proves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut pipeline = pipeline();
    pipeline.verify.reference = Some(changed(folder.path(), |entries, _| {
        entries.insert("weights_fingerprint".to_owned(), "0".repeat(64));
    }));
    let certificate = certificate(&pipeline);
    assert_eq!(certificate.verdict, Verdict::NotVerified);
    assert!(
        certificate.statement.contains("other weights"),
        "{}",
        certificate.statement
    );
}

#[test]
fn a_reference_in_bf16_proves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut pipeline = pipeline();
    pipeline.verify.reference = Some(changed(folder.path(), |entries, _| {
        entries.insert("dtype".to_owned(), "bf16".to_owned());
    }));
    let certificate = certificate(&pipeline);
    assert_eq!(certificate.verdict, Verdict::NotVerified);
    assert!(
        certificate.statement.contains("--dtype f32"),
        "{}",
        certificate.statement
    );
}

#[test]
fn references_that_cannot_be_used_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let check = |path: PathBuf, parts: &[&str]| {
        let mut pipeline = pipeline();
        pipeline.verify.reference = Some(path);
        let error = format!("{:#}", certify(&pipeline, &HashMemo::default()).unwrap_err());
        for part in parts {
            assert!(error.contains(part), "{part:?} is not in: {error}");
        }
    };
    check(
        folder.path().join("none.safetensors"),
        &["verify.reference", "none.safetensors"],
    );
    let missing = changed(folder.path(), |_, tensors| {
        tensors.retain(|tensor| tensor.0 != "final_norm")
    });
    check(
        missing,
        &[
            "reference.safetensors",
            "`final_norm` is missing",
            "make_reference.py",
        ],
    );
    let layers = changed(folder.path(), |_, tensors| {
        tensors.retain(|tensor| tensor.0 != "residual.5")
    });
    check(layers, &["reference.safetensors", "5 layers, the model 6"]);
    let format = changed(folder.path(), |entries, _| {
        entries.insert("format".to_owned(), "something".to_owned());
    });
    check(format, &["something", "roleswap-reference-1"]);
    let path = folder.path().join("short.safetensors");
    let bytes = std::fs::read(root().join("data/reference/tiny.safetensors")).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 10]).unwrap();
    check(path, &["short.safetensors", "make_reference.py"]);
}

#[test]
fn a_number_that_is_none_is_an_infinite_error() {
    let error = relative_error("x", &[1.0, f32::NAN], &[1.0, 2.0]).unwrap();
    assert!(error.rms.is_infinite());
    let error = relative_error("x", &[2.0, 2.0], &[1.0, 1.0]).unwrap();
    assert_eq!((error.max, error.rms), (1.0, 1.0));
    assert!(relative_error("x", &[1.0], &[1.0, 1.0]).is_err());
}
