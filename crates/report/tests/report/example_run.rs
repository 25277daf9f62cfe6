//! A plausible run, written as the earlier stages would: three conditions, six prompts, one of them
//! hostile.

use std::path::{Path, PathBuf};

use pipeline::Pipeline;
use results::{
    Activation, CERTIFICATE_FORMAT, Certificate, Comparison, Generation, GreedyAgreement, Layout, Metadata,
    Projection, ReferenceOrigin, RelativeError, RenderedPrompt, Similarity, Summary, Table, TextAgreement,
    Verdict, write_activations, write_certificate,
};
use tempfile::TempDir;
use terms::{FinishReason, GenerationStyle, Pooling, Stage};

use crate::example_doses::{summary as dose_summary, write_sweep};
use crate::example_evidence::write_evidence;

/// What a careless page would run.
pub const HOSTILE: &str = "</script><script>alert('prompt')</script>";

const CONDITIONS: [&str; 3] = ["normal", "swapped", "quoted"];

pub struct ExampleRun {
    pub pipeline: Pipeline,
    pub layout: Layout,
    pub out: PathBuf,
    pub summaries: Vec<Summary>,
    folder: TempDir,
}

/// A run over `layers` layers in its own folder.
pub fn example_run(layers: usize) -> ExampleRun {
    let folder = tempfile::tempdir().unwrap();
    let (pipeline, layout, summaries) = write_run(folder.path(), layers);
    let out = folder.path().join("out");
    fs_err::create_dir_all(&out).unwrap();
    ExampleRun {
        pipeline,
        layout,
        out,
        summaries,
        folder,
    }
}

impl ExampleRun {
    /// Runs the stage and reads back one of its files.
    pub fn page(&self, name: &str) -> String {
        report::run(&self.pipeline, &self.layout, &self.out).unwrap();
        fs_err::read_to_string(self.out.join(name)).unwrap()
    }

    /// The stage's error for this run, which must be invalid.
    pub fn error(&self) -> String {
        let error = report::run(&self.pipeline, &self.layout, &self.out).unwrap_err();
        format!("{error:#}")
    }

    pub fn certify(&self, certificate: &Certificate) {
        write_certificate(&self.layout.certificate(), certificate).unwrap();
    }

    /// Writes a published table and names it in the pipeline.
    pub fn publish(&mut self, text: &str) {
        let path = self.folder.path().join("published.csv");
        fs_err::write(&path, text).unwrap();
        self.pipeline.report.published = Some(path);
    }
}

/// The footer of the tables of a run over `layers` layers.
pub fn example_footer(layers: usize) -> Metadata {
    Metadata::default()
        .with("model_fingerprint", "blake3-of-an-example")
        .with("weights_fingerprint", "blake3-of-the-weights")
        .with("layers", layers)
        .with("hidden_size", 2)
        .with("dtype", "f32")
}

fn write_run(folder: &Path, layers: usize) -> (Pipeline, Layout, Vec<Summary>) {
    let path = folder.join("example.toml");
    fs_err::write(&path, PIPELINE).unwrap();
    let pipeline = Pipeline::read(&path, &["steer.seed=3".to_owned()]).unwrap();
    let layout = Layout::new(folder.join("results"));
    for stage in [
        Stage::Verify,
        Stage::Extract,
        Stage::Analyze,
        Stage::Steer,
        Stage::Dose,
    ] {
        fs_err::create_dir_all(layout.stage(stage)).unwrap();
    }
    write_certificate(&layout.certificate(), &verified(layers)).unwrap();
    let metadata = example_footer(layers);
    RenderedPrompt::write(&layout.table::<RenderedPrompt>(), &metadata, &rendered_prompts()).unwrap();
    write_activations(&layout.activations(), 0, &metadata, &activations()).unwrap();
    let analyzed = metadata
        .clone()
        .with("positive", "normal")
        .with("negative", "swapped");
    let summaries: Vec<Summary> = (0..layers)
        .flat_map(|layer| [Pooling::Newline, Pooling::Mean].map(|pooling| summary(layer, layers, pooling)))
        .collect();
    Summary::write(&layout.table::<Summary>(), &analyzed, &summaries).unwrap();
    Similarity::write(&layout.table::<Similarity>(), &analyzed, &similarities(layers)).unwrap();
    Projection::write(&layout.table::<Projection>(), &analyzed, &projections(layers)).unwrap();
    write_evidence(&layout, &analyzed, layers);
    write_sweep(&layout, &metadata, &dose_summary(Some(2)));
    Generation::write(
        &layout.table::<Generation>(),
        &metadata.with("seed", 3),
        &generations(),
    )
    .unwrap();
    (pipeline, layout, summaries)
}

