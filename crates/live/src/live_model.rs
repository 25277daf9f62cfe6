use std::collections::BTreeMap;
use std::ops::ControlFlow;

use anyhow::{Context, Result, bail};
use files::HashMemo;
use interventions::{InterventionTable, Kind, norm};
use model::{
    ChatTokenizer, ConversationCache, FinishReason, GenerationRequest, NewToken, Sampling, generate_on,
};
use pipeline::{GenerationSet, Pipeline, VectorKind};
use results::{ContrastVectors, DoseSummary, Layout, Metadata, read_contrast_vectors, read_dose_summary};
use session::{OpenModel, open_for_generation, render_turns};
use steer::{Intervention, Steer, interventions, residual_norms, row_seed};
use terms::CoefficientUnit;
use terms::Speaker;

use crate::{Conversation, Pieces, Steering};

/// A pipeline's model with its vectors, kept loaded: it continues conversations, steered or
/// not.
pub struct LiveModel {
    pub pipeline: Pipeline,
    model: OpenModel,
    vectors: ContrastVectors,
    residual_norms: Vec<f64>,
    dose: Option<DoseSummary>,
    /// What earlier answers left, row by row.
    memory: ConversationCache,
    /// What is done to each of these rows. The first is the model as it is.
    rows: Vec<Vec<Intervention>>,
}

/// An answer to generate, checked and rendered.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The conversation as the model sees it, and its tokens.
    pub text: String,
    pub tokens: Vec<u32>,
    interventions: Vec<Intervention>,
}

/// What was added to the text of one of several answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The answer's number among those that were asked for.
    pub answer: usize,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    pub max_new_tokens: usize,
    /// The most likely token each time, or the n-th draw with the pipeline's decoding.
    pub draw: Option<usize>,
}

/// The text without the token that ended it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub text: String,
    pub tokens: usize,
    pub finish: Option<FinishReason>,
}

impl LiveModel {
    /// Loads the model and keeps it; needs the results of `analyze`.
    pub fn open(pipeline: Pipeline, layout: &Layout) -> Result<Self> {
        let (place, name) = (layout.contrast_vectors(), &pipeline.name);
        if !place.exists() {
            bail!(
                "there are no vectors to steer with at {}; run `cargo xtask analyze --pipeline {name}` first",
                place.display()
            );
        }
        let vectors = read_contrast_vectors(&place)?;
        let residual_norms = residual_norms(&pipeline, layout)?;
        let dose = layout.dose_summary();
        let dose = if dose.exists() {
            Some(read_dose_summary(&dose)?)
        } else {
            None
        };
        let hashes = HashMemo::read(&layout.hash_memo());
        let model = open_for_generation(&pipeline.model, &hashes)?;
        if vectors.metadata.get("model_fingerprint") != Some(model.fingerprint.as_str()) {
            bail!(
                "{}: the vectors belong to another model; run `cargo xtask analyze --pipeline {name}` first",
                place.display()
            );
        }
        let memory = ConversationCache::of(model.resident()?);
        Ok(LiveModel {
            pipeline,
            model,
            vectors,
            residual_norms,
            dose,
            memory,
            rows: vec![Vec::new()],
        })
    }

    pub fn layers(&self) -> usize {
        self.vectors.layers
    }

    pub fn vector_names(&self) -> impl Iterator<Item = &str> {
        self.vectors.names()
    }

    /// The length of a vector at a layer, in mean norms of the layer's residuals.
    pub fn relative_norm(&self, vector: &str, layer: usize) -> Option<f64> {
        let vector = self.vectors.get(vector, layer)?;
        Some(norm(vector) / self.residual_norms.get(layer)?)
    }

    /// What the stage `dose` chose, with the sign that moves `speaker` toward the other one: the
    /// contrast is subtracted from whom its positive condition has speak, and added to the other.
    pub fn chosen_dose(&self, speaker: Speaker) -> Option<Steering> {
        let summary = self.dose.as_ref()?;
        let chosen = summary.candidates.get(summary.chosen?)?;
        let positive = self.pipeline.condition(&self.pipeline.contrast.positive)?;
        let sign = if positive.opens == speaker { -1.0 } else { 1.0 };
        Some(Steering {
            vector: chosen.direction.clone(),
            layer: chosen.layer as i64,
            coefficient: sign * chosen.coefficient,
            unit: CoefficientUnit::Raw,
            kind: Kind::Addition,
        })
    }

