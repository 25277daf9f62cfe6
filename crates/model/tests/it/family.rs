//! One tiny checkpoint of each generation against Hugging Face transformers (see
//! `fixtures/family`): every layer, final norm, logits and greedy continuations, past the sliding
//! window, with the cache, alone and in ragged batches.

use std::path::PathBuf;

use burn::tensor::Device;
use model::{Batch, Checkpoint, ModelConfig, ModelFiles, Network, Precision, StreamedNetwork};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors, serialize};
use testkit::Reference;

use crate::reference::{check_greedy, check_pass};
use crate::support::{KeepAll, assert_close, fixtures, numbers};

/// The names of the fixtures.
fn families() -> Vec<String> {
    let name = |path: PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    let names: Vec<String> = testkit::family_folders().into_iter().map(name).collect();
    assert!(names.len() >= 18, "{names:?}");
    names
}

pub(crate) fn folder(family: &str) -> PathBuf {
    fixtures().join("family").join(family)
}

pub(crate) fn load(files: &ModelFiles) -> Network {
    let (config, checkpoint) = files.network().unwrap();
    load_as(&config, &checkpoint)
}

fn load_as(config: &ModelConfig, checkpoint: &Checkpoint) -> Network {
    Network::load(config, checkpoint, &Device::flex(), Precision::F32, &mut |_| ()).unwrap()
}

#[test]
fn every_layer_final_norm_and_logits_agree_past_the_window() {
    for family in families() {
        let family = family.as_str();
        let files = ModelFiles::at(&folder(family)).unwrap();
        let network = load(&files);
        check_pass(
            family,
            &network,
            &Reference::read(&folder(family).join("reference.safetensors")),
        );
    }
}

#[test]
fn greedy_continuations_agree_alone_and_in_a_ragged_batch() {
    for family in families() {
        let family = family.as_str();
        let reference = Reference::read(&folder(family).join("reference.safetensors"));
        let files = ModelFiles::at(&folder(family)).unwrap();
        let (mut config, checkpoint) = files.network().unwrap();
        // The reference runs on past end tokens.
        config.end_tokens.clear();
        let network = load_as(&config, &checkpoint);
        check_greedy(family, &network, &reference);
    }
}

#[test]
fn the_cache_gives_what_a_whole_pass_gives_token_by_token() {
    for family in families() {
        let family = family.as_str();
        let files = ModelFiles::at(&folder(family)).unwrap();
        let network = load(&files);
        let reference = Reference::read(&folder(family).join("reference.safetensors"));
        let tokens = &reference.tokens["tokens"];
        let hidden = network.config().hidden_size;
        let last = network.config().layers.len() - 1;
        let expected = &reference.floats[&format!("residual.{last}")];
        let mut cache = network.cache();
        for (position, token) in tokens.iter().enumerate() {
            let batch = step(position, *token);
            let h = network.forward(&batch, Some(&mut cache), &mut ()).unwrap();
            let expected = &expected[position * hidden..(position + 1) * hidden];
            assert_close(
                &format!("{family}, position {position}"),
                &numbers(h),
                expected,
                3e-4,
            );
        }
    }
}

/// One more token of row 0.
fn step(position: usize, token: u32) -> Batch {
    let mut batch = Batch::default();
    batch.push(0, position, &[token]).unwrap();
    batch
}