/// A certificate with errors that rise from 1e-6 on.
pub fn verified(layers: usize) -> Certificate {
    let error = |layer: usize| RelativeError {
        max: 5e-6 * (layer + 1) as f64,
        rms: 1e-6 * (layer + 1) as f64,
    };
    Certificate {
        format: CERTIFICATE_FORMAT,
        verdict: Verdict::Verified,
        statement: "An Example Model agrees with another implementation.".to_owned(),
        model: "An Example Model".to_owned(),
        weights_fingerprint: "blake3-of-the-weights".to_owned(),
        roleswap_version: "0.1.0".to_owned(),
        comparison: Some(Comparison {
            device: "cpu".to_owned(),
            gpu: None,
            kernels: None,
            dtype: "f32".to_owned(),
            residency: "streamed".to_owned(),
            tolerance: 1e-4,
            tolerance_after_norm: 1e-4,
            positions: 74,
            reference: ReferenceOrigin {
                file: "data/reference/example.safetensors".to_owned(),
                blake3: "blake3-of-the-reference".to_owned(),
                implementation: "another <i>implementation</i>".to_owned(),
                dtype: "f32".to_owned(),
            },
            layers: (0..layers).map(error).collect(),
            final_norm: RelativeError {
                max: 6.1e-5,
                rms: 7.2e-6,
            },
            logits: RelativeError {
                max: 8.3e-5,
                rms: 9.4e-6,
            },
            texts: TextAgreement {
                texts: 12,
                compared: 12,
                agreeing: 12,
                first_difference: None,
            },
            greedy: Some(GreedyAgreement {
                tokens: 16,
                agreeing: 16,
            }),
        }),
    }
}

fn prompts() -> [(&'static str, &'static str); 6] {
    [
        ("who", "Who are you?"),
        ("name", "What is your name?"),
        ("help", "Can you help me?"),
        ("job", "What is your job?"),
        ("likes", "What do you like to do?"),
        ("hostile", HOSTILE),
    ]
}

fn rendered_prompts() -> Vec<RenderedPrompt> {
    let mut rows = Vec::new();
    for condition in CONDITIONS {
        for (id, prompt) in prompts() {
            let text = match condition {
                "normal" => {
                    format!("<bos><start_of_turn>user\n{prompt}<end_of_turn>\n<start_of_turn>model\n")
                }
                _ => format!(
                    "<bos><start_of_turn>user\nHello.<end_of_turn>\n<start_of_turn>model\n{prompt}<end_of_turn>\n<start_of_turn>user\n"
                ),
            };
            let token_texts = tokens(&text);
            let token_ids = (0..token_texts.len() as i32).collect();
            rows.push(RenderedPrompt {
                prompt_id: id.to_owned(),
                prompt: prompt.to_owned(),
                condition: condition.to_owned(),
                text,
                n_tokens: token_texts.len(),
                token_ids,
                token_texts,
                opening: 0,
            });
        }
    }
    rows
}

/// Tokens as a vocabulary could have them: control tokens, line breaks, and words with the space
/// before them.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = vec![String::new()];
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let control = ["<bos>", "<start_of_turn>", "<end_of_turn>", "\n"]
            .into_iter()
            .find(|control| rest.starts_with(control));
        let length = control.map_or(letter.len_utf8(), str::len);
        match (control, tokens.last_mut()) {
            (Some(control), _) => tokens.extend([control.to_owned(), String::new()]),
            (None, Some(last)) if letter != ' ' => last.push(letter),
            _ => tokens.push("\u{2581}".to_owned()),
        }
        rest = &rest[length..];
    }
    tokens.retain(|token| !token.is_empty());
    tokens
}

/// What was read at the first layer: the last token, which is a line break, and the mean.
fn activations() -> Vec<Activation> {
    let of = |prompt: &RenderedPrompt| {
        let last = prompt.token_texts.len() as i32 - 1;
        [(Pooling::Newline, Some(last)), (Pooling::Mean, None)].map(|(pooling, position)| Activation {
            prompt_id: prompt.prompt_id.clone(),
            condition: prompt.condition.clone(),
            pooling,
            position,
            token_id: position,
            token_text: position.map(|_| "\n".to_owned()),
            norm: 5.0,
            activation: vec![3.0, 4.0],
        })
    };
    rendered_prompts().iter().flat_map(of).collect()
}

/// 0 at the first layer, 1 in the middle, 0 at the last.
fn rise(layer: usize, layers: usize) -> f64 {
    (std::f64::consts::PI * (layer as f64 + 0.5) / layers as f64).sin()
}

fn summary(layer: usize, layers: usize, pooling: Pooling) -> Summary {
    let rise = rise(layer, layers) * if pooling == Pooling::Mean { 0.5 } else { 1.0 };
    let (positive, negative, cross) = (1.0 - 0.2 * rise, 1.0 - 0.12 * rise, 1.0 - 0.4 * rise);
    let within = (positive + negative) / 2.0;
    Summary {
        layer,
        pooling,
        avg_within_category: within,
        avg_cross_category: cross,
        similarity_difference: within - cross,
        avg_within_positive: positive,
        avg_within_negative: negative,
        contrast_norm: 20.0 * rise,
        mean_residual_norm: 30.0 + 4.0 * layer as f64,
    }
}

