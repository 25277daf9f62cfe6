//! How certain the figures are, and what else the vectors show: the tables of the analysis beside
//! the summary, and the tokens that the vectors promote.

use std::path::Path;

use anyhow::{Result, ensure};
use artifacts::{
    DepthCosine, LayerEffects, LayerStatistics, Layout, LensToken, Outlier, StatisticsSummary, read_depth,
    read_effects, read_lens, read_outliers, read_statistics, read_statistics_summary,
};

/// All of the contrast's pooling; rows of one a layer go by layer.
#[derive(Debug)]
pub struct Evidence {
    pub summary: StatisticsSummary,
    pub statistics: Vec<LayerStatistics>,
    /// Empty where the conditions are not a 2x2 design.
    pub effects: Vec<LayerEffects>,
    pub depth: Vec<DepthCosine>,
    pub outliers: Vec<Outlier>,
    pub lens: Vec<LensToken>,
}

impl Evidence {
    pub fn read(layout: &Layout, pooling: &str, layers: usize) -> Result<Self> {
        let (mut statistics, _) = read_statistics(&layout.statistics())?;
        let (mut effects, _) = read_effects(&layout.effects())?;
        let (mut depth, _) = read_depth(&layout.depth())?;
        let (mut outliers, _) = read_outliers(&layout.outliers())?;
        statistics.retain(|row| row.pooling == pooling);
        effects.retain(|row| row.pooling == pooling);
        depth.retain(|row| row.pooling == pooling);
        outliers.retain(|row| row.pooling == pooling);
        check(
            statistics.iter().map(|row| row.layer),
            layers,
            &layout.statistics(),
        )?;
        if !effects.is_empty() {
            check(effects.iter().map(|row| row.layer), layers, &layout.effects())?;
        }
        Ok(Evidence {
            summary: read_statistics_summary(&layout.statistics_summary())?,
            statistics,
            effects,
            depth,
            outliers,
            lens: read_lens(&layout.lens())?.0,
        })
    }

    pub fn is_significant(&self, layer: usize) -> bool {
        self.summary.significant_layers.contains(&layer)
    }
}

/// The charts take the place of a row for its layer.
fn check(found: impl Iterator<Item = usize>, layers: usize, path: &Path) -> Result<()> {
    ensure!(
        found.eq(0..layers),
        "{}: the layers are not those of the summary; run `cargo xtask analyze --force`",
        path.display()
    );
    Ok(())
}
