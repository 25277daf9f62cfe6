//! Everything that the report is made of, read and checked once.

use std::collections::HashSet;

use anyhow::{Context, Result, bail, ensure};
use files::read_text;
use pages::Markup;
use pipeline::Pipeline;
use results::{
    Certificate, ComponentPlace, Generation, Knockout, Layout, Metadata, PatchEffect, Projection,
    ReadPosition, RenderedPrompt, Run, Similarity, Summary, Verdict, distinct, read_certificate,
};

use crate::analysis_tables::Evidence;
use crate::certificate_errors::beyond;
use crate::chat_markup::{beginning, learn_ends, prompt_markup};
use crate::feature_tables::Features;
use crate::prompt_subset::shown_prompts;
use crate::published::Published;
use crate::sweep_tables::Doses;
use crate::token_facts::{ConditionFacts, condition_facts};

/// The tables of the earlier stages. `summaries`, `similarities` and `projections` are those of the
/// contrast's pooling, by layer.
///
/// If there are many prompts, only some are shown individually; only their rows are kept, so that
/// neither memory nor page grows with the run.
#[derive(Debug)]
pub struct Inputs {
    pub pipeline_text: String,
    /// How many prompts the run has.
    pub prompt_count: usize,
    /// The texts of the prompts that are shown.
    pub prompts: Vec<RenderedPrompt>,
    /// Where they were read.
    pub positions: Vec<ReadPosition>,
    /// The tokens of the run's chat format.
    pub markup: Markup,
    /// The token that texts begin with, such as `<bos>`, where the chat format has one.
    pub beginning: Option<String>,
    /// What the texts of each condition are like, all of them.
    pub facts: Vec<ConditionFacts>,
    pub summaries: Vec<Summary>,
    /// The summaries under all other poolings.
    pub other_summaries: Vec<Summary>,
    /// The cosines between the prompts that are shown; none where the table wasn't asked for.
    pub similarities: Vec<Similarity>,
    /// The projections of the prompts that are shown.
    pub projections: Vec<Projection>,
    /// The residuals on their principal components.
    pub components: Vec<ComponentPlace>,
    /// How reliable the figures are.
    pub evidence: Evidence,
    /// The features of sparse autoencoders.
    pub features: Features,
    /// The sweep over doses.
    pub doses: Doses,
    /// What patching does; none where the stage was left out.
    pub patches: Vec<PatchEffect>,
    /// What hiding parts of the text does; likewise.
    pub knockouts: Vec<Knockout>,
    /// How many prompts have generated texts.
    pub generated_prompts: usize,
    /// The texts of those that are shown.
    pub generations: Vec<Generation>,
    pub certificate: Certificate,
    /// What was published for the same experiment, where the pipeline names it.
    pub published: Option<Published>,
    /// The footers by the name of the table.
    pub metadata: Vec<(&'static str, Metadata)>,
}

impl Inputs {
    pub fn read(pipeline: &Pipeline, layout: &Layout) -> Result<Self> {
        let run = Run::open(layout.clone())?;
        let (mut prompts, prompts_metadata) = run.read_with_footer::<RenderedPrompt>()?;
        ensure!(
            !prompts.is_empty(),
            "{}: there is no prompt; run `cargo xtask extract --force`",
            layout.table::<RenderedPrompt>().display()
        );
        let ids = distinct(prompts.iter().map(|row| row.prompt_id.clone()));
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let shown: HashSet<&str> = shown_prompts(&ids).into_iter().collect();
        let mut positions = run.positions()?;
        let mut markup = prompt_markup(pipeline, &prompts);
        let beginning = beginning(&markup, &prompts).map(str::to_owned);
        let pooling = pipeline.contrast.pooling;
        let facts = condition_facts(&prompts, &positions, pooling, beginning.as_deref());
        positions.retain(|read| shown.contains(read.prompt_id.as_str()));
        prompts.retain(|row| shown.contains(row.prompt_id.as_str()));

        let (mut other_summaries, summary_metadata) = run.read_with_footer::<Summary>()?;
        other_summaries.retain(|row| row.pooling != pooling);
        check_contrast(&summary_metadata, pipeline, layout)?;
        let similarities =
            run.similarities(|of, a, b| of == pooling.as_str() && shown.contains(a) && shown.contains(b))?;
        let mut projections: Vec<Projection> = Vec::new();
        for batch in run.batches()? {
            let is_shown =
                |row: &Projection| row.pooling == pooling && shown.contains(row.prompt_id.as_str());
            projections.extend(batch?.into_iter().filter(is_shown));
        }
        let (mut generations, generations_metadata) = run.read_with_footer::<Generation>()?;
        // `steer.prompts` may leave out those that are shown elsewhere.
        let generated = distinct(generations.iter().map(|row| row.prompt_id.clone()));
        let generated: Vec<&str> = generated.iter().map(String::as_str).collect();
        let with_texts: HashSet<&str> = shown_prompts(&generated).into_iter().collect();
        generations.retain(|row| with_texts.contains(row.prompt_id.as_str()));
        let certificate = read_certificate(&layout.certificate())
            .context("the certificate can't be read; `cargo xtask verify` makes one")?;
        let (doses, doses_metadata) = Doses::read(&run)?;
        learn_ends(&mut markup, &generations, &doses.texts);
        let mut inputs = Inputs {
            pipeline_text: read_text(&pipeline.path)?,
            prompt_count: ids.len(),
            prompts,
            positions,
            markup,
            beginning,
            facts,
            summaries: run.by_layer(pooling)?,
            other_summaries,
            similarities,
            projections,
            components: run.read()?,
            evidence: Evidence::read(&run, pooling)?,
            features: Features::read(&run)?,
            doses,
            patches: run.read_if_there()?.map_or(Vec::new(), |(rows, _)| rows),
            knockouts: run.read_if_there()?.map_or(Vec::new(), |(rows, _)| rows),
            generated_prompts: generated.len(),
            generations,
            certificate,
            published: None,
            metadata: vec![
                ("prompts", prompts_metadata),
                ("summary", summary_metadata),
                ("generations", generations_metadata),
                ("doses", doses_metadata),
            ],
        };
        inputs.check_certificate(pipeline, layout)?;
        if let Some(path) = &pipeline.report.published {
            inputs.published = Some(Published::read(path, pipeline, &inputs.summaries)?);
        }
        Ok(inputs)
    }