    /// Whether this can be done with this model, and if not, why.
    pub fn check(&self, steering: &Steering) -> Result<()> {
        self.interventions(steering).map(|_| ())
    }

    /// Renders a conversation as `extract` renders conditions, and looks its steering up.
    pub fn prepare(&self, conversation: &Conversation, steering: &[Steering]) -> Result<Prepared> {
        // What was generated can hold such a token too, and would end its turn early when it is
        // read again.
        let said = conversation
            .turns
            .iter()
            .map(|turn| (&turn.text, turn.speaker == conversation.opens));
        for (text, is_answer) in said.chain(conversation.system.iter().map(|text| (text, false))) {
            if let Some(token) = self.model.tokenizer.control_token_in(text) {
                let (what, advice) = match is_answer {
                    true => ("an earlier answer", "take that answer back, or begin again"),
                    false => ("the text", "leave it out"),
                };
                bail!("{what} holds the control token {token}, which would end or open a turn; {advice}");
            }
        }
        let (text, tokens) = render_turns(
            &self.model.tokenizer,
            conversation.system.as_deref(),
            &conversation.turns,
            conversation.opens,
        )?;
        let mut all = Vec::new();
        for steering in steering.iter().filter(|steering| !steering.is_nothing()) {
            all.extend(self.interventions(steering)?);
        }
        Ok(Prepared {
            text,
            tokens: tokens.ids,
            interventions: all,
        })
    }

    /// Generates all answers at once. `each` is given what was added to their texts after each
    /// pass, and may end the work.
    pub fn answer(
        &mut self,
        prepared: &[Prepared],
        settings: Settings,
        each: &mut dyn FnMut(&[Piece]) -> ControlFlow<()>,
    ) -> Result<Vec<Answer>> {
        let rows = self.rows_for(prepared);
        let network = self.model.resident()?;
        let config = network.config();
        let tap = Steer::new(
            &self.rows,
            config.layers.len(),
            config.hidden_size,
            &network.device(),
        );
        if tap.is_err() {
            // What can't be done now must not be tried again with the next answer.
            for row in rows.iter().filter(|row| **row > 0) {
                self.rows[*row].clear();
                self.memory.forget(*row);
            }
        }
        let mut tap = tap?;
        let requests: Vec<GenerationRequest> = prepared
            .iter()
            .map(|prepared| self.request(prepared, settings))
            .collect();
        let requests: BTreeMap<usize, &GenerationRequest> = rows.iter().copied().zip(&requests).collect();
        let mut growing = Growing {
            tokenizer: &self.model.tokenizer,
            end_tokens: &config.end_tokens,
            texts: rows.iter().map(|row| (*row, Pieces::default())).collect(),
        };
        let mut failed = None;
        let mut after_pass = |tokens: &[NewToken]| match growing.take(tokens) {
            Ok(pieces) => each(&pieces),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        };
        let memory = &mut self.memory;
        let generated = generate_on(
            network,
            memory,
            &requests,
            settings.max_new_tokens,
            &mut tap,
            &mut after_pass,
        )?;
        if let Some(error) = failed {
            return Err(error);
        }
        // Nothing is left to be ended.
        let _ = each(&growing.finish()?);
        let answers = growing.texts.into_iter().map(|(row, pieces)| {
            let generated = generated.get(&row).context("an answer is missing")?;
            Ok(Answer {
                text: pieces.into_text(),
                tokens: generated.tokens.len(),
                finish: generated.finish,
            })
        });
        answers.collect()
    }

    fn request(&self, prepared: &Prepared, settings: Settings) -> GenerationRequest {
        let decoding = &self.pipeline.steer.decoding;
        let sampling = Sampling {
            greedy: settings.draw.is_none(),
            temperature: decoding.temperature,
            top_k: decoding.top_k,
            top_p: decoding.top_p,
            repetition_penalty: decoding.repetition_penalty,
            suppress: Vec::new(),
        };
        let draw = settings.draw.unwrap_or(0);
        GenerationRequest {
            prompt: prepared.tokens.clone(),
            sampling,
            // The same whatever the steering: texts differ by it, and not by the draw.
            seed: row_seed(self.pipeline.steer.seed, "live", &prepared.text, draw),
        }
    }

