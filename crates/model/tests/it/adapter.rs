//! Fine-tunes as adapters of PEFT (`fixtures/family/*-lora`), against what PEFT's merged model
//! computes, and everything about an adapter that is refused.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use model::{
    Batch, Checkpoint, ModelConfig, ModelFiles, Network, Precision, StreamedNetwork, adapter_files,
    adapter_template,
};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors, serialize};
use serde_json::{Value, json};
use testkit::Reference;

use crate::reference::{check_greedy, check_pass};
use crate::support::{KeepAll, assert_close, fixtures, numbers};

/// An adapter and its base.
const ADAPTERS: [(&str, &str); 2] = [("llama3-lora", "llama3-nano"), ("phi3-lora", "phi3-nano")];

const Q_PROJ: &str = "base_model.model.model.layers.1.self_attn.q_proj";

fn folder(name: &str) -> PathBuf {
    fixtures().join("family").join(name)
}

fn open(base: &Path, adapter: &Path) -> model::Result<(ModelConfig, Checkpoint)> {
    ModelFiles::at(base)?.network_with(Some(adapter))
}

fn load(config: &ModelConfig, checkpoint: &Checkpoint, precision: Precision) -> Network {
    Network::load(config, checkpoint, &Device::flex(), precision, &mut |_| ()).unwrap()
}

/// A tensor of an adapter: name, shape, numbers.
type Trained = (String, Vec<usize>, Vec<f32>);

/// An adapter's folder with this configuration and these tensors.
fn written(config: &Value, tensors: &[Trained]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("adapter_config.json"), config.to_string()).unwrap();
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(_, _, numbers)| numbers.iter().flat_map(|number| number.to_le_bytes()).collect())
        .collect();
    let views = tensors.iter().zip(&bytes).map(|((name, shape, _), bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap();
        (name.clone(), view)
    });
    let file = serialize(views, None).unwrap();
    std::fs::write(folder.path().join("adapter_model.safetensors"), file).unwrap();
    folder
}

/// Some numbers, the same each time.
fn drawn(name: &str, shape: &[usize]) -> Trained {
    let count = shape.iter().product();
    let numbers = (0..count).map(|index: usize| ((index * 37 + name.len() * 11) % 101) as f32 / 500.0 - 0.1);
    (name.to_owned(), shape.to_vec(), numbers.collect())
}

fn config() -> Value {
    json!({ "peft_type": "LORA", "r": 2, "lora_alpha": 4, "bias": "none", "target_modules": ["q_proj"] })
}

/// LoRA on the queries of layer 1 of llama3-nano.
fn pair() -> Vec<Trained> {
    vec![
        drawn(&format!("{Q_PROJ}.lora_A.weight"), &[2, 32]),
        drawn(&format!("{Q_PROJ}.lora_B.weight"), &[64, 2]),
    ]
}

#[test]
fn every_layer_logits_and_greedy_texts_are_those_of_the_merged_model() {
    for (adapter, base) in ADAPTERS {
        let reference = Reference::read(&folder(adapter).join("reference.safetensors"));
        let (mut config, checkpoint) = open(&folder(base), &folder(adapter)).unwrap();
        config.end_tokens.clear();
        let network = load(&config, &checkpoint, Precision::F32);
        check_pass(adapter, &network, &reference);
        check_greedy(adapter, &network, &reference);
    }
}

#[test]
fn streamed_weights_give_the_same_bits_and_each_byte_counts_once() {
    for (adapter, base) in ADAPTERS {
        for precision in [Precision::F32, Precision::Bf16] {
            let (config, checkpoint) = open(&folder(base), &folder(adapter)).unwrap();
            let mut read = 0;
            let network = Network::load(&config, &checkpoint, &Device::flex(), precision, &mut |bytes| {
                read += bytes;
            });
            let network = network.unwrap();
            assert_eq!(read, checkpoint.size(), "{adapter}");
            let streamed = StreamedNetwork::open(&config, checkpoint, &Device::flex(), precision).unwrap();
            let reference = Reference::read(&folder(adapter).join("reference.safetensors"));
            let batch = Batch::of(&[&reference.tokens["tokens"]]).unwrap();
            let (mut kept, mut taps) = (KeepAll::default(), [KeepAll::default()]);
            let resident = network.forward(&batch, None, &mut kept).unwrap();
            let mut swept = 0;
            let ends = streamed.forward(std::slice::from_ref(&batch), &mut taps, &mut |bytes| {
                swept += bytes
            });
            let end = ends.unwrap().remove(0);
            assert_eq!(swept, streamed.sweep_size(), "{adapter}");
            let [tap] = taps;
            for (a, b) in tap.0.into_iter().zip(kept.0) {
                assert_eq!(numbers(a), numbers(b), "{adapter}");
            }
            let logits = numbers(streamed.head(end).unwrap());
            assert_eq!(logits, numbers(network.head(resident)), "{adapter}");
        }
    }
}

