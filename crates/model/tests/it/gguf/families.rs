//! The tiny checkpoints of the families in GGUF (`fixtures/family/gguf`): the same network as the
//! Hugging Face checkpoint of the same name, from the same weights.

use std::path::{Path, PathBuf};

use ::gguf::GgufFile;
use burn::tensor::Device;
use model::gguf::config_json;
use model::{Batch, ModelConfig, ModelFiles, Network, Precision, StreamedNetwork};
use testkit::Reference;

use crate::family::{folder, load};
use crate::gguf::build::Builder;
use crate::reference::check_pass;
use crate::support::{KeepAll, numbers};

fn files() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder("gguf")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|kind| kind == "gguf"))
        .collect();
    files.sort();
    assert!(files.len() >= 11, "{files:?}");
    files
}

fn name(file: &Path) -> String {
    file.file_stem().unwrap().to_string_lossy().into_owned()
}

/// That of the checkpoint, except where the format can't say the same.
fn reference(file: &Path) -> Reference {
    let own = file.with_extension("reference.safetensors");
    match own.exists() {
        true => Reference::read(&own),
        false => Reference::read(&folder(&name(file)).join("reference.safetensors")),
    }
}

#[test]
fn every_layer_and_logits_are_those_of_the_checkpoint() {
    for file in files() {
        let network = load(&ModelFiles::at(&file).unwrap());
        check_pass(&name(&file), &network, &reference(&file));
    }
}

#[test]
fn streamed_weights_give_the_same_bits() {
    for (file, precision) in in_both_precisions() {
        let name = format!("{} {precision:?}", name(&file));
        let (config, checkpoint) = ModelFiles::at(&file).unwrap().network().unwrap();
        let network = load_in(&file, precision);
        let streamed = StreamedNetwork::open(&config, checkpoint, &Device::flex(), precision).unwrap();
        let batches = [Batch::of(&[&reference(&file).tokens["tokens"]]).unwrap()];
        let mut taps = [KeepAll::default()];
        let end = streamed
            .forward(&batches, &mut taps, &mut |_| ())
            .unwrap()
            .remove(0);
        let mut kept = KeepAll::default();
        let resident = network.forward(&batches[0], None, &mut kept).unwrap();
        let [tap] = taps;
        assert_eq!(tap.0.len(), kept.0.len(), "{name}");
        for (layer, (a, b)) in tap.0.into_iter().zip(kept.0).enumerate() {
            assert_eq!(numbers(a), numbers(b), "{name}, layer {layer}");
        }
        let logits = numbers(streamed.head(end).unwrap());
        assert_eq!(logits, numbers(network.head(resident)), "{name}");
    }
}

fn in_both_precisions() -> impl Iterator<Item = (PathBuf, Precision)> {
    let both = |file: PathBuf| [Precision::F32, Precision::Bf16].map(|precision| (file.clone(), precision));
    files().into_iter().flat_map(both)
}

fn load_in(file: &Path, precision: Precision) -> Network {
    let (config, checkpoint) = ModelFiles::at(file).unwrap().network().unwrap();
    Network::load(&config, &checkpoint, &Device::flex(), precision, &mut |_| ()).unwrap()
}

#[test]
fn layers_and_rotary_embeddings_are_those_of_the_checkpoint_s_configuration() {
    for file in files() {
        let name = name(&file);
        let (found, _) = ModelFiles::at(&file).unwrap().network().unwrap();
        let expected = ModelConfig::read(&folder(&name)).unwrap();
        assert_eq!(found.vocab_size, expected.vocab_size, "{name}");
        assert_eq!(found.own_head, expected.own_head, "{name}");
        assert_eq!(found.per_layer_inputs, expected.per_layer_inputs, "{name}");
        assert_eq!(
            found.final_logit_softcapping, expected.final_logit_softcapping,
            "{name}"
        );
        // SmolLM3's list of layers without rotary embedding is not in the file.
        if name != "smollm3-nano" {
            assert_eq!(found.layers, expected.layers, "{name}");
        }
        assert_eq!(found.ropes.len(), expected.ropes.len(), "{name}");
        for (found, expected) in found.ropes.iter().zip(&expected.ropes) {
            for (a, b) in found.frequencies.iter().zip(&expected.frequencies) {
                assert!((a - b).abs() <= 1e-6 * b.abs(), "{name}: {a} and {b}");
            }
            assert!(
                (found.attention_factor - expected.attention_factor).abs() < 1e-6,
                "{name}"
            );
        }
    }
}

