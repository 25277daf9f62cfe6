use crate::is_plain_name;

/// What a row of the vector table holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VectorKind {
    /// mean(positive) - mean(negative).
    Contrast,
    /// The direction in which the same prompt's two rows differ most, as long as the contrast.
    PairedDifferencePca,
    /// The normal of a logistic regression's plane between the two conditions, as long as the
    /// contrast.
    LogisticProbe,
    /// The direction of a linear discriminant analysis with a shrunk covariance, as long as the
    /// contrast.
    ShrinkageLda,
    /// The contrast without its part along given directions.
    Cleaned,
    /// 2x2 designs: what the speaker, the transcript, and the two together beyond their sum do.
    SpeakerEffect,
    /// What the transcript does.
    TranscriptEffect,
    /// What both do together, beyond their sum.
    InteractionEffect,
    /// The mean over the prompts of the named condition.
    Mean(String),
    /// A vector that someone else made, by its name in `[[vectors]]`.
    Imported(String),
    /// The direction of a sparse autoencoder's feature: the autoencoder's name in `[[saes]]`, and the
    /// feature's number.
    Feature(String, usize),
}

impl VectorKind {
    /// Those of a 2x2 design.
    pub const EFFECTS: [VectorKind; 3] = [
        VectorKind::SpeakerEffect,
        VectorKind::TranscriptEffect,
        VectorKind::InteractionEffect,
    ];

    /// The directions that every analysis gives, the contrast first.
    pub fn of_every_run() -> &'static [VectorKind] {
        &[
            VectorKind::Contrast,
            VectorKind::PairedDifferencePca,
            VectorKind::LogisticProbe,
            VectorKind::ShrinkageLda,
        ]
    }

    /// The name in tables, in the safetensors file and in pipelines.
    pub fn name(&self) -> String {
        let name = match self {
            VectorKind::Contrast => "contrast",
            VectorKind::PairedDifferencePca => "pca",
            VectorKind::LogisticProbe => "probe",
            VectorKind::ShrinkageLda => "lda",
            VectorKind::Cleaned => "contrast.cleaned",
            VectorKind::SpeakerEffect => "effect.speaker",
            VectorKind::TranscriptEffect => "effect.transcript",
            VectorKind::InteractionEffect => "effect.interaction",
            VectorKind::Imported(name) => name,
            VectorKind::Mean(condition) => return format!("mean.{condition}"),
            VectorKind::Feature(sae, feature) => return format!("sae.{sae}.{feature}"),
        };
        name.to_owned()
    }

    /// A plain name that is none of ours is that of an imported vector.
    pub fn parse(name: &str) -> Option<Self> {
        if let Some(condition) = name.strip_prefix("mean.") {
            return Some(VectorKind::Mean(condition.to_owned()));
        }
        if let Some((sae, feature)) = name.strip_prefix("sae.").and_then(|rest| rest.rsplit_once('.')) {
            let feature = feature.parse().ok().filter(|_| is_plain_name(sae))?;
            return Some(VectorKind::Feature(sae.to_owned(), feature));
        }
        let mut known = Self::of_every_run()
            .iter()
            .chain([&VectorKind::Cleaned])
            .chain(&Self::EFFECTS);
        let imported = || is_plain_name(name).then(|| VectorKind::Imported(name.to_owned()));
        known.find(|kind| kind.name() == name).cloned().or_else(imported)
    }

    /// In words: `pca, probe, lda`.
    pub fn names<'a>(kinds: impl Iterator<Item = &'a VectorKind>) -> String {
        kinds.map(VectorKind::name).collect::<Vec<_>>().join(", ")
    }
}
