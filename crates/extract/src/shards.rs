//! The stage in shards: ranges of the prompts file, each with all of its conditions, poolings and sites.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use files::HashMemo;
use model::{ChatTokenizer, ModelConfig};
use pipeline::{Pipeline, Prompt, read_prompts};
use results::{Answer, Layout, Metadata, Plan, RenderedPrompt, Sharded, Table, TableWriter, hash_of_rows};
use serde::{Deserialize, Serialize};
use session::{OpenModel, inspect, open_for_generation, open_model, render_prompts};

use crate::findings::Survey;
use crate::writing::{with_findings, write};

/// The stage on a pipeline's prompts.
pub struct Extraction {
    pipeline: Pipeline,
    layout: Layout,
    prompts: Option<Vec<Prompt>>,
    model: Option<OpenModel>,
    /// The rows of the only shard, which [`plan`](Sharded::plan) has rendered.
    rendered: Option<Vec<RenderedPrompt>>,
}

/// What only all prompts together say.
#[derive(Serialize, Deserialize)]
struct Common {
    /// The prompts that are an earlier one to the model, by their number in the file.
    left_out: Vec<usize>,
    findings: Vec<String>,
}

impl Extraction {
    /// Reads nothing yet.
    pub fn new(pipeline: Pipeline, layout: Layout) -> Self {
        Extraction {
            pipeline,
            layout,
            prompts: None,
            model: None,
            rendered: None,
        }
    }

    fn prompts(&mut self) -> Result<&[Prompt]> {
        if self.prompts.is_none() {
            let read = read_prompts(&self.pipeline.prompts.file);
            self.prompts = Some(read.context("reading the prompts (prompts.file)")?);
        }
        Ok(self.prompts.as_deref().unwrap_or_default())
    }

    fn render(&self, tokenizer: &ChatTokenizer, prompts: &[Prompt]) -> Result<Vec<RenderedPrompt>> {
        let file = &self.pipeline.prompts.file;
        render_prompts(tokenizer, file, prompts, &self.pipeline.conditions)
    }

    /// Renders all prompts, some at a time, to see what only all of them say: the hash of each, and the size
    /// of shards.
    fn survey(
        &mut self,
        config: &ModelConfig,
        tokenizer: &ChatTokenizer,
    ) -> Result<(Vec<String>, Common, usize)> {
        let prompts = std::mem::take(&mut self.prompts).unwrap_or_default();
        let size = shard_prompts(&self.pipeline, config);
        let at_once = match prompts.len() <= size {
            true => prompts.len(),
            false => RENDERED_AT_ONCE.min(size),
        };
        let mut survey = Survey::new(&self.pipeline, config, tokenizer);
        let mut left_out = Vec::new();
        let mut rendered = Vec::new();
        for (first, some) in (0..).step_by(at_once).zip(prompts.chunks(at_once)) {
            rendered = survey.used(self.render(tokenizer, some)?);
            // The first condition has every prompt that is used, in order.
            let mut used = rendered.iter().map(|row| row.prompt_id.as_str()).peekable();
            for (number, prompt) in some.iter().enumerate() {
                match used.next_if(|id| *id == prompt.id) {
                    Some(_) => {}
                    None => left_out.push(first + number),
                }
            }
        }
        if prompts.len() <= at_once {
            self.rendered = Some(rendered);
        }
        let findings = survey.findings();
        let rows = prompts.iter().enumerate().map(|(number, prompt)| {
            let is_used = left_out.binary_search(&number).is_err();
            hash_of_rows([
                prompt.id.as_str(),
                &prompt.text,
                if is_used { "" } else { "left out" },
            ])
        });
        let rows = rows.collect();
        self.prompts = Some(prompts);
        Ok((rows, Common { left_out, findings }, size))
    }
}

impl Sharded for Extraction {
    type Error = anyhow::Error;

    fn open(&mut self) -> Result<()> {
        if self.model.is_none() {
            let hashes = HashMemo::read(&self.layout.hash_memo());
            let open = match self.pipeline.extract.reads_answers() {
                true => open_for_generation,
                false => open_model,
            };
            self.model = Some(open(&self.pipeline.model, &hashes)?);
        }
        Ok(())
    }

