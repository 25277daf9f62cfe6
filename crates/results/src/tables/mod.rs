//! One file a table. To add one: its file, and two lines here.

mod activations;
mod comparisons;
mod components;
mod depth;
mod dose_texts;
mod doses;
mod effects;
mod features;
mod generations;
mod held_out_texts;
mod knockouts;
mod lens;
mod outliers;
mod patched_prompts;
mod patches;
mod projections;
mod rendered;
mod similarities;
mod statistics;
mod summaries;
mod vectors;

pub use activations::*;
pub use comparisons::*;
pub use components::*;
pub use depth::*;
pub use dose_texts::*;
pub use doses::*;
pub use effects::*;
pub use features::*;
pub use generations::*;
pub use held_out_texts::*;
pub use knockouts::*;
pub use lens::*;
pub use outliers::*;
pub use patched_prompts::*;
pub use patches::*;
pub use projections::*;
pub use rendered::*;
pub use similarities::*;
pub use statistics::*;
pub use summaries::*;
pub use vectors::*;

use crate::Table;
use crate::contract::TableSchema;

/// The contract of every table that a run can have, in the order of the stages.
pub const TABLES: &[TableSchema] = &[
    RenderedPrompt::SCHEMA,
    Activation::SCHEMA,
    Summary::SCHEMA,
    Similarity::SCHEMA,
    Projection::SCHEMA,
    VectorRow::SCHEMA,
    LayerStatistics::SCHEMA,
    LayerEffects::SCHEMA,
    ComponentPlace::SCHEMA,
    DepthCosine::SCHEMA,
    Outlier::SCHEMA,
    VectorComparison::SCHEMA,
    Sae::SCHEMA,
    SaeFit::SCHEMA,
    Feature::SCHEMA,
    FeatureActivity::SCHEMA,
    Generation::SCHEMA,
    LensToken::SCHEMA,
    DoseEffect::SCHEMA,
    DoseText::SCHEMA,
    HeldOutText::SCHEMA,
    PatchEffect::SCHEMA,
    PatchedPrompt::SCHEMA,
    Knockout::SCHEMA,
];
