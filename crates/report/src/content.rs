//! What figures and sections are made from.

use anyhow::{Context as _, Result};
use pipeline::Pipeline;
use results::Layout;

use crate::findings::Findings;
use crate::inputs::Inputs;

/// A run as the report shows it.
pub struct Content<'a> {
    pub pipeline: &'a Pipeline,
    pub layout: &'a Layout,
    pub inputs: &'a Inputs,
    pub findings: Findings,
}

impl<'a> Content<'a> {
    /// # Errors
    /// A run without layers.
    pub fn of(pipeline: &'a Pipeline, layout: &'a Layout, inputs: &'a Inputs) -> Result<Self> {
        Ok(Content {
            pipeline,
            layout,
            inputs,
            findings: Findings::of(inputs).context("the summary has no layer")?,
        })
    }

    /// The layer that the page shows first: the one with the largest difference.
    pub fn layer(&self) -> usize {
        self.findings.peak.layer
    }

    pub fn layers(&self) -> usize {
        self.findings.layers
    }
}