    fn plan(&mut self) -> Result<Plan> {
        let prompts = self.prompts()?.len();
        // A model that is not to be run needs no weights.
        let (rows, common, size) = match self.model.take() {
            Some(model) => {
                let cut = self.survey(model.network.config(), &model.tokenizer);
                self.model = Some(model);
                cut?
            }
            None => {
                let parts = inspect(&self.pipeline.model)?.parts;
                self.survey(&parts.config, &parts.tokenizer)?
            }
        };
        for finding in &common.findings {
            tracing::warn!("{finding}");
        }
        let hash = |start: usize, end: usize| hash_of_rows(rows[start..end].iter().map(String::as_str));
        Ok(Plan::even(prompts, size, serde_json::to_value(common)?, hash))
    }

    fn run(&mut self, plan: &Plan, number: usize, out: &Path) -> Result<()> {
        let common: Common = serde_json::from_value(plan.common.clone())?;
        let shard = &plan.shards[number];
        self.open()?;
        self.prompts()?;
        let (Some(model), Some(prompts)) = (&self.model, &self.prompts) else {
            anyhow::bail!("the model was just opened");
        };
        let rendered = match self.rendered.take() {
            Some(rendered) => rendered,
            None => {
                let is_used = |number: &usize| common.left_out.binary_search(number).is_err();
                anyhow::ensure!(
                    shard.end <= prompts.len(),
                    "the prompts have changed; submit again"
                );
                let numbers = (shard.start..shard.end).filter(is_used);
                let own: Vec<Prompt> = numbers.map(|number| prompts[number].clone()).collect();
                self.render(&model.tokenizer, &own)?
            }
        };
        let findings = if plan.is_whole() {
            common.findings
        } else {
            Vec::new()
        };
        write(
            &self.pipeline,
            &self.layout,
            out,
            model,
            (number, &rendered, &findings),
        )
    }

    fn arithmetic(&self) -> String {
        self.model.as_ref().map(OpenModel::arithmetic).unwrap_or_default()
    }

    fn joined(&self) -> &[&str] {
        match self.pipeline.extract.reads_answers() {
            true => &["prompts.parquet", "answers.parquet"],
            false => &["prompts.parquet"],
        }
    }

    /// The tables of prompts and of answers: all of the first condition, then all of the second, as one process
    /// writes them.
    fn join(&mut self, plan: &Plan, shards: &[PathBuf], out: &Path) -> Result<()> {
        let common: Common = serde_json::from_value(plan.common.clone())?;
        let findings = &common.findings;
        self.join_table::<RenderedPrompt>((shards, out), findings, |row| &row.condition)?;
        if self.pipeline.extract.reads_answers() {
            self.join_table::<Answer>((shards, out), &[], |row| &row.condition)?;
        }
        Ok(())
    }
}

impl Extraction {
    fn join_table<T: Table>(
        &self,
        (shards, out): (&[PathBuf], &Path),
        findings: &[String],
        condition_of: impl Fn(&T) -> &str,
    ) -> Result<()> {
        let place = self.layout.table::<T>();
        let of_shard = |shard: &PathBuf| self.layout.in_progress(shard, &place);
        let mut writer: Option<TableWriter<T>> = None;
        for condition in &self.pipeline.conditions {
            for shard in shards {
                let (batches, metadata): (_, Metadata) = T::read_batches(&of_shard(shard), 1024)?;
                if writer.is_none() {
                    let metadata = with_findings(metadata.inherited(), findings);
                    let place = self.layout.in_progress(out, &place);
                    writer = Some(TableWriter::create(&place, &metadata)?);
                }
                for batch in batches {
                    let mut rows = batch?;
                    rows.retain(|row| condition_of(row) == condition.name);
                    if let Some(writer) = &mut writer {
                        writer.append(&rows)?;
                    }
                }
            }
        }
        Ok(writer.context("no shard")?.finish()?)
    }
}

/// Texts that are rendered together where the prompts are several shards.
const RENDERED_AT_ONCE: usize = 1024;

/// The prompts of a shard: as the pipeline says, or the largest power of two up to 16384 with which a layer's part
/// takes at most 128 MiB. The texts of a shard are in memory at once, and take some kilobytes each.
pub fn shard_prompts(pipeline: &Pipeline, config: &ModelConfig) -> usize {
    let rows = pipeline.conditions.len() * pipeline.extract.poolings.len();
    let bytes = (rows * config.hidden_size * size_of::<f32>()).max(1);
    let fitting = (PART_BYTES / bytes).max(1);
    let largest = MOST_PROMPTS.min(1 << fitting.ilog2());
    pipeline.extract.shard_prompts.unwrap_or(largest)
}

const PART_BYTES: usize = 128 << 20;
const MOST_PROMPTS: usize = 1 << 14;
