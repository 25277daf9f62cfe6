use std::path::{Path, PathBuf};

use crate::Site;

/// The stages that leave results, in the order in which data flows through them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Verify,
    Extract,
    Analyze,
    Steer,
    Dose,
    Report,
}

impl Stage {
    pub const ALL: [Stage; 6] = [
        Stage::Verify,
        Stage::Extract,
        Stage::Analyze,
        Stage::Steer,
        Stage::Dose,
        Stage::Report,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Verify => "verify",
            Stage::Extract => "extract",
            Stage::Analyze => "analyze",
            Stage::Steer => "steer",
            Stage::Dose => "dose",
            Stage::Report => "report",
        }
    }
}

/// Where the results of one pipeline lie: `results/<pipeline>/<stage>/…`.
#[derive(Clone, Debug)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// `root` is the folder of one pipeline, such as `results/tiny`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Layout { root: root.into() }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn stage(&self, stage: Stage) -> PathBuf {
        self.root.join(stage.as_str())
    }

    /// Where a file of a result is written while its stage runs: at the same place inside of `out`.
    pub fn in_progress(&self, out: &Path, place: &Path) -> PathBuf {
        let inside = place.strip_prefix(&self.root).unwrap_or(place);
        out.join(inside.iter().skip(1).collect::<PathBuf>())
    }

    /// The hashes of large files that all pipelines share.
    pub fn remembered_hashes(&self) -> PathBuf {
        self.root.with_file_name(".hash-memo.toml")
    }

    /// How far the model's residual streams and logits are from an independent implementation's.
    pub fn certificate(&self) -> PathBuf {
        self.stage(Stage::Verify).join("certificate.json")
    }

    /// One folder a layer below this one: `layer=NN/part-0.parquet`.
    pub fn activations(&self) -> PathBuf {
        self.stage(Stage::Extract).join("activations")
    }

    /// The same below this folder for what is recorded at another site.
    pub fn activations_at(&self, site: Site) -> PathBuf {
        match site {
            Site::ResidualPost => self.activations(),
            _ => self.stage(Stage::Extract).join("sites").join(site.as_str()),
        }
    }

    /// The rendered prompts with their tokens, one row a prompt and condition.
    pub fn rendered_prompts(&self) -> PathBuf {
        self.stage(Stage::Extract).join("prompts.parquet")
    }

    pub fn summary(&self) -> PathBuf {
        self.stage(Stage::Analyze).join("summary.parquet")
    }

    pub fn similarities(&self) -> PathBuf {
        self.stage(Stage::Analyze).join("similarities.parquet")
    }

    pub fn projections(&self) -> PathBuf {
        self.stage(Stage::Analyze).join("projections.parquet")
    }

    pub fn vectors(&self) -> PathBuf {
        self.stage(Stage::Analyze).join("vectors.parquet")
    }

    pub fn contrast_vectors(&self) -> PathBuf {
        self.stage(Stage::Analyze).join("contrast.safetensors")
    }

    /// The contrast in the formats of other tools.
    pub fn exports(&self) -> PathBuf {
        self.stage(Stage::Analyze).join("export")
    }

    /// Cosines of the vectors of `[[vectors]]` with those of the analysis.
    pub fn comparisons(&self) -> PathBuf {
        self.stage(Stage::Analyze).join("comparisons.parquet")
    }

    /// Intervals, tests and the figures taken in other ways, a row a layer and pooling.
    pub fn statistics(&self) -> PathBuf {
        self.stage(Stage::Analyze).join("statistics.parquet")
    }

    pub fn statistics_summary(&self) -> PathBuf {
        self.stage(Stage::Analyze).join("statistics.json")
    }

    /// 2x2 designs: what speaker and transcript do; no rows for other designs.
    pub fn effects(&self) -> PathBuf {
        self.stage(Stage::Analyze).join("effects.parquet")
    }

    /// Cosines between the contrasts of all layers.
    pub fn depth(&self) -> PathBuf {
        self.stage(Stage::Analyze).join("depth.parquet")
    }

    /// Each row's place in the plane of its layer's two first principal components.
    pub fn principal_components(&self) -> PathBuf {
        self.stage(Stage::Analyze).join("principal_components.parquet")
    }

    pub fn outliers(&self) -> PathBuf {
        self.stage(Stage::Analyze).join("outliers.parquet")
    }

    pub fn generations(&self) -> PathBuf {
        self.stage(Stage::Steer).join("generations.parquet")
    }

    /// The tokens that the contrast of each layer promotes and suppresses.
    pub fn lens(&self) -> PathBuf {
        self.stage(Stage::Steer).join("lens.parquet")
    }

    /// A row a dose and condition.
    pub fn doses(&self) -> PathBuf {
        self.stage(Stage::Dose).join("doses.parquet")
    }

    pub fn dose_texts(&self) -> PathBuf {
        self.stage(Stage::Dose).join("texts.parquet")
    }

    pub fn dose_summary(&self) -> PathBuf {
        self.stage(Stage::Dose).join("dose.json")
    }

    pub fn report(&self) -> PathBuf {
        self.stage(Stage::Report).join("report.html")
    }
}
