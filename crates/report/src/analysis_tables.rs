//! How certain the figures are, and what else the vectors show: the tables of the analysis other
//! than the summary, and the tokens that the vectors promote.

use anyhow::Result;
use results::{
    DepthCosine, LayerEffects, LayerStatistics, LensToken, Outlier, Run, StatisticsSummary,
    read_statistics_summary,
};
use terms::Pooling;

/// All for the contrast's pooling; tables with one row per layer are in layer order.
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
    pub fn read(run: &Run, pooling: Pooling) -> Result<Self> {
        let mut depth: Vec<DepthCosine> = run.read()?;
        let mut outliers: Vec<Outlier> = run.read()?;
        depth.retain(|row| row.pooling == pooling);
        outliers.retain(|row| row.pooling == pooling);
        Ok(Evidence {
            summary: read_statistics_summary(&run.layout().statistics_summary())?,
            statistics: run.by_layer(pooling)?,
            effects: run.by_layer(pooling)?,
            depth,
            outliers,
            lens: run.read()?,
        })
    }

    pub fn is_significant(&self, layer: usize) -> bool {
        self.summary.significant_layers.contains(&layer)
    }
}