    /// Gives each answer a row where the same was done before, so that what they have in common is
    /// computed once. Such are kept: the model as it is, and as many steered ones as were last
    /// asked for at the same time.
    fn rows_for(&mut self, prepared: &[Prepared]) -> Vec<usize> {
        let mut taken: Vec<usize> = Vec::new();
        for wanted in prepared.iter().map(|prepared| &prepared.interventions) {
            let mut free = (0..self.rows.len()).filter(|row| !taken.contains(row));
            let row = match free.clone().find(|row| self.rows[*row] == *wanted) {
                Some(row) => row,
                None => {
                    let row = free.find(|row| *row > 0).unwrap_or(self.rows.len());
                    self.rows.resize(self.rows.len().max(row + 1), Vec::new());
                    self.rows[row].clone_from(wanted);
                    self.memory.forget(row);
                    row
                }
            };
            taken.push(row);
        }
        taken
    }

    /// The direction of a feature of one of `[[saes]]` by its name, alone; none for other names. Its file is mapped, and
    /// only the feature's own numbers are read.
    fn feature(&self, name: &str) -> Result<Option<ContrastVectors>> {
        let Some(VectorKind::Feature(..)) = VectorKind::parse(name) else {
            return Ok(None);
        };
        let (layers, hidden) = (self.vectors.layers, self.vectors.hidden_size);
        let mut vectors = ContrastVectors::new(Metadata::default(), layers, hidden);
        features::insert_directions(&self.pipeline, [name].into_iter(), &mut vectors)?;
        let is_there = vectors.names().next().is_some();
        Ok(is_there.then_some(vectors))
    }

    /// As a set of the stage `steer` would have it.
    fn interventions(&self, steering: &Steering) -> Result<Vec<Intervention>> {
        let name = &steering.vector;
        let of_feature = self.feature(name)?;
        let vectors = of_feature.as_ref().unwrap_or(&self.vectors);
        if !vectors.names().any(|known| known == name) {
            let names: Vec<&str> = self.vectors.names().collect();
            let features = match self.pipeline.saes.is_empty() {
                true => "",
                false => ", and sae.<name>.<feature> of [[saes]]",
            };
            bail!(
                "there is no vector \"{name}\"; the vectors are {}{features}",
                names.join(", ")
            );
        }
        steering.check_kind()?;
        if !steering.coefficient.is_finite() {
            bail!("a coefficient must be finite");
        }
        let set = GenerationSet {
            name: String::new(),
            condition: String::new(),
            greedy: true,
            samples: 1,
            suppress: Vec::new(),
            interventions: vec![InterventionTable {
                coefficients: vec![steering.coefficient],
                ..InterventionTable::new(steering.kind, steering.layer, name)
            }],
            coefficients: Vec::new(),
            unit: steering.unit,
        };
        let (interventions, _) = interventions(&set, None, vectors, &self.residual_norms)?;
        Ok(interventions)
    }
}

/// The texts so far, by their rows, in the order of the answers.
struct Growing<'a> {
    tokenizer: &'a ChatTokenizer,
    end_tokens: &'a [u32],
    texts: Vec<(usize, Pieces)>,
}

impl Growing<'_> {
    /// An end token ends a text and is not part of it.
    fn take(&mut self, tokens: &[NewToken]) -> Result<Vec<Piece>> {
        let mut all = Vec::new();
        for (answer, (row, pieces)) in self.texts.iter_mut().enumerate() {
            let new = tokens.iter().find(|new| new.row == *row);
            if let Some(new) = new.filter(|new| !self.end_tokens.contains(&new.token)) {
                let text = pieces.push(self.tokenizer, new.token)?;
                all.push(Piece { answer, text });
            }
        }
        all.retain(|piece| !piece.text.is_empty());
        Ok(all)
    }

    fn finish(&mut self) -> Result<Vec<Piece>> {
        let rest = self.texts.iter_mut().enumerate().map(|(answer, (_, pieces))| {
            let text = pieces.finish(self.tokenizer)?;
            Ok(Piece { answer, text })
        });
        let mut all = rest.collect::<Result<Vec<_>>>()?;
        all.retain(|piece| !piece.text.is_empty());
        Ok(all)
    }
}