fn yarn() -> Builder {
    Builder::model("llama")
        .text("llama.rope.scaling.type", "yarn")
        .number("llama.rope.scaling.factor", 4.0)
        .count("llama.rope.scaling.original_context_length", 64)
}

fn read(file: &Builder) -> Result<serde_json::Value, String> {
    let bytes = file.bytes();
    config_json(&GgufFile::parse(&bytes).unwrap(), &|_| Ok(None))
}

#[test]
fn yarn_is_read_with_its_turns_and_without_what_may_mean_two_things() {
    let scaling = &read(&yarn()).unwrap()["rope_scaling"];
    assert_eq!(scaling["factor"], 4.0);
    assert_eq!(scaling.get("beta_fast"), None);
    let with_turns = yarn()
        .number("llama.rope.scaling.yarn_beta_fast", 8.0)
        .number("llama.rope.scaling.yarn_ext_factor", 1.0);
    assert_eq!(read(&with_turns).unwrap()["rope_scaling"]["beta_fast"], 8.0);
    // The converter means the whole factor by it, llama.cpp multiplies its own by it.
    for key in ["attn_factor", "yarn_attn_factor", "yarn_log_multiplier"] {
        let key = format!("llama.rope.scaling.{key}");
        let error = read(&yarn().number(&key, 1.5)).unwrap_err();
        assert!(error.contains(&key), "{error}");
    }
}

/// Four layers, of which the second and the last are global; the last two have no keys and values
/// of their own.
fn gemma4() -> Builder {
    let flags: Vec<Vec<u8>> = [1, 0, 1, 0].map(|flag| vec![flag]).into();
    Builder::model("gemma4")
        .without("gemma4.block_count")
        .count("gemma4.block_count", 4)
        .list(
            "gemma4.attention.sliding_window_pattern",
            crate::gguf::build::BOOL,
            &flags,
        )
        .count("gemma4.attention.sliding_window", 8)
        .count("gemma4.attention.key_length_swa", 16)
        .count("gemma4.attention.shared_kv_layers", 2)
        .count("gemma4.embedding_length_per_layer_input", 0)
        .number("gemma4.rope.freq_base", 1e6)
        .number("gemma4.rope.freq_base_swa", 1e4)
}

fn read_gemma4(file: &Builder, factors: &[f32]) -> Result<serde_json::Value, String> {
    let bytes = file.bytes();
    config_json(&GgufFile::parse(&bytes).unwrap(), &|_| Ok(Some(factors.to_vec())))
}

/// For heads of 32: a quarter turns.
fn quarter() -> Vec<f32> {
    (0..16).map(|pair| if pair < 4 { 1.0 } else { 1e30 }).collect()
}

#[test]
fn gemma_4_says_the_sizes_of_sliding_and_of_global_layers() {
    let config = read_gemma4(&gemma4(), &quarter()).unwrap();
    assert_eq!(config["head_dim"], 16);
    assert_eq!(config["global_head_dim"], 32);
    assert_eq!(config["num_kv_shared_layers"], 2);
    assert_eq!(config["use_double_wide_mlp"], false);
    let full = &config["rope_parameters"]["full_attention"];
    assert_eq!(full["partial_rotary_factor"], 0.25);
    assert_eq!(full["rope_theta"], 1e6);
    assert_eq!(config["layer_types"][3], "full_attention");
    assert_eq!(config["final_logit_softcapping"], serde_json::Value::Null);
}

#[test]
fn what_gemma_4_does_not_compute_is_refused_by_name() {
    let refused = [
        (gemma4().count("gemma4.expert_count", 128), "mixture of experts"),
        (
            gemma4().count("gemma4.rope.dimension_count_swa", 8),
            "dimension_count_swa",
        ),
        (
            gemma4().count("gemma4.rope.dimension_count", 8),
            "dimension_count",
        ),
        (
            gemma4().number("gemma4.rope.scaling.factor", 8.0),
            "scaling.factor",
        ),
        (
            gemma4().without("gemma4.attention.sliding_window_pattern"),
            "sliding_window_pattern",
        ),
        (
            gemma4().without("gemma4.rope.freq_base_swa"),
            "rope.freq_base_swa",
        ),
        (gemma4().number("gemma4.attention.scale", 0.5), "attention.scale"),
    ];
    for (file, part) in refused {
        let error = read_gemma4(&file, &quarter()).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
    for factors in [vec![1.0; 8], vec![2.0; 16], vec![]] {
        let error = read_gemma4(&gemma4(), &factors).unwrap_err();
        assert!(error.contains("rope_freqs.weight"), "{error}");
    }
}
