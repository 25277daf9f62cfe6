//! Broken model folders: each message names the file and the tensor or key, and says what to do.

use std::path::Path;

use burn::tensor::Device;
use model::{Batch, ChatOptions, ChatTokenizer, Checkpoint, ModelConfig, ModelFiles, Network, Precision};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors, serialize};

use crate::support::{fixtures, load_nano, nano};

fn load(folder: &Path) -> model::Result<Network> {
    let config = ModelConfig::read(folder)?;
    Network::load(
        &config,
        &Checkpoint::open(folder)?,
        &Device::flex(),
        Precision::F32,
        &mut |_| (),
    )
}

/// A copy of the nano checkpoint whose tensors have gone through `change`.
fn changed(change: impl Fn(&mut Vec<(String, Dtype, Vec<usize>, Vec<u8>)>)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["config.json", "generation_config.json"] {
        std::fs::copy(nano().join(name), folder.path().join(name)).unwrap();
    }
    let bytes = std::fs::read(nano().join("model.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors: Vec<_> = file
        .tensors()
        .into_iter()
        .map(|(name, view)| (name, view.dtype(), view.shape().to_vec(), view.data().to_vec()))
        .collect();
    change(&mut tensors);
    let views = tensors
        .iter()
        .map(|(name, dtype, shape, data)| (name, TensorView::new(*dtype, shape.clone(), data).unwrap()));
    std::fs::write(
        folder.path().join("model.safetensors"),
        serialize(views, None).unwrap(),
    )
    .unwrap();
    folder
}

#[track_caller]
fn check(folder: &Path, parts: &[&str]) {
    let error = load(folder).expect_err("this folder must not load").to_string();
    for part in parts {
        assert!(error.contains(part), "{part:?} is not in: {error}");
    }
}

const NORM: &str = "model.layers.1.input_layernorm.weight";

#[test]
fn a_whole_copy_loads() {
    load(changed(|_| ()).path()).unwrap();
}

#[test]
fn a_missing_tensor() {
    check(
        changed(|tensors| tensors.retain(|tensor| tensor.0 != NORM)).path(),
        &["model.safetensors", NORM, "missing"],
    );
}

#[test]
fn an_unused_tensor() {
    let folder =
        changed(|tensors| tensors.push(("lm_head.bias".to_owned(), Dtype::F32, vec![1], vec![0; 4])));
    check(folder.path(), &["model.safetensors", "lm_head.bias", "no place"]);
}

#[test]
fn a_wrong_shape() {
    let folder = changed(|tensors| {
        let tensor = tensors.iter_mut().find(|tensor| tensor.0 == NORM).unwrap();
        (tensor.2, tensor.3) = (vec![32], vec![0; 128]);
    });
    check(folder.path(), &["model.safetensors", NORM, "[32]", "[64]"]);
}

#[test]
fn a_wrong_dtype() {
    let folder = changed(|tensors| {
        let tensor = tensors.iter_mut().find(|tensor| tensor.0 == NORM).unwrap();
        (tensor.1, tensor.3) = (Dtype::I16, vec![0; 128]);
    });
    check(folder.path(), &["model.safetensors", NORM, "I16", "BF16"]);
}

#[test]
fn a_weight_that_is_not_a_number() {
    let folder = changed(|tensors| {
        let tensor = tensors.iter_mut().find(|tensor| tensor.0 == NORM).unwrap();
        tensor.3[12..16].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    check(
        folder.path(),
        &["model.safetensors", NORM, "not finite", "element 3"],
    );
}

#[test]
fn a_truncated_file() {
    let folder = changed(|_| ());
    let path = folder.path().join("model.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    for length in [4, 1000, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        check(
            folder.path(),
            &["model.safetensors", "whole", "download it again"],
        );
    }
}

/// The nano tensors in two shards, with an index.
fn sharded() -> tempfile::TempDir {
    let folder = changed(|_| ());
    let single = folder.path().join("model.safetensors");
    let bytes = std::fs::read(&single).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut map = serde_json::Map::new();
    for shard in 0..2 {
        let name = format!("model-0000{}-of-00002.safetensors", shard + 1);
        let of_shard: Vec<_> = file
            .tensors()
            .into_iter()
            .enumerate()
            .filter(|(index, _)| index % 2 == shard)
            .map(|(_, t)| t)
            .collect();
        map.extend(
            of_shard
                .iter()
                .map(|(tensor, _)| (tensor.clone(), name.clone().into())),
        );
        std::fs::write(folder.path().join(&name), serialize(of_shard, None).unwrap()).unwrap();
    }
    let index = serde_json::json!({ "metadata": {}, "weight_map": map });
    std::fs::write(
        folder.path().join("model.safetensors.index.json"),
        index.to_string(),
    )
    .unwrap();
    std::fs::remove_file(single).unwrap();
    folder
}

#[test]
fn shards_load_as_one_checkpoint() {
    load(sharded().path()).unwrap();
}

#[test]
fn a_missing_shard() {
    let folder = sharded();
    std::fs::remove_file(folder.path().join("model-00002-of-00002.safetensors")).unwrap();
    check(
        folder.path(),
        &["model-00002-of-00002.safetensors", "missing", "download"],
    );
}

#[test]
fn a_truncated_shard() {
    let folder = sharded();
    let path = folder.path().join("model-00002-of-00002.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    check(
        folder.path(),
        &["model-00002-of-00002.safetensors", "whole", "download it again"],
    );
}

#[test]
fn an_index_that_puts_a_tensor_into_the_wrong_shard() {
    let folder = sharded();
    let path = folder.path().join("model.safetensors.index.json");
    let mut index: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let other = match index["weight_map"][NORM].as_str().unwrap() {
        "model-00001-of-00002.safetensors" => "model-00002-of-00002.safetensors",
        _ => "model-00001-of-00002.safetensors",
    };
    index["weight_map"][NORM] = other.into();
    std::fs::write(&path, index.to_string()).unwrap();
    check(folder.path(), &["index.json", NORM, other, "is not"]);
}

#[test]
fn no_weights_at_all() {
    let folder = sharded();
    std::fs::remove_file(folder.path().join("model.safetensors.index.json")).unwrap();
    check(folder.path(), &["neither model.safetensors nor"]);
}

#[test]
fn configurations_that_are_not_supported_are_refused_by_name() {
    let original: serde_json::Value =
        serde_json::from_slice(&std::fs::read(nano().join("config.json")).unwrap()).unwrap();
    let check = |key: &str, value: serde_json::Value, parts: &[&str]| {
        let mut changed = original.clone();
        changed[key] = value;
        let error = ModelConfig::from_json(&changed).unwrap_err();
        assert!(parts.iter().all(|part| error.contains(part)), "{key}: {error}");
    };
    check("model_type", "t5".into(), &["t5", "gemma2"]);
    check("model_type", "mixtral".into(), &["mixtral", "mixture of experts"]);
    check("attention_bias", true.into(), &["attention_bias"]);
    check("is_causal", false.into(), &["is_causal"]);
    check("num_local_experts", 8.into(), &["num_local_experts", "changes"]);
    check(
        "residual_scale",
        0.5.into(),
        &["residual_scale", "not known here"],
    );
    check(
        "rope_scaling",
        serde_json::json!({"type": "linear"}),
        &["rope_scaling"],
    );
    check(
        "quantization_config",
        serde_json::json!({}),
        &["quantization_config", "bf16"],
    );
    check(
        "num_key_value_heads",
        3.into(),
        &["num_key_value_heads", "multiple"],
    );
    check("head_dim", 15.into(), &["head_dim", "even"]);
    check("head_dim", (1_u64 << 63).into(), &["head_dim", "more than"]);
    check(
        "num_hidden_layers",
        (1_u64 << 40).into(),
        &["num_hidden_layers", "more than the 512"],
    );
    check("sliding_window", 0.into(), &["sliding_window"]);
    check("rms_norm_eps", 0.0.into(), &["rms_norm_eps"]);
    check(
        "layer_types",
        serde_json::json!(["full_attention"]),
        &["layer_types", "1 entries for 4 layers"],
    );
    check(
        "hidden_size",
        "large".into(),
        &["`hidden_size`", "a whole number", "\"large\""],
    );
}

#[test]
fn requests_that_the_model_cannot_serve() {
    let model = load_nano(Precision::F32);
    let error = |batch: &Batch| model.forward(batch, None, &mut ()).unwrap_err().to_string();
    let foreign = error(&Batch::of(&[vec![2, 512]]).unwrap());
    assert!(
        foreign.contains("token 512") && foreign.contains("vocabulary of 512"),
        "{foreign}"
    );
    assert!(
        Batch::of(&[vec![2], vec![]])
            .unwrap_err()
            .to_string()
            .contains("row 1")
    );
    let mut late = Batch::default();
    late.push(4, 3, &[2]).unwrap();
    let error = model
        .forward(&late, Some(&mut model.cache()), &mut ())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("row 4 has 0 tokens") && error.contains("position 3"),
        "{error}"
    );
    assert!(error_of_empty(&model).contains("no rows"));
}

fn error_of_empty(model: &Network) -> String {
    let empty = Batch::default();
    model.forward(&empty, None, &mut ()).unwrap_err().to_string()
}

#[test]
fn a_tokenizer_with_more_tokens_than_the_model_has_embeddings() {
    let tokenizer = || ChatTokenizer::read(&nano(), &ChatOptions::default()).unwrap();
    tokenizer().for_rows(512).unwrap();
    let error = tokenizer().for_rows(511).err().unwrap().to_string();
    for part in ["tokenizer.json", "up to 511", "vocabulary is 511"] {
        assert!(error.contains(part), "{part:?} is not in: {error}");
    }
}

#[test]
fn a_tokenizer_that_breaks_off_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(nano().join("tokenizer.json")).unwrap();
    let decoder = text.find("\"decoder\"").unwrap();
    for length in [0, 1, decoder - 1, decoder + 12, decoder + 40, text.len() - 2] {
        std::fs::write(folder.path().join("tokenizer.json"), &text[..length]).unwrap();
        let error = ChatTokenizer::read(folder.path(), &ChatOptions::default())
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains("tokenizer.json") && error.contains("EOF"),
            "{length}: {error}"
        );
    }
}