/// The base is stored in bf16: what the adapter adds is kept in f32 where the run computes in f32,
/// and rounded with it otherwise, as PEFT's merge keeps the type of the base.
#[test]
fn the_sum_is_rounded_only_where_the_run_computes_in_bf16() {
    for (adapter, base) in ADAPTERS {
        let plain = ModelFiles::at(&folder(base)).unwrap().network().unwrap().1;
        let (config, checkpoint) = open(&folder(base), &folder(adapter)).unwrap();
        assert_eq!(checkpoint.stored_precision(), Precision::Bf16);
        let size = |checkpoint, precision| Network::loaded_size(checkpoint, &Device::flex(), precision);
        assert!(
            size(&checkpoint, Precision::F32) > size(&plain, Precision::F32),
            "{adapter}"
        );
        let reference = Reference::read(&folder(adapter).join("reference.safetensors"));
        let network = load(&config, &checkpoint, Precision::Bf16);
        let batch = Batch::of(&[&reference.tokens["tokens"]]).unwrap();
        let mut kept = KeepAll::default();
        network.forward(&batch, None, &mut kept).unwrap();
        let first = numbers(kept.0.remove(0));
        assert_close(adapter, &first, &reference.floats["residual.0"], 0.1);
    }
}

/// A table that was trained, where the base ties it to the head: the head stays the old one. With
/// `ensure_weight_tying` it is the new one.
#[test]
fn a_trained_table_or_head_unties_them_as_in_peft() {
    let base = folder("llama3-nano");
    let lora = folder("llama3-lora");
    assert!(!ModelFiles::at(&base).unwrap().network().unwrap().0.own_head);
    assert!(open(&base, &lora).unwrap().0.own_head);
    for (name, ties, own_head) in [
        ("lm_head", false, true),
        ("embed_tokens", false, true),
        ("embed_tokens", true, false),
    ] {
        let mut config = config();
        config["modules_to_save"] = json!([name]);
        config["ensure_weight_tying"] = json!(ties);
        let module = if name == "lm_head" {
            name
        } else {
            "model.embed_tokens"
        };
        let key = format!("base_model.model.{module}.modules_to_save.default.weight");
        let folder = written(&config, &[drawn(&key, &[160, 32])]);
        let (config, checkpoint) = open(&base, folder.path()).unwrap();
        assert_eq!(config.own_head, own_head, "{name}");
        load(&config, &checkpoint, Precision::F32);
    }
}

#[test]
fn an_adapter_is_put_onto_a_gguf_file_as_onto_the_folder_it_was_made_from() {
    let prefix = "base_model.model.model.layers.2";
    let mut tensors = Vec::new();
    for (module, outputs, inputs) in [
        ("self_attn.q_proj", 64, 32),
        ("self_attn.o_proj", 32, 64),
        ("mlp.down_proj", 32, 64),
    ] {
        tensors.push(drawn(&format!("{prefix}.{module}.lora_A.weight"), &[2, inputs]));
        tensors.push(drawn(&format!("{prefix}.{module}.lora_B.weight"), &[outputs, 2]));
    }
    let mut config = config();
    config["modules_to_save"] = json!(["input_layernorm"]);
    tensors.push(drawn(&format!("{prefix}.input_layernorm.weight"), &[32]));
    let adapter = written(&config, &tensors);
    let batch = Batch::of(&[[1u32, 7, 40, 3, 99]]).unwrap();
    let passed = |config: &ModelConfig, checkpoint: &Checkpoint| {
        let network = load(config, checkpoint, Precision::F32);
        numbers(network.forward(&batch, None, &mut ()).unwrap())
    };
    let gguf = folder("gemma3-gguf").join("gemma3-nano.gguf");
    let merged = merged_gemma(&adapter_files(adapter.path())[1]);
    let (_, merged) = ModelFiles::at(merged.path()).unwrap().network().unwrap();
    for base in [gguf, folder("gemma3-nano")] {
        let (config, checkpoint) = open(&base, adapter.path()).unwrap();
        let (plain, _) = ModelFiles::at(&base).unwrap().network().unwrap();
        // The file has another query scale than the folder: the weights are compared under one.
        assert_close(
            "gguf",
            &passed(&config, &checkpoint),
            &passed(&plain, &merged),
            1e-5,
        );
    }
}

