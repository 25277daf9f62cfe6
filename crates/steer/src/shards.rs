//! The stage in shards: ranges of the rows of all sets, in their order.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use files::HashMemo;
use pipeline::{GenerationSet, Pipeline, VectorKind};
use results::{
    Generation, Layout, LensToken, Metadata, NotebookDescription, Plan, RenderedPrompt, Sharded, Table,
    TableWriter, hash_of_rows, read_contrast_vectors, write_steering_json, write_swapped_role_json,
};
use session::{GpuRecord, OpenModel, about_generation, open_for_generation};

use crate::generation::{generate_rows, residual_norms};
use crate::intervention::resolve_layer;
use crate::lens::lens;
use crate::prompts::picked;
use crate::sets::{Row, expand_set};

/// The rows of a shard: enough to fill any device, few enough to take minutes.
const SHARD_ROWS: usize = 4096;

/// The stage on the rows of a pipeline's sets.
pub struct Steering {
    pipeline: Pipeline,
    layout: Layout,
    model: Option<OpenModel>,
    rows: Option<Rows>,
}

/// What is to be generated, and with what.
struct Rows {
    rows: Vec<Row>,
    contrast: results::ContrastVectors,
    /// The footer of the rendered prompts.
    metadata: Metadata,
}

impl Steering {
    /// Reads nothing yet.
    pub fn new(pipeline: Pipeline, layout: Layout) -> Self {
        Steering {
            pipeline,
            layout,
            model: None,
            rows: None,
        }
    }

    fn read(&self) -> Result<Rows> {
        let (pipeline, layout) = (&self.pipeline, &self.layout);
        let (prompts, metadata) = RenderedPrompt::read(&layout.table::<RenderedPrompt>())?;
        let mut contrast = read_contrast_vectors(&layout.contrast_vectors())?;
        let interventions = pipeline.steer.sets.iter().flat_map(|set| &set.interventions);
        features::insert_directions(
            pipeline,
            interventions.flat_map(|table| table.vectors()),
            &mut contrast,
        )?;
        if let Some(model) = &self.model {
            self.require_same_model(model, &contrast)?;
            if let Some(finding) = about_generation(pipeline, model.resident()?.config(), &prompts) {
                tracing::warn!("{finding}");
            }
        }
        let residual_norms = residual_norms(pipeline, layout)?;
        let prompts = picked(prompts, pipeline.steer.prompts);
        let mut rows = Vec::new();
        for set in &pipeline.steer.sets {
            rows.extend(
                expand_set(set, &prompts, &contrast, &residual_norms, pipeline.steer.seed)
                    .with_context(|| format!("steer.sets.{}", set.name))?,
            );
        }
        Ok(Rows {
            rows,
            contrast,
            metadata: metadata.inherited(),
        })
    }

    fn require_same_model(&self, model: &OpenModel, contrast: &results::ContrastVectors) -> Result<()> {
        let made_by = contrast.metadata.get("model_fingerprint").unwrap_or_default();
        if made_by != model.fingerprint {
            bail!(
                "{}: the vectors belong to another model; run `cargo xtask extract` first",
                self.layout.contrast_vectors().display()
            );
        }
        Ok(())
    }

    fn write_lens(&self, model: &OpenModel, rows: &Rows, metadata: &Metadata, out: &Path) -> Result<()> {
        let tokens = lens(model, &rows.contrast)?;
        let place = self.layout.in_progress(out, &self.layout.table::<LensToken>());
        Ok(LensToken::write(&place, metadata, &tokens)?)
    }

    /// The notebook's files, of all rows of its set.
    fn write_notebook(&self, metadata: &Metadata, rows: &[Generation], out: &Path) -> Result<()> {
        match notebook_set(&self.pipeline) {
            Some(set) => write_notebook_files(&self.pipeline, out, metadata, set, rows),
            None => Ok(()),
        }
    }
}

impl Sharded for Steering {
    type Error = anyhow::Error;

    fn open(&mut self) -> Result<()> {
        if self.model.is_none() {
            let hashes = HashMemo::read(&self.layout.hash_memo());
            self.model = Some(open_for_generation(&self.pipeline.model, &hashes)?);
        }
        Ok(())
    }

    fn plan(&mut self) -> Result<Plan> {
        let read = self.read()?;
        // Everything that a row depends on is in the key of the shards, and its place says which it is.
        let hash = |start: usize, end: usize| hash_of_rows([start.to_string().as_str(), &end.to_string()]);
        let size = self.pipeline.steer.shard_rows.unwrap_or(SHARD_ROWS);
        let plan = Plan::even(read.rows.len(), size, serde_json::Value::Null, hash);
        self.rows = Some(read);
        Ok(plan)
    }