#[test]
fn the_backend_s_own_operations_give_what_the_kernels_give() {
    for family in families() {
        let family = family.as_str();
        let files = ModelFiles::at(&folder(family)).unwrap();
        let (config, checkpoint) = files.network().unwrap();
        let network = load_as(&config, &checkpoint);
        // Autodiff has to follow each operation, so nothing goes to the kernels.
        let device = Device::flex().autodiff();
        let by_backend = Network::load(&config, &checkpoint, &device, Precision::F32, &mut |_| ()).unwrap();
        let reference = Reference::read(&folder(family).join("reference.safetensors"));
        let tokens = &reference.tokens["tokens"];
        // A whole row, one with the same beginning, a short one; and of those only some places.
        let rows = [
            tokens.clone(),
            [&tokens[..9], &[5, 7]].concat(),
            tokens[..4].to_vec(),
        ];
        let whole = Batch::of(&rows).unwrap();
        let some = whole.clone().with_wanted(vec![2, 8, whole.len() - 1]);
        for batch in [whole, some] {
            let (mut ours, mut theirs) = (KeepAll::default(), KeepAll::default());
            let a = network.forward(&batch, None, &mut ours).unwrap();
            let b = by_backend.forward(&batch, None, &mut theirs).unwrap();
            ours.0.push(network.head(a));
            theirs.0.push(by_backend.head(b));
            for (layer, (a, b)) in ours.0.into_iter().zip(theirs.0).enumerate() {
                assert_close(
                    &format!("{family}, layer {layer}"),
                    &numbers(a),
                    &numbers(b),
                    3e-4,
                );
            }
        }
        let (mut ours, mut theirs) = (network.cache(), by_backend.cache());
        for (position, token) in tokens.iter().enumerate() {
            let batch = step(position, *token);
            let a = network.forward(&batch, Some(&mut ours), &mut ()).unwrap();
            let b = by_backend.forward(&batch, Some(&mut theirs), &mut ()).unwrap();
            assert_close(
                &format!("{family}, position {position}"),
                &numbers(a),
                &numbers(b),
                3e-4,
            );
        }
    }
}

#[test]
fn only_what_is_wanted_of_the_last_layer_is_what_it_is_among_all() {
    for family in families() {
        let family = family.as_str();
        let files = ModelFiles::at(&folder(family)).unwrap();
        let network = load(&files);
        let reference = Reference::read(&folder(family).join("reference.safetensors"));
        let batch = Batch::of(&[&reference.tokens["tokens"]]).unwrap();
        let hidden = network.config().hidden_size;
        let all = numbers(network.forward(&batch, None, &mut ()).unwrap());
        let some = batch.with_wanted(vec![1, 5]);
        let mut kept = KeepAll::default();
        let some = numbers(network.forward(&some, None, &mut kept).unwrap());
        let of_place = |place: usize| &all[place * hidden..(place + 1) * hidden];
        assert_eq!(some, [of_place(1), of_place(5)].concat(), "{family}");
        assert_eq!(
            kept.0.last().unwrap().dims(),
            [2, hidden],
            "{family}: the tap sees the same"
        );
    }
}

#[test]
fn streamed_weights_give_the_same_bits_in_several_batches() {
    for family in families() {
        let family = family.as_str();
        let files = ModelFiles::at(&folder(family)).unwrap();
        let network = load(&files);
        let (config, checkpoint) = files.network().unwrap();
        let streamed = StreamedNetwork::open(&config, checkpoint, &Device::flex(), Precision::F32).unwrap();
        let reference = Reference::read(&folder(family).join("reference.safetensors"));
        let rows: Vec<&Vec<u32>> = (0..3)
            .map(|row| &reference.tokens[&format!("prompt.{row}")])
            .collect();
        let batches = [
            Batch::of(&rows).unwrap(),
            Batch::of(&[&reference.tokens["tokens"]]).unwrap(),
        ];
        let mut taps = [KeepAll::default(), KeepAll::default()];
        let mut bytes = 0;
        let ends = streamed
            .forward(&batches, &mut taps, &mut |layer| bytes += layer)
            .unwrap();
        assert_eq!(
            bytes,
            streamed.sweep_size(),
            "{family}: each layer's bytes are counted once"
        );
        for ((batch, tap), end) in batches.iter().zip(taps).zip(ends) {
            let mut kept = KeepAll::default();
            let resident = network.forward(batch, None, &mut kept).unwrap();
            for (a, b) in tap.0.into_iter().zip(kept.0) {
                assert_eq!(numbers(a), numbers(b), "{family}");
            }
            let logits = numbers(streamed.head(end).unwrap());
            assert_eq!(logits, numbers(network.head(resident)), "{family}");
        }
    }
}

#[test]
fn both_spellings_of_the_configuration_say_the_same() {
    for family in families() {
        let family = family.as_str();
        let read = |name: &str| {
            let text = std::fs::read(folder(family).join(name)).unwrap();
            ModelConfig::from_json(&serde_json::from_slice(&text).unwrap()).unwrap()
        };
        assert_eq!(
            read("config.json"),
            read("config.transformers-5.json"),
            "{family}"
        );
    }
}