/// gemma3-nano with the adapter's tensors of layer 2 merged into it, by a plain product.
fn merged_gemma(adapter: &Path) -> tempfile::TempDir {
    let read = |path: &Path| -> Vec<Trained> {
        let bytes = std::fs::read(path).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let tensors = file.tensors().into_iter();
        tensors
            .map(|(name, view)| {
                let words = view.data().as_chunks::<4>().0;
                let numbers = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
                (name, view.shape().to_vec(), numbers)
            })
            .collect()
    };
    let base = folder("gemma3-nano");
    let mut tensors = read(&base.join("model.safetensors"));
    let trained = read(adapter);
    let find = |name: &str| trained.iter().find(|tensor| tensor.0 == name);
    for (name, shape, numbers) in &mut tensors {
        let key = format!("base_model.model.{}", name.trim_end_matches(".weight"));
        if let Some(whole) = find(&format!("{key}.weight")) {
            numbers.clone_from(&whole.2);
        }
        let pair = find(&format!("{key}.lora_A.weight")).zip(find(&format!("{key}.lora_B.weight")));
        let Some((a, b)) = pair else {
            continue;
        };
        let (inputs, rank) = (shape[1], a.1[0]);
        for (index, number) in numbers.iter_mut().enumerate() {
            let (row, column) = (index / inputs, index % inputs);
            let product: f32 = (0..rank)
                .map(|k| b.2[row * rank + k] * a.2[k * inputs + column])
                .sum();
            *number += 2.0 * product;
        }
    }
    let folder = written(&json!({}), &tensors);
    let place = |name: &str| folder.path().join(name);
    std::fs::rename(place("adapter_model.safetensors"), place("model.safetensors")).unwrap();
    for name in ["config.json", "generation_config.json"] {
        std::fs::copy(base.join(name), place(name)).unwrap();
    }
    folder
}

#[test]
fn the_fingerprint_of_weights_with_an_adapter_is_the_one_that_python_computes() {
    for (adapter, base) in ADAPTERS {
        let bytes = std::fs::read(folder(adapter).join("reference.safetensors")).unwrap();
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let expected = &header.metadata().as_ref().unwrap()["weights_fingerprint"];
        let mut files = vec![folder(base).join("model.safetensors")];
        files.extend(adapter_files(&folder(adapter)));
        assert_eq!(&model::fingerprint(&files, &|_| None).unwrap(), expected);
    }
}

#[track_caller]
fn check_refused(config: &Value, tensors: &[Trained], parts: &[&str]) {
    let adapter = written(config, tensors);
    check_folder(&folder("llama3-nano"), adapter.path(), parts);
}

#[track_caller]
fn check_folder(base: &Path, adapter: &Path, parts: &[&str]) {
    let error = open(base, adapter)
        .err()
        .expect("this must be refused")
        .to_string();
    for part in parts.iter().chain(&["; "]) {
        assert!(error.contains(part), "{part:?} is not in: {error}");
    }
}

