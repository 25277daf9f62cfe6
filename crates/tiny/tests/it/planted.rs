//! Does the analysis find the truth? A model whose truth is known: Gemma-2 weights in which one
//! layer writes one direction where the user's turn is opened, and nothing before that layer can
//! tell the speakers apart.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use model::ModelConfig;
use pipeline::Pipeline;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use results::{
    LayerStatistics, Layout, PatchEffect, StageDirectory, Table, read_contrast_vectors,
    read_statistics_summary,
};
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};
use terms::{Device, Patch, PatchedPositions, Site, Stage};
use tiny::random::normal;

const HIDDEN: usize = 64;
const LAYERS: usize = 5;

/// The family's even layers see only a window. This one's holds two tokens: at the newline that
/// opens a turn, the speaker's name and the newline itself.
const PLANTED_LAYER: usize = 2;

/// Dimension 0 of a speaker's name is +1 for the user and -1 for the model, dimension 1 is +1 for
/// both.
const NAME: f64 = 0.2;

struct Planted {
    generator: ChaCha8Rng,
    /// The direction, a unit vector without dimensions 0 and 1.
    direction: Vec<f64>,
    user: usize,
    model: usize,
}

impl Planted {
    fn new(user: usize, model: usize) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(3);
        let mut direction: Vec<f64> = (0..HIDDEN).map(|_| normal(&mut generator)).collect();
        direction[..2].fill(0.0);
        let length = direction.iter().map(|value| value * value).sum::<f64>().sqrt();
        Planted {
            generator,
            direction: direction.iter().map(|value| value / length).collect(),
            user,
            model,
        }
    }

    fn tensor(&mut self, name: &str, shape: &[usize]) -> Vec<f64> {
        let count: usize = shape.iter().product();
        let mut values: Vec<f64> = (0..count).map(|_| 0.1 * normal(&mut self.generator)).collect();
        let width = *shape.last().unwrap();
        match name.strip_prefix("model.layers.") {
            None if name == "model.embed_tokens.weight" => self.plant_names(&mut values),
            None => values.fill(0.0),
            Some(rest) => {
                let (layer, part) = rest.split_once('.').unwrap();
                self.plant_layer(layer.parse().unwrap(), part, width, &mut values);
            }
        }
        values
    }

    /// Tokens are random outside of dimensions 0 and 1 and of the direction; names differ in
    /// dimension 0.
    fn plant_names(&self, values: &mut [f64]) {
        for row in values.chunks_mut(HIDDEN) {
            row[..2].fill(0.0);
            let along: f64 = row.iter().zip(&self.direction).map(|(a, b)| a * b).sum();
            for (value, direction) in row.iter_mut().zip(&self.direction) {
                *value -= along * direction;
            }
        }
        let common = values[self.user * HIDDEN..(self.user + 1) * HIDDEN].to_vec();
        for (token, sign) in [(self.user, 1.0), (self.model, -1.0)] {
            let row = &mut values[token * HIDDEN..(token + 1) * HIDDEN];
            row.copy_from_slice(&common);
            (row[0], row[1]) = (sign * NAME, NAME);
        }
    }

    fn plant_layer(&self, layer: usize, part: &str, width: usize, values: &mut [f64]) {
        let is_planted = layer == PLANTED_LAYER;
        match part {
            // A norm multiplies by 1 + weight: dimension 0 reaches the planted layer's attention
            // and nothing else.
            "input_layernorm.weight" | "pre_feedforward_layernorm.weight" => {
                values.fill(0.0);
                values[0] = -1.0;
                if is_planted && part == "input_layernorm.weight" {
                    values[0] = 0.0;
                }
            }
            // What the planted layer's feed-forward adds is small compared with what its attention
            // writes.
            "post_feedforward_layernorm.weight" if is_planted => values.fill(-0.9),
            "post_attention_layernorm.weight" | "post_feedforward_layernorm.weight" => values.fill(0.0),
            // Nothing else writes to dimensions 0 and 1.
            "self_attn.o_proj.weight" | "mlp.down_proj.weight" if !is_planted => {
                values[..2 * width].fill(0.0)
            }
            // Every token of the window counts alike; the value is 2 for the user's name and 0 for
            // all others.
            "self_attn.q_proj.weight" if is_planted => values.fill(0.0),
            "self_attn.v_proj.weight" if is_planted => {
                values.fill(0.0);
                values[..2].fill(1.0);
            }
            "self_attn.o_proj.weight" => {
                values.fill(0.0);
                for (row, direction) in values.chunks_mut(width).zip(&self.direction) {
                    row[0] = *direction;
                }
            }
            "mlp.down_proj.weight" => values[..2 * width].fill(0.0),
            _ => {}
        }
    }
}

