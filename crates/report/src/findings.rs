//! The answer in figures, computed from the tables.

use artifacts::{Pipeline, Summary};

use crate::format::{number, number_or_dash, percent};
use crate::inputs::Inputs;

/// What the first paragraph of the report says.
#[derive(Clone, Debug, PartialEq)]
pub struct Findings {
    pub layers: usize,
    /// The layer with the largest difference between within and across; the lowest where layers are equal.
    pub peak: Summary,
    pub mean_within: f64,
    pub mean_cross: f64,
    pub mean_difference: f64,
    pub prompts: usize,
    /// How well the contrast of the other prompts tells a prompt's two residuals apart at the peak: the share
    /// of residuals that fall on their own side, and the area under the ROC curve.
    pub accuracy: f64,
    pub auc: f64,
}

impl Findings {
    /// Nothing where there is no layer.
    pub fn of(inputs: &Inputs) -> Option<Self> {
        let peak = peak(&inputs.summaries)?;
        let statistics = inputs.evidence.statistics.get(peak.layer)?;
        let mean = |of: fn(&Summary) -> f64| {
            inputs.summaries.iter().map(of).sum::<f64>() / inputs.summaries.len() as f64
        };
        Some(Findings {
            layers: inputs.summaries.len(),
            peak: peak.clone(),
            mean_within: mean(|row| row.avg_within_category),
            mean_cross: mean(|row| row.avg_cross_category),
            mean_difference: mean(|row| row.similarity_difference),
            prompts: inputs.prompt_count,
            accuracy: statistics.separation_accuracy,
            auc: statistics.separation_auc,
        })
    }

    /// The answer in two or three sentences.
    pub fn sentences(&self, pipeline: &Pipeline) -> Vec<String> {
        let label = |name: &str| {
            pipeline
                .condition(name)
                .map_or(name.to_owned(), |found| found.label.clone())
        };
        let (positive, negative) = (
            label(&pipeline.contrast.positive),
            label(&pipeline.contrast.negative),
        );
        let Findings {
            peak, accuracy, auc, ..
        } = self;
        let (within, cross) = (
            number(peak.avg_within_category, 4),
            number(peak.avg_cross_category, 4),
        );
        let difference = number(peak.similarity_difference, 4);
        let layer = peak.layer;
        let first = if peak.similarity_difference > 0.0 {
            format!(
                "{} tells {positive} from {negative} most clearly after layer {layer}: there, two prompts of one \
                 role have a cosine of {within} on average and two prompts across the roles {cross}, a difference \
                 of {difference}.",
                pipeline.model.name
            )
        } else {
            format!(
                "No layer of {} holds prompts of one role closer together than prompts across {positive} and \
                 {negative}: the largest difference, after layer {layer}, is {difference}.",
                pipeline.model.name
            )
        };
        let second = format!(
            "Over all {} layers the means are {} within a role, {} across the roles, and {} for the difference.",
            self.layers,
            number(self.mean_within, 4),
            number(self.mean_cross, 4),
            number(self.mean_difference, 4),
        );
        let share = number(100.0 * peak.contrast_norm / peak.mean_residual_norm, 1);
        let third = format!(
            "With a contrast vector made of all prompts but one, {} of the residuals that were left out fall on their \
             own side after layer {layer} (AUC {}); the vector of all prompts is {share} % as long as the mean residual.",
            percent(*accuracy),
            number_or_dash(*auc, 3),
        );
        vec![first, second, third]
    }
}

pub fn peak(rows: &[Summary]) -> Option<&Summary> {
    // `max_by` gives the last of equal ones, so the layers go in reverse.
    rows.iter()
        .rev()
        .max_by(|a, b| a.similarity_difference.total_cmp(&b.similarity_difference))
}