#[test]
fn a_plain_pair_is_taken() {
    let adapter = written(&config(), &pair());
    open(&folder("llama3-nano"), adapter.path()).unwrap();
    // Nulls, empty lists and keys about the training say nothing.
    let mut config = config();
    for key in [
        "use_dora",
        "lora_bias",
        "layer_replication",
        "loftq_config",
        "some_key",
    ] {
        config[key] = json!(null);
    }
    config["trainable_token_indices"] = json!([]);
    config["init_lora_weights"] = json!("gaussian");
    config["unsloth_fixed"] = json!(true);
    let adapter = written(&config, &pair());
    open(&folder("llama3-nano"), adapter.path()).unwrap();
}

#[test]
fn what_is_not_plain_lora_is_refused_by_its_key() {
    for (key, value) in [
        ("use_dora", json!(true)),
        ("trainable_token_indices", json!([1, 2])),
        ("fan_in_fan_out", json!(true)),
        ("lora_bias", json!(true)),
        ("layer_replication", json!([[0, 2], [1, 3]])),
        ("alora_invocation_tokens", json!([5])),
        ("target_parameters", json!(["mlp.experts"])),
        ("use_qalora", json!(true)),
        ("use_bdlora", json!({"a": 1})),
        ("arrow_config", json!({"a": 1})),
        ("kasa_config", json!({"a": 1})),
        ("monteclora_config", json!({"a": 1})),
        ("corda_config", json!({"a": 1})),
        ("lora_ga_config", json!({"a": 1})),
        ("init_lora_weights", json!("pissa_niter_4")),
        ("init_lora_weights", json!("olora")),
        ("init_lora_weights", json!("loftq")),
        ("some_key", json!(3)),
        ("r", json!(0)),
        ("lora_alpha", json!("much")),
        ("alpha_pattern", json!({"(?<!k)_proj": 2})),
    ] {
        let mut config = config();
        config[key] = value;
        check_refused(&config, &pair(), &["adapter_config.json", key]);
    }
    for kind in [
        "IA3",
        "ADALORA",
        "LOHA",
        "VERA",
        "PROMPT_TUNING",
        "PREFIX_TUNING",
        "P_TUNING",
    ] {
        let mut config = config();
        config["peft_type"] = json!(kind);
        check_refused(&config, &pair(), &["peft_type", kind, "LoRA"]);
    }
    check_refused(&json!({"r": 8}), &pair(), &["peft_type"]);
    check_refused(&json!([1]), &pair(), &["adapter_config.json"]);
}

#[test]
fn tensors_that_are_more_than_pairs_are_refused_by_name() {
    for (key, shape, parts) in [
        ("lora_magnitude_vector", vec![64], vec!["DoRA"]),
        ("lora_A.bias", vec![2], vec!["lora_bias"]),
        ("lora_diag.default", vec![2], vec!["variant"]),
        ("bias", vec![64], vec!["bias", "matrices"]),
        ("base_layer.weight", vec![64, 32], vec!["trained itself"]),
        ("weight", vec![64, 32], vec!["modules_to_save"]),
    ] {
        let name = format!("{Q_PROJ}.{key}");
        let tensors = [pair(), vec![drawn(&name, &shape)]].concat();
        check_refused(&config(), &tensors, &[&[key], &parts[..]].concat());
    }
    for (name, shape, part) in [
        ("model.embed_tokens.lora_embedding_A", [2, 160], "embedding"),
        (
            "model.embed_tokens.token_adapter.trainable_tokens_delta",
            [2, 32],
            "one by one",
        ),
    ] {
        let name = format!("base_model.model.{name}");
        check_refused(&config(), &[drawn(&name, &shape)], &[&name, part]);
    }
}

