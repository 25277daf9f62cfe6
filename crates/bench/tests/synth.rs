//! The shapes, the files, and what large mapped matrices compute.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that can't go on must fail"
)]

use std::path::{Path, PathBuf};

use bench::synth::{shape, shapes, write_gguf, write_model, write_weights};
use burn::tensor::{Device, Tensor};
use model::{
    Batch, ChatOptions, ChatTokenizer, Checkpoint, ModelConfig, ModelFiles, Network, Precision, ResidualTap,
    StreamedNetwork, Token,
};
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize_to_file};

fn tokenizer() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../data/tiny")
}

#[test]
fn the_program_refuses_what_it_does_not_understand() {
    for (arguments, expected) in [
        (
            &["--like", "gemma-2-9b-is", "out"][..],
            "did you mean `gemma-2-9b-it`?",
        ),
        (&["out"], "--like <NAME> must be given; usage: cargo xtask synth"),
        (&["--like", "gemma-2-9b-it", "--seed", "x", "out"], "--seed x"),
    ] {
        assert_refused(arguments, expected);
    }
}

fn assert_refused(arguments: &[&str], expected: &str) {
    let program = env!("CARGO_BIN_EXE_synth");
    let output = std::process::Command::new(program)
        .args(arguments)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).replace("\n  do:  ", "; ");
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains(expected), "{errors}");
}

#[test]
fn the_shapes_have_as_many_parameters_as_the_published_models() {
    // As the hub counts them; for multimodal models, whose pages count the vision tower too,
    // nothing is checked.
    let published = [
        ("gemma-2b-it", 2_506_172_416),
        ("gemma-7b-it", 8_537_680_896),
        ("gemma-2-2b-it", 2_614_341_888),
        ("gemma-2-9b-it", 9_241_705_984),
        ("gemma-2-27b-it", 27_227_128_320),
        ("gemma-3-270m-it", 268_098_176),
        ("gemma-3-1b-it", 999_885_952),
        ("Llama-3.1-8B-Instruct", 8_030_261_248),
        ("Llama-3.1-70B-Instruct", 70_553_706_496),
        ("SmolLM2-135M-Instruct", 134_515_008),
        ("Mistral-7B-Instruct-v0.3", 7_248_023_552),
        ("Qwen2.5-7B-Instruct", 7_615_616_512),
        ("Qwen3-8B", 8_190_735_360),
        ("Qwen3-32B", 32_762_123_264),
    ];
    for name in shapes() {
        let config = ModelConfig::from_json(&shape(name).unwrap()).unwrap();
        let parameters: usize = config
            .tensors()
            .iter()
            .map(|(_, shape)| shape.iter().product::<usize>())
            .sum();
        if let Some((_, expected)) = published.iter().find(|(published, _)| *published == name) {
            assert_eq!(parameters, *expected, "{name}");
        }
    }
}

#[test]
fn what_cannot_be_written_is_said_before_anything_is() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("new");
    let error = write_model("gemma-9", &tokenizer(), &out, 0)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("gemma-9") && error.contains("gemma-2-9b-it"),
        "{error}"
    );
    assert!(!out.exists());
    std::fs::write(folder.path().join("file"), "something").unwrap();
    let error = write_model("gemma-2-9b-it", &tokenizer(), folder.path(), 0)
        .unwrap_err()
        .to_string();
    assert!(error.contains("is not empty"), "{error}");
}

/// A shape whose feed-forward matrices and embeddings are large enough to stay in the file.
fn config() -> ModelConfig {
    let mut json = shape("gemma-2-2b-it").unwrap();
    for (key, value) in [
        ("num_hidden_layers", 3),
        ("hidden_size", 512),
        ("intermediate_size", 2112),
        ("num_attention_heads", 4),
        ("num_key_value_heads", 2),
        ("head_dim", 32),
        ("vocab_size", 2100),
    ] {
        json[key] = value.into();
    }
    ModelConfig::from_json(&json).unwrap()
}

#[derive(Default)]
struct KeepAll(Vec<Vec<f32>>);

impl ResidualTap for KeepAll {
    fn residual(&mut self, _layer: usize, _tokens: &[Token], h: Tensor<2>) -> Tensor<2> {
        self.0.push(numbers(h.clone()));
        h
    }
}

fn numbers(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data_as::<f32>().try_into_vec().unwrap()
}

