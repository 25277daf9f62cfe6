//! How certain the figures are, and what else the vectors show: the tables of the analysis beside
//! the summary, and the tokens that the vectors promote.

use std::path::Path;
use terms::Pooling;

use anyhow::{Result, ensure};
use results::{
    DepthCosine, LayerEffects, LayerStatistics, Layout, LensToken, Outlier, StatisticsSummary, Table,
    read_statistics_summary,
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
    pub fn read(layout: &Layout, pooling: Pooling, layers: usize) -> Result<Self> {
        let (mut statistics, _) = LayerStatistics::read(&layout.table::<LayerStatistics>())?;
        let (mut effects, _) = LayerEffects::read(&layout.table::<LayerEffects>())?;
        let (mut depth, _) = DepthCosine::read(&layout.table::<DepthCosine>())?;
        let (mut outliers, _) = Outlier::read(&layout.table::<Outlier>())?;
        statistics.retain(|row| row.pooling == pooling);
        effects.retain(|row| row.pooling == pooling);
        depth.retain(|row| row.pooling == pooling);
        outliers.retain(|row| row.pooling == pooling);
        check(
            statistics.iter().map(|row| row.layer),
            layers,
            &layout.table::<LayerStatistics>(),
        )?;
        if !effects.is_empty() {
            check(
                effects.iter().map(|row| row.layer),
                layers,
                &layout.table::<LayerEffects>(),
            )?;
        }
        Ok(Evidence {
            summary: read_statistics_summary(&layout.statistics_summary())?,
            statistics,
            effects,
            depth,
            outliers,
            lens: LensToken::read(&layout.table::<LensToken>())?.0,
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
