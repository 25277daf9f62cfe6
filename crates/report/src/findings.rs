//! The answer in figures, computed from the tables.

use pages::format::{number, number_or_dash, percent};
use pipeline::Pipeline;
use results::Summary;

use crate::conditions::label;
use crate::inputs::Inputs;
use crate::sweep_tables::Doses;

/// What the report's first paragraph says.
#[derive(Clone, Debug, PartialEq)]
pub struct Findings {
    pub layers: usize,
    /// The layer with the largest difference between within and across; the lowest where layers are
    /// equal.
    pub peak: Summary,
    pub prompts: usize,
    /// How well the contrast of the other prompts tells a prompt's two residuals apart at the peak:
    /// the share of residuals that fall on their own side, and the area under the ROC curve.
    pub accuracy: f64,
    pub auc: f64,
    /// What adding the vector does.
    pub steering: String,
}

impl Findings {
    /// `None` where there are no layers.
    pub fn of(inputs: &Inputs) -> Option<Self> {
        let peak = peak(&inputs.summaries)?;
        let statistics = inputs.evidence.statistics.get(peak.layer)?;
        Some(Findings {
            layers: inputs.summaries.len(),
            peak: peak.clone(),
            prompts: inputs.prompt_count,
            accuracy: statistics.separation_accuracy,
            auc: statistics.separation_auc,
            steering: steering(&inputs.doses),
        })
    }

    /// The answer in three sentences: where the roles diverge, whether that holds for other
    /// prompts, and what the vector does.
    pub fn sentences(&self, pipeline: &Pipeline) -> Vec<String> {
        let (positive, negative) = (
            label(pipeline, &pipeline.contrast.positive),
            label(pipeline, &pipeline.contrast.negative),
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
                "{} separates {positive} from {negative} most clearly after layer {layer}: there, two prompts \
                 in the same role have a mean cosine of {within} and two prompts in different roles one of \
                 {cross}, a difference of {difference}.",
                pipeline.model.name
            )
        } else {
            format!(
                "No layer of {} keeps prompts of one role closer together than prompts across {positive} and \
                 {negative}: the largest difference, after layer {layer}, is {difference}.",
                pipeline.model.name
            )
        };
        let share = number(100.0 * peak.contrast_norm / peak.mean_residual_norm, 1);
        let second = format!(
            "With a contrast vector computed from all prompts but one, {} of the left-out residuals fall on \
             their own side after layer {layer} (AUC {}); the norm of the vector of all prompts is {share} % \
             of the mean residual norm.",
            percent(*accuracy),
            number_or_dash(*auc, 3),
        );
        vec![first, second, self.steering.clone()]
    }
}

fn steering(doses: &Doses) -> String {
    let summary = &doses.summary;
    match doses.chosen() {
        Some(chosen) => format!(
            "Pushed toward the other role at layer {} with {} times that layer\u{2019}s vector, texts move by {} nats per token (95 % interval \
             {} to {}; no control reaches more than {}), and {} of them sound like the other speaker.",
            chosen.layer,
            number(chosen.coefficient, 2),
            number(chosen.effect, 2),
            number(chosen.effect_low, 2),
            number(chosen.effect_high, 2),
            number_or_dash(chosen.control_high, 2),
            percent(chosen.crossed),
        ),
        None if summary.candidates.is_empty() => {
            "This run did not test whether adding the vector changes who speaks.".to_owned()
        }
        None => format!(
            "Adding it does not change who speaks, as far as {} doses show: none of them moves texts more than its controls \
             do while leaving them intact.",
            doses.contrasts().count(),
        ),
    }
}

pub fn peak(rows: &[Summary]) -> Option<&Summary> {
    // `max_by` gives the last of equal ones, so the layers go in reverse.
    rows.iter()
        .rev()
        .max_by(|a, b| a.similarity_difference.total_cmp(&b.similarity_difference))
}