/// A model folder with the embedded model's tokenizer.
fn write_model(folder: &Path) -> Planted {
    let source = crate::root().join("data/tiny");
    for name in [
        "tokenizer.json",
        "tokenizer_config.json",
        "generation_config.json",
    ] {
        std::fs::copy(source.join(name), folder.join(name)).unwrap();
    }
    let tokenizer: Value =
        serde_json::from_slice(&std::fs::read(source.join("tokenizer.json")).unwrap()).unwrap();
    let id = |name: &str| tokenizer["model"]["vocab"][name].as_u64().unwrap() as usize;
    let mut planted = Planted::new(id("user"), id("model"));
    let mut config: Value =
        serde_json::from_slice(&std::fs::read(source.join("config.json")).unwrap()).unwrap();
    for (key, value) in [
        ("hidden_size", HIDDEN),
        ("intermediate_size", 48),
        ("num_hidden_layers", LAYERS),
        ("num_attention_heads", 2),
        ("num_key_value_heads", 1),
        ("head_dim", 16),
        ("query_pre_attn_scalar", 16),
        ("sliding_window", 2),
    ] {
        config[key] = json!(value);
    }
    config["torch_dtype"] = json!("float32");
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let tensors: HashMap<String, (Vec<usize>, Vec<u8>)> = ModelConfig::from_json(&config)
        .unwrap()
        .tensors()
        .into_iter()
        .map(|(name, shape)| {
            let values = planted.tensor(&name, &shape);
            let bytes = values
                .iter()
                .flat_map(|value| (*value as f32).to_le_bytes())
                .collect();
            (name, (shape, bytes))
        })
        .collect();
    let views = tensors
        .iter()
        .map(|(name, (shape, bytes))| (name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    safetensors::serialize_to_file(views, None, &folder.join("model.safetensors")).unwrap();
    planted
}

/// Other activations change what follows exactly where the truth says: the speaker's name before the planted layer
/// reads it, and the newline from then on, of all parts by that layer's attention alone.
#[test]
fn the_planted_layer_and_position_are_located() {
    let folder = tempfile::tempdir().unwrap();
    write_model(folder.path());
    let mut pipeline = pipeline(folder.path());
    pipeline.locate.enabled = true;
    let layout = Layout::new(folder.path().join("results"));
    let directory = StageDirectory::begin(&layout, Stage::Extract).unwrap();
    extract::run(&pipeline, &layout, directory.path()).unwrap();
    directory.commit().unwrap();
    let directory = StageDirectory::begin(&layout, Stage::Locate).unwrap();
    locate::run(&pipeline, &layout, directory.path()).unwrap();
    directory.commit().unwrap();
    let rows = PatchEffect::read(&layout.table::<PatchEffect>()).unwrap().0;
    let put_in = rows
        .iter()
        .filter(|row| row.patch == Patch::PutIn && row.positions == PatchedPositions::Token);
    let mut seen = 0;
    for row in put_in {
        // The newline is the last token, the name the one before.
        let carries = match (row.site, row.from_end) {
            (Site::ResidualPost, Some(0)) => row.layer >= PLANTED_LAYER,
            (Site::ResidualPost, Some(1)) if row.layer < PLANTED_LAYER => true,
            (Site::AttentionOutput, Some(0)) if row.layer == PLANTED_LAYER => true,
            // Later parts may read the direction, which the planted layer writes at the name too.
            (_, Some(0 | 1)) if row.layer >= PLANTED_LAYER => continue,
            _ => false,
        };
        assert_eq!(row.kl > 1e-9, carries, "{row:#?}");
        seen += usize::from(carries);
    }
    assert_eq!(seen, LAYERS + 1);
}

/// The same turn by the user, answered by the model or by the user: only the speaker's name
/// differs.
const PIPELINE: &str = r#"
conditions = [
  { name = "as-model", label = "Model", turns = [{ speaker = "user", text = "{prompt}" }], opens = "model" },
  { name = "as-user", label = "User", turns = [{ speaker = "user", text = "{prompt}" }], opens = "user" },
]
[model]
source = "model"
name = "Planted"
short_name = "planted"
dtype = "f32"
[prompts]
file = "prompts"
[contrast]
positive = "as-model"
negative = "as-user"
pooling = "newline"
[extract]
poolings = ["newline"]
[steer]
seed = 0
max_new_tokens = 1
[steer.decoding]
temperature = 1.0
top_k = 0
top_p = 1.0
repetition_penalty = 1.0
[report]
title = "Planted"
"#;

fn pipeline(folder: &Path) -> Pipeline {
    let path: PathBuf = folder.join("planted.toml");
    std::fs::write(&path, PIPELINE).unwrap();
    let mut pipeline = Pipeline::read(&path, &[]).unwrap();
    pipeline.model.source = folder.to_owned();
    pipeline.model.device = Device::Cpu;
    pipeline.prompts.file = crate::root().join("data/prompts/role-questions.jsonl");
    pipeline
}

#[test]
fn the_planted_layer_and_direction_are_found_and_the_layers_before_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let planted = write_model(folder.path());
    let (pipeline, layout) = (
        pipeline(folder.path()),
        Layout::new(folder.path().join("results")),
    );
    let directory = StageDirectory::begin(&layout, Stage::Extract).unwrap();
    extract::run(&pipeline, &layout, directory.path()).unwrap();
    directory.commit().unwrap();
    let directory = StageDirectory::begin(&layout, Stage::Analyze).unwrap();
    analyze::run(&pipeline, &layout, directory.path()).unwrap();
    directory.commit().unwrap();

    let summary = read_statistics_summary(&layout.statistics_summary()).unwrap();
    assert_eq!(summary.onset, Some(PLANTED_LAYER), "{summary:#?}");
    assert_eq!(
        summary.significant_layers,
        (PLANTED_LAYER..LAYERS).collect::<Vec<_>>(),
        "what was written stays in the residual stream"
    );
    for row in LayerStatistics::read(&layout.table::<LayerStatistics>())
        .unwrap()
        .0
    {
        let expected = if row.layer < PLANTED_LAYER {
            1.0
        } else {
            2.0 / 64.0
        };
        assert_eq!(row.permutation_p, expected, "layer {}", row.layer);
        assert_eq!(row.permutation_p_family, expected, "layer {}", row.layer);
    }

    let vectors = read_contrast_vectors(&layout.contrast_vectors()).unwrap();
    for name in ["contrast", "pca", "probe"] {
        let found = vectors.get(name, PLANTED_LAYER).unwrap();
        let found: Vec<f64> = found.iter().map(|value| f64::from(*value)).collect();
        let product: f64 = found.iter().zip(&planted.direction).map(|(a, b)| a * b).sum();
        let cosine = product / analyze::norm(&found);
        // It is written for the user, and the contrast points toward the model.
        assert!(cosine < -0.99, "{name}: {cosine}");
    }
    for layer in 0..PLANTED_LAYER {
        assert!(
            vectors
                .get("contrast", layer)
                .unwrap()
                .iter()
                .all(|value| *value == 0.0)
        );
    }
}
