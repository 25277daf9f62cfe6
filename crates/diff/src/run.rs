use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use results::{
    ContrastVectors, DoseSummary, Generation, LayerStatistics, Layout, Metadata, RenderedPrompt,
    StatisticsSummary, Summary, distinct, read_contrast_vectors, read_dose_summary, read_statistics_summary,
};
use terms::Pooling;

/// What is compared of one results folder. Tables with one row per layer are for the contrast's
/// pooling, in layer order.
#[derive(Debug)]
pub struct Run {
    /// The folder's own name, which is the pipeline's.
    pub name: String,
    pub layout: Layout,
    pub metadata: Metadata,
    pub about: StatisticsSummary,
    pub summaries: Vec<Summary>,
    pub statistics: Vec<LayerStatistics>,
    pub contrast: ContrastVectors,
    pub prompts: Vec<RenderedPrompt>,
    /// Those of the recorded activations; none where these are gone.
    pub poolings: Vec<Pooling>,
    /// None where the run has generated nothing yet.
    pub generations: Option<(Vec<Generation>, Metadata)>,
    pub dose: Option<DoseSummary>,
}

impl Run {
    /// Reads `folder`, such as `results/tiny`. The stages extract and analyze must have run; steer
    /// and dose are read if they have.
    pub fn read(folder: &Path) -> Result<Run> {
        ensure!(
            folder.is_dir(),
            "{}: there is no such results folder; name a pipeline that has run, or the folder of its results",
            folder.display()
        );
        let layout = Layout::new(folder);
        let analyzed = || {
            format!(
                "{}: can't be compared; `cargo xtask analyze` writes what is missing",
                folder.display()
            )
        };
        let about = read_statistics_summary(&layout.statistics_summary()).with_context(analyzed)?;
        let contrast = read_contrast_vectors(&layout.contrast_vectors()).with_context(analyzed)?;
        let dose = layout.dose_summary();
        let run = results::Run::open(layout)?;
        ensure!(
            contrast.layers == run.layers(),
            "{}: the contrast vectors have {} layers, but the model has {}; run `cargo xtask analyze --force`",
            folder.display(),
            contrast.layers,
            run.layers()
        );
        let name = folder.file_name().unwrap_or(folder.as_os_str());
        Ok(Run {
            name: name.to_string_lossy().into_owned(),
            metadata: run.footer::<Summary>()?,
            summaries: run.by_layer(about.pooling)?,
            statistics: run.by_layer(about.pooling)?,
            contrast,
            prompts: run.prompts()?,
            poolings: poolings(&run)?,
            layout: run.layout().clone(),
            generations: run.read_if_there()?,
            dose: dose.exists().then(|| read_dose_summary(&dose)).transpose()?,
            about,
        })
    }

    pub fn layers(&self) -> usize {
        self.summaries.len()
    }

    pub fn model(&self) -> &str {
        self.metadata.get("model_name").unwrap_or("unknown model")
    }

    /// The position of a layer between the first (0) and the last (1).
    pub fn depth(&self, layer: usize) -> f64 {
        relative_depth(layer, self.layers())
    }
}

fn poolings(run: &results::Run) -> results::Result<Vec<Pooling>> {
    if !run.layout().activations().is_dir() {
        return Ok(Vec::new());
    }
    Ok(distinct(run.positions()?.iter().map(|row| row.pooling)))
}

/// `layer / (layers - 1)`, and 0 for a single layer.
pub fn relative_depth(layer: usize, layers: usize) -> f64 {
    layer as f64 / layers.saturating_sub(1).max(1) as f64
}