    /// The ids of the prompts that are shown, in the order of the prompt file.
    pub fn prompt_ids(&self) -> Vec<&str> {
        distinct(self.prompts.iter().map(|row| row.prompt_id.as_str()))
    }

    /// A prompt's text, or its id where the rendered prompts don't have it.
    pub fn prompt_text<'a>(&'a self, id: &'a str) -> &'a str {
        self.prompts
            .iter()
            .find(|row| row.prompt_id == id)
            .map_or(id, |row| &row.prompt)
    }

    /// Success is shown only for this model, and only where the figures confirm it.
    fn check_certificate(&self, pipeline: &Pipeline, layout: &Layout) -> Result<()> {
        let (path, certificate) = (layout.certificate(), &self.certificate);
        ensure!(
            certificate.model == pipeline.model.name,
            "{}: is the certificate of \"{}\", but the pipeline's model is \"{}\"; run `cargo xtask verify`",
            path.display(),
            certificate.model,
            pipeline.model.name
        );
        let weights = self
            .metadata
            .iter()
            .find_map(|(_, metadata)| metadata.get("weights_fingerprint"));
        ensure!(
            weights.is_none_or(|weights| weights == certificate.weights_fingerprint),
            "{}: is the certificate of other weights than the tables were computed with; run `cargo xtask verify`",
            path.display()
        );
        let is_within = certificate
            .comparison
            .as_ref()
            .is_some_and(|comparison| beyond(comparison).is_none());
        ensure!(
            certificate.verdict != Verdict::Verified || is_within,
            "{}: says \"verified\", which its own figures don't; run `cargo xtask verify --force`",
            path.display()
        );
        Ok(())
    }
}

/// Results for another contrast than the pipeline's would be drawn under the wrong names.
fn check_contrast(footer: &Metadata, pipeline: &Pipeline, layout: &Layout) -> Result<()> {
    for (key, expected) in [
        ("positive", &pipeline.contrast.positive),
        ("negative", &pipeline.contrast.negative),
    ] {
        if let Some(found) = footer.get(key).filter(|found| found != expected) {
            bail!(
                "{}: `{key}` is \"{found}\", but the pipeline says \"{expected}\"; run `cargo xtask analyze`",
                layout.table::<Summary>().display()
            );
        }
    }
    Ok(())
}
