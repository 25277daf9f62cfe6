use std::path::{Path, PathBuf};

use files::HASH_MEMO;
use terms::{Site, Stage};

use crate::Table;

/// Where the results of one pipeline are: `results/<pipeline>/<stage>/…`.
#[derive(Clone, Debug)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// `root` is the folder of one pipeline, such as `results/tiny`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Layout { root: root.into() }
    }

    /// The folder of the pipeline's results.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of a stage.
    pub fn stage(&self, stage: Stage) -> PathBuf {
        self.root.join(stage.as_str())
    }

    /// Where the shards of a stage are made, one folder a key.
    pub fn shards(&self, stage: Stage) -> PathBuf {
        self.stage(stage).with_extension("shards")
    }

    /// The file of a table.
    pub fn table<T: Table>(&self) -> PathBuf {
        self.root.join(T::SCHEMA.file)
    }

    /// The path of a file below the root, as messages name it.
    pub fn inside(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).unwrap_or(path).to_owned()
    }

    /// Where a file of a result is written while its stage runs: at the same place inside of `out`.
    pub fn in_progress(&self, out: &Path, place: &Path) -> PathBuf {
        out.join(self.inside(place).iter().skip(1).collect::<PathBuf>())
    }

    /// The hashes of large files that all pipelines share.
    pub fn hash_memo(&self) -> PathBuf {
        self.root.with_file_name(HASH_MEMO)
    }

    /// How far the model's residual streams and logits are from an independent implementation's.
    pub fn certificate(&self) -> PathBuf {
        self.stage(Stage::Verify).join("certificate.json")
    }

    /// One folder a layer below this one: `layer=NN/part-0.parquet`, and further parts where there are several shards.
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

    /// The vectors under the contrast's pooling, as [`ContrastVectors`](crate::ContrastVectors) has
    /// them.
    pub fn contrast_vectors(&self) -> PathBuf {
        self.stage(Stage::Analyze).join("contrast.safetensors")
    }

    /// The contrast in the formats of other tools.
    pub fn exports(&self) -> PathBuf {
        self.stage(Stage::Analyze).join("export")
    }

    /// The tests over all layers, in sentences.
    pub fn statistics_summary(&self) -> PathBuf {
        self.stage(Stage::Analyze).join("statistics.json")
    }

    /// The choice of the dose.
    pub fn dose_summary(&self) -> PathBuf {
        self.stage(Stage::Dose).join("dose.json")
    }

    /// The page.
    pub fn report(&self) -> PathBuf {
        self.stage(Stage::Report).join("report.html")
    }
}