#[test]
fn places_without_a_model() {
    let folder = tempfile::tempdir().unwrap();
    let error = |path: &Path| ModelFiles::at(path).unwrap_err().to_string();
    assert!(error(&folder.path().join("nothing")).contains("there is no model here"));
    let text = folder.path().join("model.bin");
    std::fs::write(&text, "weights").unwrap();
    assert!(error(&text).contains(".gguf"), "{}", error(&text));
}

/// The error about a GGUF file, which includes its path.
fn gguf_error(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    std::fs::write(&path, bytes).unwrap();
    let opened = ModelFiles::at(&path).and_then(|files| files.checkpoint());
    let error = opened.err().unwrap().to_string();
    assert!(error.starts_with(&path.display().to_string()), "{error}");
    error
}

#[test]
fn gguf_files_that_cannot_be_read() {
    let bytes = std::fs::read(fixtures().join("family/gemma3-gguf/gemma3-nano.gguf")).unwrap();
    assert!(gguf_error(&bytes[..bytes.len() - 1]).contains("download"));
    assert!(gguf_error(b"PK\x03\x04 something else").contains("gguf"));
    // The type of the first tensor, in the list after its name and shape, becomes 15, which is
    // Q8_K.
    let name = b"token_embd.weight";
    let at = bytes
        .windows(name.len())
        .position(|window| window == name)
        .unwrap()
        + name.len();
    let dimensions = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let mut changed = bytes.clone();
    changed[at + 4 + 8 * dimensions] = 15;
    let error = gguf_error(&changed);
    assert!(
        error.contains("token_embd.weight") && error.contains("Q8_K") && error.contains("Q4_K_M"),
        "{error}"
    );
    // The architecture's name, replaced by one of the same length.
    let mut changed = bytes.clone();
    let name = b"general.architecture";
    let at = changed
        .windows(name.len())
        .position(|window| window == name)
        .unwrap()
        + name.len()
        + 12;
    changed[at..at + 6].copy_from_slice(b"llamas");
    let error = gguf_error(&changed);
    assert!(error.contains("llamas") && error.contains("gemma3"), "{error}");
}