#[test]
fn what_does_not_fit_the_base_is_refused_by_name() {
    let one = pair()[..1].to_vec();
    check_refused(&config(), &one, &["layers.1.self_attn.q_proj", "only one"]);
    let mut narrow = pair();
    narrow[0] = drawn(&narrow[0].0, &[2, 48]);
    check_refused(
        &config(),
        &narrow,
        &["q_proj", "[2, 48]", "[64, 32]", "model.source"],
    );
    let mut other_rank = pair();
    other_rank[1] = drawn(&other_rank[1].0, &[64, 3]);
    check_refused(&config(), &other_rank, &["q_proj", "[64, 3]"]);
    let mut said = config();
    said["r"] = json!(4);
    check_refused(&said, &pair(), &["2 rows", "a rank of 4"]);
    let mut named = config();
    named["base_model_name_or_path"] = json!("someone/base");
    let elsewhere: Vec<Trained> = pair()
        .into_iter()
        .map(|(name, shape, numbers)| (name.replace("layers.1", "layers.7"), shape, numbers))
        .collect();
    check_refused(
        &named,
        &elsewhere,
        &["model.layers.7.self_attn.q_proj", "someone/base"],
    );
    let twice = [
        pair(),
        vec![drawn(&format!("{Q_PROJ}.lora_A.default.weight"), &[2, 32])],
    ]
    .concat();
    check_refused(&config(), &twice, &["twice"]);
    check_refused(&config(), &[], &["no tensor"]);
    let mut broken = pair();
    broken[1].2[5] = f32::INFINITY;
    let adapter = written(&config(), &broken);
    let (config, checkpoint) = open(&folder("llama3-nano"), adapter.path()).unwrap();
    let loaded = Network::load(&config, &checkpoint, &Device::flex(), Precision::F32, &mut |_| ());
    let error = loaded.err().unwrap().to_string();
    assert!(
        error.contains("lora_B of model.layers.1.self_attn.q_proj.weight"),
        "{error}"
    );
}

#[test]
fn heads_and_tables_that_cannot_be_right_are_refused() {
    let head = |part: &str, shape: [usize; 2]| drawn(&format!("base_model.model.lm_head.{part}"), &shape);
    // Tied to the table, which LoRA on the head would change as well.
    let lora = [head("lora_A.weight", [2, 32]), head("lora_B.weight", [160, 2])];
    check_refused(&config(), &lora, &["lm_head", "table of embeddings"]);
    let mut saves = config();
    saves["modules_to_save"] = json!(["embed_tokens", "lm_head"]);
    check_refused(
        &saves,
        &[head("weight", [160, 32])],
        &["modules_to_save", "embed_tokens"],
    );
    saves["modules_to_save"] = json!(["lm_head"]);
    check_refused(
        &saves,
        &[head("weight", [162, 32])],
        &["[162, 32]", "tokens were added", "tokenizer"],
    );
    check_refused(
        &config(),
        &[head("weight", [160, 32])],
        &["lm_head", "modules_to_save"],
    );
    // A head of its own takes LoRA.
    let lora = [head("lora_A.weight", [2, 48]), head("lora_B.weight", [144, 2])];
    let adapter = written(&config(), &lora);
    let (config, checkpoint) = open(&folder("phi3-nano"), adapter.path()).unwrap();
    load(&config, &checkpoint, Precision::F32);
}

#[test]
fn places_that_are_no_adapter_say_what_to_give() {
    let base = folder("llama3-nano");
    check_folder(&base, &folder("phi3-nano"), &["whole model", "model.source"]);
    let adapter = written(&config(), &pair());
    let file = |name: &str| adapter.path().join(name);
    check_folder(&base, &file("adapter_model.safetensors"), &["folder"]);
    check_folder(&base, &file("nowhere"), &["adapter_config.json"]);
    std::fs::rename(file("adapter_model.safetensors"), file("adapter_model.bin")).unwrap();
    check_folder(&base, adapter.path(), &["adapter_model.bin", "save_pretrained"]);
    std::fs::remove_file(file("adapter_model.bin")).unwrap();
    check_folder(&base, adapter.path(), &["adapter_model.safetensors"]);
    std::fs::remove_file(file("adapter_config.json")).unwrap();
    check_folder(&base, adapter.path(), &["adapter_config.json"]);
    // An adapter in the place of a model.
    let error = ModelFiles::at(&folder("llama3-lora")).unwrap_err().to_string();
    assert!(
        error.contains("model.adapter") && error.contains("llama3-nano"),
        "{error}"
    );
}

#[test]
fn the_template_in_an_adapter_s_folder_can_be_asked_for() {
    let adapter = written(&config(), &pair());
    assert_eq!(adapter_template(adapter.path()).unwrap(), None);
    std::fs::write(adapter.path().join("chat_template.jinja"), "{{ messages }}").unwrap();
    assert_eq!(
        adapter_template(adapter.path()).unwrap().as_deref(),
        Some("{{ messages }}")
    );
}