#[test]
fn gemma_3_has_five_sliding_layers_to_a_global_one_with_ropes_of_their_own() {
    let config = ModelConfig::read(&folder("gemma3-nano")).unwrap();
    for (index, layer) in config.layers.iter().enumerate() {
        let global = index == 5;
        assert_eq!(layer.window, (!global).then_some(6), "layer {index}");
        let second = config.ropes[layer.rope.unwrap()].frequencies[1];
        let (theta, factor): (f64, f64) = if global { (1e6, 8.0) } else { (1e4, 1.0) };
        let expected = theta.powf(-2.0 / layer.head_dim as f64) / factor;
        assert!((f64::from(second) / expected - 1.0).abs() < 1e-6, "layer {index}");
    }
    // The published file of the 4B model has only this; the rest are its class's defaults.
    let published = serde_json::json!({
        "model_type": "gemma3",
        "eos_token_id": [1, 106],
        "text_config": {
            "hidden_size": 2560, "intermediate_size": 10240, "model_type": "gemma3_text", "num_hidden_layers": 34,
            "rope_scaling": { "factor": 8.0, "rope_type": "linear" }, "sliding_window": 1024
        }
    });
    let config = ModelConfig::from_json(&published).unwrap();
    assert_eq!(
        (
            config.vocab_size,
            config.layers[0].num_attention_heads,
            config.layers[0].num_key_value_heads,
            config.layers[0].head_dim
        ),
        (262_208, 8, 4, 256)
    );
    assert_eq!(config.query_pre_attn_scalar, 256.0);
    assert_eq!(config.end_tokens, [1, 106]);
}

/// The weights of `gemma3-nano` under other names, with tensors of a vision tower next to them.
fn multimodal(rename: impl Fn(&str) -> String, vision: &str) -> tempfile::TempDir {
    let target = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(folder("gemma3-nano").join("model.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut views: Vec<(String, TensorView<'_>)> = file
        .tensors()
        .into_iter()
        .map(|(name, view)| (rename(&name), view))
        .collect();
    for name in [
        "vision_tower.vision_model.post_layernorm.weight",
        "multi_modal_projector.mm_soft_emb_norm.weight",
    ] {
        let zeros = TensorView::new(Dtype::BF16, vec![4], &[0; 8]).unwrap();
        views.push((format!("{vision}{name}"), zeros));
    }
    std::fs::write(
        target.path().join("model.safetensors"),
        serialize(views, None).unwrap(),
    )
    .unwrap();
    for (from, to) in [
        ("config.multimodal.json", "config.json"),
        ("generation_config.json", "generation_config.json"),
    ] {
        std::fs::copy(folder("gemma3-nano").join(from), target.path().join(to)).unwrap();
    }
    target
}

#[test]
fn the_text_part_of_a_model_that_sees_runs_alone_under_either_naming() {
    let hub = multimodal(|name| format!("language_model.{name}"), "");
    let newer = multimodal(
        |name| name.replacen("model.", "model.language_model.", 1),
        "model.",
    );
    let reference = Reference::read(&folder("gemma3-nano").join("reference.safetensors"));
    for target in [hub, newer] {
        let files = ModelFiles::at(target.path()).unwrap();
        let network = load(&files);
        check_pass("multimodal", &network, &reference);
    }
}

#[test]
fn a_gguf_file_agrees_with_the_reference_that_was_made_from_it() {
    let files = ModelFiles::at(&folder("gemma3-gguf").join("gemma3-nano.gguf")).unwrap();
    let network = load(&files);
    let reference = Reference::read(&folder("gemma3-gguf").join("reference.safetensors"));
    check_pass("gguf", &network, &reference);
}

#[test]
fn the_fingerprint_of_weights_is_the_one_that_python_computes() {
    for (reference, weights) in [
        (
            "gemma1-nano/reference.safetensors",
            "gemma1-nano/model.safetensors",
        ),
        (
            "gemma3-gguf/reference.safetensors",
            "gemma3-gguf/gemma3-nano.gguf",
        ),
    ] {
        let bytes = std::fs::read(folder(reference)).unwrap();
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let expected = &header.metadata().as_ref().unwrap()["weights_fingerprint"];
        assert_eq!(
            &model::fingerprint(&[folder(weights)], &|_| None).unwrap(),
            expected
        );
    }
}
