//! A whole run of small numbers: two layers, three prompts, two conditions, analysed by the stage
//! itself.

use std::path::Path;

use interventions::Kind;
use pipeline::Pipeline;
use results::{
    Activation, Dose, DoseDirection, DoseEffect, DoseFigures, DoseSummary, DoseText, Generation, HeldOutText,
    Knockout, Layout, LensToken, Metadata, PatchEffect, PatchedPrompt, RenderedPrompt, Table,
    write_activations, write_dose_summary,
};
use tempfile::TempDir;
use terms::{
    FinishReason, GenerationStyle, HiddenTokens, LensSide, Patch, PatchedPositions, Pooling, Site, Stage,
};

pub const PROMPTS: [&str; 3] = ["who", "job", "life"];
pub const CONDITIONS: [&str; 2] = ["normal", "swapped"];
pub const LAYERS: usize = 2;

pub struct Run {
    pub layout: Layout,
    pub metadata: Metadata,
    folder: TempDir,
}

impl Run {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let run = Run {
            layout: Layout::new(folder.path().join("example")),
            metadata: Metadata::default()
                .with("hidden_size", 4)
                .with("layers", LAYERS)
                .with("model_fingerprint", "ab12")
                .with("weights_fingerprint", "cd34"),
            folder,
        };
        run.extract();
        run.analyze();
        run.steer();
        run.dose();
        run.locate();
        run
    }

    pub fn root(&self) -> &Path {
        self.layout.root()
    }

    fn extract(&self) {
        let folder = self.layout.stage(Stage::Extract);
        fs_err::create_dir_all(&folder).unwrap();
        let each = || {
            CONDITIONS
                .iter()
                .flat_map(|condition| PROMPTS.map(|prompt| (*condition, prompt)))
        };
        let rendered = each().map(|(condition, prompt)| RenderedPrompt {
            prompt_id: prompt.to_owned(),
            prompt: format!("{prompt}?"),
            condition: condition.to_owned(),
            text: format!("<bos>{prompt}?"),
            n_tokens: 3,
            token_ids: vec![2, 7, 9],
            token_texts: ["<bos>", prompt, "?"].map(str::to_owned).to_vec(),
            opening: 0,
        });
        let rendered: Vec<RenderedPrompt> = rendered.collect();
        RenderedPrompt::write(&self.layout.table::<RenderedPrompt>(), &self.metadata, &rendered).unwrap();
        for layer in 0..LAYERS {
            let rows = each().enumerate().map(|(index, (condition, prompt))| {
                let vector = [1.0, index as f32, 2.0 - index as f32, (layer + index % 3) as f32];
                Activation {
                    prompt_id: prompt.to_owned(),
                    condition: condition.to_owned(),
                    pooling: Pooling::Last,
                    position: Some(2),
                    token_id: Some(9),
                    token_text: Some("?".to_owned()),
                    norm: vector.iter().map(|value| value * value).sum::<f32>().sqrt(),
                    activation: vector.to_vec(),
                }
            });
            let rows: Vec<Activation> = rows.collect();
            let metadata = self.metadata.clone().with("site", "hook_resid_post");
            write_activations(&self.layout.activations(), layer, &metadata, &rows).unwrap();
        }
    }

    fn analyze(&self) {
        let path = self.folder.path().join("example.toml");
        let pooled = testkit::EXAMPLE_PIPELINE.replace(r#"["newline", "mean"]"#, r#"["last"]"#);
        fs_err::write(
            &path,
            pooled.replace(r#"pooling = "newline""#, r#"pooling = "last""#),
        )
        .unwrap();
        let out = self.layout.stage(Stage::Analyze);
        fs_err::create_dir_all(&out).unwrap();
        analyze::run(&Pipeline::read(&path, &[]).unwrap(), &self.layout, &out).unwrap();
    }

    fn steer(&self) {
        fs_err::create_dir_all(self.layout.stage(Stage::Steer)).unwrap();
        let texts = PROMPTS.map(|prompt| Generation {
            set: "normal".to_owned(),
            prompt_id: prompt.to_owned(),
            prompt: format!("{prompt}?"),
            condition: "normal".to_owned(),
            coefficient: None,
            sample: 0,
            seed: 1,
            text: "I am.".to_owned(),
            n_tokens: 4,
            finish_reason: FinishReason::Stop,
            interventions: String::new(),
            decoding: GenerationStyle::Greedy,
        });
        Generation::write(&self.layout.table::<Generation>(), &self.metadata, &texts).unwrap();
        LensToken::write(&self.layout.table::<LensToken>(), &self.metadata, &lens()).unwrap();
    }

    fn dose(&self) {
        fs_err::create_dir_all(self.layout.stage(Stage::Dose)).unwrap();
        let added = Dose {
            layer: Some(1),
            operation: Some(Kind::Addition),
            direction: DoseDirection::CONTRAST,
            coefficient: Some(-1.0),
            relative_coefficient: Some(-0.5),
            ..Dose::unsteered()
        };
        let (mut doses, mut texts) = (Vec::new(), Vec::new());
        for (number, dose) in [Dose::unsteered(), added].into_iter().enumerate() {
            for condition in CONDITIONS {
                texts.extend(PROMPTS.map(|prompt| DoseText {
                    dose: dose.clone(),
                    condition: condition.to_owned(),
                    prompt_id: prompt.to_owned(),
                    prompt: format!("{prompt}?"),
                    text: "I am.".to_owned(),
                    n_tokens: 3,
                    token_ids: vec![5, 6, 1],
                    finish_reason: FinishReason::Stop,
                    log_odds: 0.5 + number as f64,
                    surprise_positive: 1.0,
                    surprise_negative: 1.5 + number as f64,
                    projection_positive: 1.0,
                    projection_negative: -1.0,
                    distinct_2: 1.0,
                }));
                let log_odds = 0.5 + number as f64;
                doses.push(DoseEffect {
                    dose: dose.clone(),
                    condition: condition.to_owned(),
                    texts: PROMPTS.len(),
                    figures: DoseFigures {
                        log_odds,
                        log_odds_low: log_odds,
                        log_odds_high: log_odds,
                        perplexity: 1.0,
                        ..DoseFigures::default()
                    },
                });
            }
        }
        DoseEffect::write(&self.layout.table::<DoseEffect>(), &self.metadata, &doses).unwrap();
        DoseText::write(&self.layout.table::<DoseText>(), &self.metadata, &texts).unwrap();
        let of_normal = texts.iter().skip(2 * PROMPTS.len());
        let held_out: Vec<HeldOutText> = of_normal
            .map(|text| HeldOutText {
                fold: 0,
                text: text.clone(),
            })
            .collect();
        HeldOutText::write(&self.layout.table::<HeldOutText>(), &self.metadata, &held_out).unwrap();
        write_dose_summary(
            &self.layout.dose_summary(),
            &DoseSummary::nothing(1.5, "Nothing."),
        )
        .unwrap();
    }
}

impl Run {
    fn locate(&self) {
        fs_err::create_dir_all(self.layout.stage(Stage::Locate)).unwrap();
        let effect = |layer: usize, positions: PatchedPositions| PatchEffect {
            patch: Patch::PutIn,
            site: Site::ResidualPost,
            layer,
            head: None,
            positions,
            from_end: (positions == PatchedPositions::Token).then_some(0),
            token_positive: None,
            token_negative: None,
            prompts: PROMPTS.len(),
            effect: 0.25,
            effect_low: 0.0,
            effect_high: 0.5,
            moved: 0.5,
            moved_low: 0.0,
            moved_high: 1.0,
            kl: 0.1,
            p: Some(0.25),
            p_family: Some(0.5),
        };
        let groups = [PatchedPositions::Token, PatchedPositions::All];
        let effects = (0..LAYERS).flat_map(|layer| groups.map(|positions| effect(layer, positions)));
        let effects: Vec<PatchEffect> = effects.collect();
        let prompts = PROMPTS.map(|prompt| PatchedPrompt {
            prompt_id: prompt.to_owned(),
            prompt: format!("{prompt}?"),
            answer_positive: "I am".to_owned(),
            answer_negative: "Thanks".to_owned(),
            log_odds_positive: 1.5,
            log_odds_negative: -0.5,
            turn_tokens: 3,
            prompt_tokens: 4,
            before_tokens: 1,
        });
        PatchEffect::write(&self.layout.table::<PatchEffect>(), &self.metadata, &effects).unwrap();
        PatchedPrompt::write(&self.layout.table::<PatchedPrompt>(), &self.metadata, &prompts).unwrap();
        let knockouts = CONDITIONS.map(|condition| Knockout {
            condition: condition.to_owned(),
            hidden: HiddenTokens::Speaker,
            first_layer: 0,
            last_layer: LAYERS - 1,
            prompts: PROMPTS.len(),
            effect: 0.25,
            effect_low: 0.0,
            effect_high: 0.5,
            moved: 0.5,
            moved_low: 0.0,
            moved_high: 1.0,
            kl: 0.1,
        });
        Knockout::write(&self.layout.table::<Knockout>(), &self.metadata, &knockouts).unwrap();
    }
}

/// One token promoted and one suppressed, at each layer.
pub fn lens() -> Vec<LensToken> {
    let token = |layer: usize, side: LensSide| LensToken {
        layer,
        side,
        rank: 0,
        token_id: 5,
        token_text: "I".to_owned(),
        logit: 1.5,
    };
    (0..LAYERS)
        .flat_map(|layer| {
            [
                token(layer, LensSide::Promoted),
                token(layer, LensSide::Suppressed),
            ]
        })
        .collect()
}