/// The residual streams and logits of a ragged batch.
fn pass(folder: &Path, precision: Precision) -> Vec<Vec<f32>> {
    let (config, checkpoint) = (config(), Checkpoint::open(folder).unwrap());
    let network = Network::load(&config, &checkpoint, &Device::flex(), precision, &mut |_| ()).unwrap();
    let mut kept = KeepAll::default();
    let h = network.forward(&batch(), None, &mut kept).unwrap();
    kept.0.push(numbers(network.head(h)));
    kept.0
}

fn batch() -> Batch {
    let row = |count: u32| {
        (0..count)
            .map(|index| (index * 577 + 2) % 2100)
            .collect::<Vec<u32>>()
    };
    Batch::of(&[row(19), row(7)]).unwrap()
}

/// The largest difference relative to the RMS.
fn distance(a: &[f32], b: &[f32]) -> f32 {
    let rms = (b.iter().map(|value| value * value).sum::<f32>() / b.len() as f32).sqrt();
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) / rms
}

/// The same numbers, widened to f32 in one file.
fn widened(folder: &Path, out: &Path) {
    let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "safetensors")
        {
            let bytes = std::fs::read(path).unwrap();
            for (name, view) in SafeTensors::deserialize(&bytes).unwrap().tensors() {
                let wide = view.data().as_chunks::<2>().0.iter();
                let wide = wide
                    .flat_map(|b| half::bf16::from_le_bytes(*b).to_f32().to_le_bytes())
                    .collect();
                tensors.push((name, view.shape().to_vec(), wide));
            }
        }
    }
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| (name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    serialize_to_file(views, None, &out.join("model.safetensors")).unwrap();
}

#[test]
fn large_matrices_in_bf16_compute_what_their_widened_copies_do() {
    let (stored, wide) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_weights(&config(), stored.path(), 7, 6_000_000).unwrap();
    assert!(
        stored.path().join("model.safetensors.index.json").exists(),
        "in shards"
    );
    widened(stored.path(), wide.path());
    let (in_pieces, whole) = (
        pass(stored.path(), Precision::F32),
        pass(wide.path(), Precision::F32),
    );
    for (layer, (a, b)) in in_pieces.iter().zip(&whole).enumerate() {
        assert!(distance(a, b) < 1e-5, "layer {layer}: {}", distance(a, b));
    }
    let rounded = pass(stored.path(), Precision::Bf16);
    for (layer, (a, b)) in rounded.iter().zip(&whole).enumerate() {
        let distance = distance(a, b);
        assert!(
            distance > 1e-4 && distance < 0.1,
            "layer {layer}: bf16 rounds, {distance}"
        );
    }
}

#[test]
fn streamed_and_resident_are_the_same_bits_with_mapped_matrices_too() {
    let folder = tempfile::tempdir().unwrap();
    write_weights(&config(), folder.path(), 7, usize::MAX).unwrap();
    assert!(folder.path().join("model.safetensors").exists(), "one file");
    for precision in [Precision::F32, Precision::Bf16] {
        let checkpoint = Checkpoint::open(folder.path()).unwrap();
        let streamed = StreamedNetwork::open(&config(), checkpoint, &Device::flex(), precision).unwrap();
        let mut kept = [KeepAll::default()];
        let ends = streamed.forward(&[batch()], &mut kept, &mut |_| ()).unwrap();
        let logits = streamed.head(ends.into_iter().next().unwrap()).unwrap();
        let [mut kept] = kept;
        kept.0.push(numbers(logits));
        assert_eq!(kept.0, pass(folder.path(), precision));
    }
}

/// A shape of Gemma 2 with three layers: rows of 512 are whole blocks of 256, those of 2112 are
/// not.
fn narrow() -> serde_json::Value {
    let mut json = shape("gemma-2-2b-it").unwrap();
    for (key, value) in [
        ("num_hidden_layers", 3),
        ("hidden_size", 512),
        ("intermediate_size", 2112),
        ("num_attention_heads", 4),
        ("num_key_value_heads", 2),
        ("head_dim", 128),
        ("vocab_size", 2100),
    ] {
        json[key] = value.into();
    }
    json
}

fn write_narrow(out: &Path, seed: u64) {
    let json = narrow();
    let config = ModelConfig::from_json(&json).unwrap();
    write_gguf("narrow", &json, &config, &tokenizer(), out, seed).unwrap();
}