    fn run(&mut self, plan: &Plan, number: usize, out: &Path) -> Result<()> {
        self.open()?;
        if self.rows.is_none() {
            self.rows = Some(self.read()?);
        }
        let (Some(model), Some(rows)) = (&self.model, &self.rows) else {
            bail!("the model was just opened");
        };
        let shard = &plan.shards[number];
        let own = rows.rows.get(shard.start..shard.end);
        let own = own.context("the rows of the sets are others now; submit again")?;
        let steer = &self.pipeline.steer;
        let generated = generate_rows(model, &steer.decoding, steer.max_new_tokens, own)?;
        let metadata = rows
            .metadata
            .clone()
            .with_all(model.gpu.iter().flat_map(GpuRecord::entries));
        if number == 0 {
            self.write_lens(model, rows, &metadata, out)?;
        }
        let metadata = metadata
            .with("seed", steer.seed)
            .with("max_new_tokens", steer.max_new_tokens);
        let place = self.layout.in_progress(out, &self.layout.table::<Generation>());
        Generation::write(&place, &metadata, &generated)?;
        match plan.is_whole() {
            true => self.write_notebook(&metadata, &generated, out),
            false => Ok(()),
        }
    }

    fn arithmetic(&self) -> String {
        self.model.as_ref().map(OpenModel::arithmetic).unwrap_or_default()
    }

    fn joined(&self) -> &[&str] {
        &["generations.parquet"]
    }

    fn join(&mut self, _plan: &Plan, shards: &[PathBuf], out: &Path) -> Result<()> {
        let place = self.layout.table::<Generation>();
        let mut writer: Option<(TableWriter<Generation>, Metadata)> = None;
        // The notebook's files hold the texts of one set, and only these are held.
        let mut of_notebook = Vec::new();
        let name = notebook_set(&self.pipeline).map(|set| set.name.as_str());
        for shard in shards {
            let (batches, metadata) =
                Generation::read_batches(&self.layout.in_progress(shard, &place), 1024)?;
            if writer.is_none() {
                let metadata = metadata.inherited();
                let place = self.layout.in_progress(out, &place);
                writer = Some((TableWriter::create(&place, &metadata)?, metadata));
            }
            for batch in batches {
                let rows = batch?;
                if let Some((writer, _)) = &mut writer {
                    writer.append(&rows)?;
                }
                of_notebook.extend(rows.into_iter().filter(|row| Some(row.set.as_str()) == name));
            }
        }
        let (writer, metadata) = writer.context("no shard")?;
        writer.finish()?;
        self.write_notebook(&metadata, &of_notebook, out)
    }
}

/// The set whose texts are also written as the notebook has them.
fn notebook_set(pipeline: &Pipeline) -> Option<&GenerationSet> {
    let name = pipeline.steer.notebook_set.as_ref()?;
    pipeline.steer.sets.iter().find(|set| set.name == *name)
}

/// The texts of one set in the notebook's two formats. The layer of the set's first intervention is
/// part of a file's name.
fn write_notebook_files(
    pipeline: &Pipeline,
    out: &Path,
    metadata: &Metadata,
    set: &GenerationSet,
    rows: &[Generation],
) -> Result<()> {
    let layers = metadata.get("layers").and_then(|text| text.parse().ok());
    let first = set.interventions.first().and_then(|table| table.layers.first());
    let first = first.context("steer.notebook_set: the set has no intervention")?;
    let layer = resolve_layer(*first, layers.unwrap_or(0))?;
    let own: Vec<Generation> = rows.iter().filter(|row| row.set == set.name).cloned().collect();
    let direction = set
        .interventions
        .first()
        .and_then(|table| table.directions.first());
    let feature = match direction.and_then(|name| VectorKind::parse(name)) {
        Some(VectorKind::Feature(sae, feature)) => Some((sae, feature)),
        _ => None,
    };
    let short_name = &pipeline.model.short_name;
    write_steering_json(&out.join(format!("{short_name}_layer{layer}_steer.json")), &own)?;
    let about = NotebookDescription {
        model_name: match &pipeline.model.adapter {
            Some(adapter) => format!("{} + {}", pipeline.model.source.display(), adapter.display()),
            None => pipeline.model.source.display().to_string(),
        },
        model_type: short_name.clone(),
        layer,
        feature,
    };
    Ok(write_swapped_role_json(
        &out.join("swapped_user_role.json"),
        &about,
        &own,
    )?)
}