fn similarities(layers: usize) -> Vec<Similarity> {
    let mut rows = Vec::new();
    for layer in 0..layers {
        for (a, condition_a) in CONDITIONS.iter().enumerate() {
            for (b, condition_b) in CONDITIONS.iter().enumerate().skip(a) {
                for (i, (prompt_a, _)) in prompts().into_iter().enumerate() {
                    for (j, (prompt_b, _)) in prompts().into_iter().enumerate() {
                        let same = a == b && i == j;
                        let spread = 0.1 * (b - a) as f64 + 0.02 * i.abs_diff(j) as f64 + 0.1;
                        rows.push(Similarity {
                            layer,
                            pooling: Pooling::Newline,
                            condition_a: condition_a.to_string(),
                            condition_b: condition_b.to_string(),
                            prompt_a: prompt_a.to_owned(),
                            prompt_b: prompt_b.to_owned(),
                            cosine: if same {
                                1.0
                            } else {
                                1.0 - spread * rise(layer, layers)
                            },
                        });
                    }
                }
            }
        }
    }
    rows
}

fn projections(layers: usize) -> Vec<Projection> {
    let mut rows = Vec::new();
    for layer in 0..layers {
        for (index, condition) in CONDITIONS.iter().enumerate() {
            for (place, (prompt, _)) in prompts().into_iter().enumerate() {
                let side = [1.0, -1.0, 0.2][index];
                rows.push(Projection {
                    layer,
                    pooling: Pooling::Newline,
                    condition: condition.to_string(),
                    prompt_id: prompt.to_owned(),
                    projection: rise(layer, layers) * (10.0 * side + place as f64) + 0.3 * layer as f64,
                });
            }
        }
    }
    rows
}

fn generations() -> Vec<Generation> {
    let mut rows = Vec::new();
    for (set, condition, coefficients) in [
        ("normal", "normal", vec![None]),
        ("swapped", "swapped", vec![None]),
        ("steered", "normal", vec![Some(-0.7), Some(0.7)]),
        ("steered-quoted", "quoted", vec![Some(2.0)]),
    ] {
        for (prompt_id, prompt) in prompts() {
            for &coefficient in &coefficients {
                rows.push(Generation {
                    set: set.to_owned(),
                    prompt_id: prompt_id.to_owned(),
                    prompt: prompt.to_owned(),
                    condition: condition.to_owned(),
                    coefficient,
                    sample: 0,
                    seed: 3,
                    text: answer(set, coefficient),
                    n_tokens: 12,
                    finish_reason: if coefficient == Some(0.7) {
                        FinishReason::Length
                    } else {
                        FinishReason::Stop
                    },
                    interventions: coefficient
                        .map(|value| format!("addition contrast @4 all x{value}"))
                        .unwrap_or_default(),
                    decoding: GenerationStyle::Greedy,
                });
            }
        }
    }
    rows
}

fn answer(set: &str, coefficient: Option<f64>) -> String {
    match (set, coefficient) {
        ("swapped", _) => "I am looking for a bicycle. <b>Can you help?</b><end_of_turn>".to_owned(),
        (_, Some(value)) if value < 0.0 => {
            "I would like to know the way to the station, please.<end_of_turn>".to_owned()
        }
        (_, Some(_)) => "As a helpful assistant, I am here to help. As a helpful assistant,".to_owned(),
        _ => "I am an assistant.\n\nWhat can I do for you?<end_of_turn>".to_owned(),
    }
}

const PIPELINE: &str = r#"
# An example with <angle brackets> & an ampersand.
[model]
source = "nowhere"
name = "An Example Model"
short_name = "example"
dtype = "f32"
device = "cpu"

[prompts]
file = "nowhere.jsonl"

[[conditions]]
name = "normal"
label = "Model Role"
turns = [{ speaker = "user", text = "{prompt}" }]
opens = "model"

[[conditions]]
name = "swapped"
label = "User Role"
turns = [{ speaker = "user", text = "Hello." }, { speaker = "model", text = "{prompt}" }]
opens = "user"

[[conditions]]
name = "quoted"
label = "Quoted <i>Role</i>"
turns = [{ speaker = "user", text = "Hello. {prompt}" }]
opens = "user"

[contrast]
positive = "normal"
negative = "swapped"
pooling = "newline"

[extract]
poolings = ["newline", "mean"]

[steer]
seed = 0
max_new_tokens = 12
decoding = { temperature = 0.7, top_k = 50, top_p = 1.0, repetition_penalty = 1.0 }

[[steer.sets]]
name = "normal"
condition = "normal"
greedy = true

[[steer.sets]]
name = "swapped"
condition = "swapped"
greedy = true
suppress = ["\n\n", "<end_of_turn>"]

[[steer.sets]]
name = "steered"
condition = "normal"
greedy = true
interventions = [{ kind = "addition", layers = [4] }]
coefficients = [-0.7, 0.7]

[[steer.sets]]
name = "steered-quoted"
condition = "quoted"
greedy = true
interventions = [{ kind = "addition", layers = [4] }]
coefficients = [2.0]

[report]
title = "What changes when the model speaks as the user"
"#;