#[test]
fn a_gguf_file_is_a_whole_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("narrow.gguf");
    write_narrow(&path, 7);
    let files = ModelFiles::at(&path).unwrap();
    let parts = files.open(&ChatOptions::default()).unwrap();
    let expected = ModelConfig::from_json(&narrow()).unwrap();
    assert_eq!(parts.config.layers, expected.layers);
    let text = "<bos><start_of_turn>user\nWho are you?<end_of_turn>\n<start_of_turn>model\n";
    let own = ChatTokenizer::read(&tokenizer(), &ChatOptions::default()).unwrap();
    assert_eq!(
        parts.tokenizer.encode(text).unwrap(),
        own.encode(text).unwrap(),
        "the tokens of the tokenizer that was given"
    );
    let device = Device::flex();
    let network = Network::load(
        &parts.config,
        &parts.checkpoint,
        &device,
        Precision::F32,
        &mut |_| (),
    );
    let network = network.unwrap();
    let mut kept = KeepAll::default();
    let h = network.forward(&batch(), None, &mut kept).unwrap();
    kept.0.push(numbers(network.head(h)));
    for (layer, values) in kept.0.iter().enumerate() {
        let rms = (values.iter().map(|value| value * value).sum::<f32>() / values.len() as f32).sqrt();
        assert!(rms > 0.05 && rms < 100.0, "layer {layer}: {rms}");
    }
}

/// Types as llama.cpp mixes them, and numbers as the Python package `gguf` 0.19 reads them:
/// `dequantize(tensor.data, tensor.tensor_type)[3, [0, 1, 100, 511]]` of the file with seed 7.
#[test]
fn the_types_are_those_of_q4_k_m_and_python_reads_the_same_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("narrow.gguf");
    write_narrow(&path, 7);
    let bytes = std::fs::read(&path).unwrap();
    let file = gguf::GgufFile::parse(&bytes).unwrap();
    let read = |name: &str| {
        let tensor = file.tensor(name).unwrap();
        let (kind, range) = tensor.blocks().unwrap();
        let mut all = vec![0.0; tensor.elements()];
        gguf::dequantize(kind, &bytes[range], &mut all);
        let row = &all[3 * tensor.shape[1]..];
        (kind.to_string(), [0, 1, 100, 511].map(|index: usize| row[index]))
    };
    for (name, kind, expected) in PYTHON_READS {
        let (own_kind, own) = read(name);
        assert_eq!((own_kind.as_str(), own), (kind, expected), "{name}");
    }
}

const PYTHON_READS: [(&str, &str, [f32; 4]); 6] = [
    (
        "token_embd.weight",
        "Q6_K",
        [0.028684735, 0.016063452, -0.003889203, 0.033353806],
    ),
    (
        "blk.0.attn_q.weight",
        "Q4_K",
        [0.014065027, -0.0028196573, -0.025967121, 0.0074603558],
    ),
    (
        "blk.1.attn_v.weight",
        "Q4_K",
        [0.030563831, 0.016456842, 0.014158845, 0.016057491],
    ),
    (
        "blk.1.ffn_down.weight",
        "Q5_0",
        [-0.034366608, 0.017183304, -0.026874542, -0.0037021637],
    ),
    (
        "blk.2.attn_v.weight",
        "Q6_K",
        [-0.0048696995, 0.03530532, -0.0008457899, 0.016109347],
    ),
    (
        "blk.2.ffn_down.weight",
        "Q8_0",
        [-0.03248954, 0.0051164627, 0.02791214, 0.0044801235],
    ),
];

#[test]
fn what_cannot_be_a_gguf_file_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("new.gguf");
    let error = write_model("Qwen3-8B", &tokenizer(), &out, 0)
        .unwrap_err()
        .to_string();
    assert!(error.contains("Qwen3-8B: only shapes of Gemma 2"), "{error}");
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
    std::fs::write(&out, "something").unwrap();
    let error = write_model("gemma-2-9b-it", &tokenizer(), &out, 0)
        .unwrap_err()
        .to_string();
    assert!(error.contains("exists; name a new file"), "{error}");
}

#[test]
fn the_same_seed_gives_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, seed: u64| {
        let path = folder.path().join(name);
        write_narrow(&path, seed);
        std::fs::read(path).unwrap()
    };
    assert!(write("a", 1) == write("b", 1));
    assert!(write("a", 1) != write("c", 2));
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let write = |seed: u64| {
        let folder = tempfile::tempdir().unwrap();
        write_weights(&config(), folder.path(), seed, usize::MAX).unwrap();
        std::fs::read(folder.path().join("model.safetensors")).unwrap()
    };
    assert!(write(1) == write(1));
    assert!(write(1) != write(2));
}
