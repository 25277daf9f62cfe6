//! A results folder with made-up figures, with what a comparison reads.

use std::path::Path;

use pipeline::VectorKind;
use results::{
    Activation, ContrastVectors, DoseSummary, Generation, LayerStatistics, Layout, Metadata, RenderedPrompt,
    StatisticsSummary, Summary, Table, write_activations, write_contrast_vectors, write_dose_summary,
    write_statistics_summary,
};
use terms::{FinishReason, GenerationStyle, Pooling};

pub const HIDDEN: usize = 3;

/// What the tests change.
pub struct Example {
    pub weights: &'static str,
    pub layers: usize,
    pub greeting: &'static str,
    /// Added to within minus cross of every layer.
    pub shift: f64,
    /// The contrast vector of every layer.
    pub contrast: [f32; HIDDEN],
    /// None where nothing was generated.
    pub answer: Option<&'static str>,
    pub conditions: [&'static str; 2],
    pub prompt_ids: &'static [&'static str],
    pub last_token: i32,
    /// The poolings of the activations; none where they are gone.
    pub poolings: &'static [Pooling],
    /// Added to the second number of every activation in the first condition.
    pub moved: f32,
}

impl Default for Example {
    fn default() -> Self {
        Example {
            weights: "aaaa",
            layers: 4,
            greeting: "Hello.",
            shift: 0.0,
            contrast: [1.0, 2.0, 2.0],
            answer: Some("I am a model."),
            conditions: ["normal", "swapped"],
            prompt_ids: &["who", "what"],
            last_token: 4,
            poolings: &[Pooling::Newline, Pooling::Mean],
            moved: 0.0,
        }
    }
}

impl Example {
    pub fn write(&self, folder: &Path) {
        let layout = Layout::new(folder);
        for stage in ["extract", "analyze", "steer", "dose"] {
            fs_err::create_dir_all(folder.join(stage)).unwrap();
        }
        let metadata = self.metadata();
        Summary::write(&layout.table::<Summary>(), &metadata, &self.summaries()).unwrap();
        LayerStatistics::write(&layout.table::<LayerStatistics>(), &metadata, &self.statistics()).unwrap();
        write_statistics_summary(&layout.statistics_summary(), &self.about()).unwrap();
        let mut vectors = ContrastVectors::new(metadata.clone(), self.layers, HIDDEN);
        vectors.insert(&VectorKind::Contrast, self.contrast.repeat(self.layers));
        write_contrast_vectors(&layout.contrast_vectors(), &vectors).unwrap();
        RenderedPrompt::write(&layout.table::<RenderedPrompt>(), &metadata, &self.prompts()).unwrap();
        if !self.poolings.is_empty() {
            for layer in 0..self.layers {
                write_activations(&layout.activations(), layer, &metadata, &self.activations()).unwrap();
            }
        }
        let Some(answer) = self.answer else { return };
        Generation::write(&layout.table::<Generation>(), &metadata, &generations(answer)).unwrap();
        let nothing = DoseSummary::nothing(1.5, "No dose was looked for.");
        write_dose_summary(&layout.dose_summary(), &nothing).unwrap();
    }

    /// The footer of every table.
    pub fn metadata(&self) -> Metadata {
        Metadata::default()
            .with("model_name", "Example")
            .with("weights_fingerprint", self.weights)
            .with("layers", self.layers)
            .with("hidden_size", HIDDEN)
    }

    /// Those of every layer: `(3, moved, 0)` and `(0, moved, 4)` in the first condition, `(0, 3, 4)`
    /// in the second.
    pub fn activations(&self) -> Vec<Activation> {
        let row = |pooling: Pooling, condition: usize, prompt: usize| {
            let activation = match (condition, prompt % 2) {
                (0, 0) => vec![3.0, self.moved, 0.0],
                (0, _) => vec![0.0, self.moved, 4.0],
                _ => vec![0.0, 3.0, 4.0],
            };
            Activation {
                prompt_id: self.prompt_ids[prompt].to_owned(),
                condition: self.conditions[condition].to_owned(),
                pooling,
                position: None,
                token_id: None,
                token_text: None,
                norm: activation.iter().map(|value| value * value).sum::<f32>().sqrt(),
                activation,
            }
        };
        let mut rows = Vec::new();
        for pooling in self.poolings {
            for condition in 0..2 {
                rows.extend((0..self.prompt_ids.len()).map(|prompt| row(*pooling, condition, prompt)));
            }
        }
        rows
    }

    fn difference(&self, layer: usize) -> f64 {
        0.1 * layer as f64 + self.shift
    }

    fn summaries(&self) -> Vec<Summary> {
        let row = |layer: usize, pooling: Pooling| Summary {
            layer,
            pooling,
            avg_within_category: 0.9,
            avg_cross_category: 0.9 - self.difference(layer),
            similarity_difference: self.difference(layer),
            avg_within_positive: 0.9,
            avg_within_negative: 0.9,
            contrast_norm: 3.0,
            mean_residual_norm: 10.0,
        };
        let layers = 0..self.layers;
        layers
            .flat_map(|layer| [row(layer, Pooling::Newline), row(layer, Pooling::Mean)])
            .collect()
    }

    fn statistics(&self) -> Vec<LayerStatistics> {
        let row = |layer: usize| LayerStatistics {
            layer,
            pooling: Pooling::Newline,
            prompts: 2,
            difference_low: self.difference(layer) - 0.01,
            difference_high: self.difference(layer) + 0.01,
            split_half: 0.8,
            ..LayerStatistics::default()
        };
        (0..self.layers).map(row).collect()
    }

    fn about(&self) -> StatisticsSummary {
        StatisticsSummary {
            pooling: Pooling::Newline,
            positive: self.conditions[0].to_owned(),
            negative: self.conditions[1].to_owned(),
            prompts: 2,
            all_prompts: 2,
            labellings: 4,
            is_exact: true,
            smallest_p: 0.5,
            level: 0.05,
            significant_layers: Vec::new(),
            onset: None,
            strongest: None,
            findings: vec!["Two prompts say little.".to_owned()],
        }
    }

    fn prompts(&self) -> Vec<RenderedPrompt> {
        let row = |id: &str, condition: &str| RenderedPrompt {
            prompt_id: id.to_owned(),
            prompt: format!("What of {id}?"),
            condition: condition.to_owned(),
            text: format!("<bos>{} {id} {condition}", self.greeting),
            n_tokens: 3,
            token_ids: vec![2, 3, self.last_token],
            token_texts: Vec::from(["a", "b", "c"].map(str::to_owned)),
            opening: 0,
        };
        let of = |condition: &&'static str| {
            let condition = *condition;
            self.prompt_ids.iter().map(move |id| row(id, condition))
        };
        self.conditions.iter().flat_map(of).collect()
    }
}

fn generations(answer: &str) -> Vec<Generation> {
    let row = |set: &str, coefficient: Option<f64>, text: &str| Generation {
        set: set.to_owned(),
        prompt_id: "who".to_owned(),
        prompt: "What of who?".to_owned(),
        condition: "normal".to_owned(),
        coefficient,
        sample: 0,
        seed: 1,
        text: text.to_owned(),
        n_tokens: 3,
        finish_reason: FinishReason::Stop,
        interventions: String::new(),
        decoding: GenerationStyle::Greedy,
    };
    vec![
        row("normal", None, "The same in all."),
        row("steered", Some(-0.5), answer),
        row("steered", Some(0.5), "Also the same."),
    ]
}
