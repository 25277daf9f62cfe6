//! The sweep over doses: what each dose did, which one was chosen, and the texts that are shown.

use anyhow::{Context, Result, ensure};
use interventions::Kind;
use results::{
    Dose, DoseCandidate, DoseDirection, DoseEffect, DoseSummary, DoseText, Metadata, Run, read_dose_summary,
};

#[derive(Debug)]
pub struct Doses {
    pub summary: DoseSummary,
    pub effects: Vec<DoseEffect>,
    /// Only the unsteered texts and those under the contrast at the layer that is
    /// shown.
    pub texts: Vec<DoseText>,
}

impl Doses {
    pub fn read(run: &Run) -> Result<(Self, Metadata)> {
        let path = run.layout().dose_summary();
        let summary = read_dose_summary(&path)?;
        let (effects, metadata) = run.read_with_footer()?;
        let texts: Vec<DoseText> = run.read()?;
        let is_known = summary
            .chosen
            .is_none_or(|chosen| chosen < summary.candidates.len());
        ensure!(
            is_known,
            "{}: the chosen dose is none of the candidates; run `cargo xtask dose --force`",
            path.display()
        );
        let mut doses = Doses {
            summary,
            effects,
            texts: Vec::new(),
        };
        let layer = doses.shown().map(|candidate| candidate.layer);
        let is_kept = |text: &DoseText| is_unsteered(&text.dose) || is_contrast_at(&text.dose, layer);
        doses.texts = texts.into_iter().filter(is_kept).collect();
        Ok((doses, metadata))
    }

    pub fn chosen(&self) -> Option<&DoseCandidate> {
        self.summary.candidates.get(self.summary.chosen?)
    }

    /// The dose whose layer the charts are of: the chosen one, or else the one with the largest
    /// effect, of the contrast. None where no dose was tried.
    pub fn shown(&self) -> Option<&DoseCandidate> {
        let by_effect = |a: &&DoseCandidate, b: &&DoseCandidate| a.effect.total_cmp(&b.effect);
        self.chosen().or_else(|| self.contrasts().max_by(by_effect))
    }

    /// The doses of the contrast that could be chosen.
    pub fn contrasts(&self) -> impl Iterator<Item = &DoseCandidate> {
        let contrast = DoseDirection::CONTRAST.name();
        let candidates = self.summary.candidates.iter();
        candidates.filter(move |candidate| candidate.direction == contrast)
    }

    /// The rows of one condition that were not steered.
    pub fn unsteered(&self, condition: &str) -> Result<&DoseEffect> {
        let is_it = |row: &&DoseEffect| is_unsteered(&row.dose) && row.condition == condition;
        let found = self.effects.iter().find(is_it);
        found.with_context(|| {
            format!("doses.parquet has no unsteered row of \"{condition}\"; run `cargo xtask dose --force`")
        })
    }
}

pub fn is_unsteered(dose: &Dose) -> bool {
    dose.operation.is_none()
}

/// Whether the contrast was added, in some amount, at this layer.
pub fn is_contrast_at(dose: &Dose, layer: Option<usize>) -> bool {
    dose.operation == Some(Kind::Addition) && dose.direction == DoseDirection::CONTRAST && dose.layer == layer
}
