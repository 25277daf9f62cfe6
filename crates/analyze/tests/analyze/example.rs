//! Activations small enough to check by hand, on disk as `extract` leaves them.

use std::path::PathBuf;

use pipeline::Pipeline;
use results::{
    Activation, Layout, Metadata, Projection, Similarity, Summary, Table, VectorRow, write_activations,
};
use tempfile::TempDir;
use terms::Pooling;
use testkit::EXAMPLE_PIPELINE;

pub struct Example {
    pub layout: Layout,
    pub out: PathBuf,
    folder: TempDir,
}

/// What the stage wrote.
pub struct Tables {
    pub summaries: Vec<Summary>,
    pub similarities: Vec<Similarity>,
    pub projections: Vec<Projection>,
    pub vectors: Vec<VectorRow>,
}

impl Example {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path().join("results"));
        let out = folder.path().join("out");
        fs_err::create_dir_all(&out).unwrap();
        Example { layout, out, folder }
    }

    /// A pipeline whose contrast is `positive` minus `negative`.
    pub fn pipeline(&self, positive: &str, negative: &str) -> Pipeline {
        let path = self.folder.path().join("example.toml");
        let text = EXAMPLE_PIPELINE
            .replace("positive = \"normal\"", &format!("positive = \"{positive}\""))
            .replace("negative = \"swapped\"", &format!("negative = \"{negative}\""));
        fs_err::write(&path, text).unwrap();
        Pipeline::read(&path, &[]).unwrap()
    }

    /// A pipeline with these conditions, whose contrast is normal minus swapped.
    pub fn pipeline_of(&self, conditions: &str) -> Pipeline {
        let (start, end) = (
            EXAMPLE_PIPELINE.find("[[conditions]]").unwrap(),
            EXAMPLE_PIPELINE.find("[contrast]").unwrap(),
        );
        let text = format!(
            "{}{conditions}\n{}",
            &EXAMPLE_PIPELINE[..start],
            &EXAMPLE_PIPELINE[end..]
        );
        let path = self.folder.path().join("example.toml");
        fs_err::write(&path, text).unwrap();
        Pipeline::read(&path, &[]).unwrap()
    }

    pub fn write_layer(&self, layer: usize, rows: &[Activation]) {
        let metadata = Metadata::default()
            .with("hidden_size", rows[0].activation.len())
            .with("model_fingerprint", "an-example")
            .with("dtype", "f32");
        write_activations(&self.layout.activations(), layer, &metadata, rows).unwrap();
    }

    /// Runs the stage and reads its tables.
    pub fn tables(&self, pipeline: &Pipeline) -> Tables {
        analyze::run(pipeline, &self.layout, &self.out).unwrap();
        Tables {
            summaries: Summary::read(&self.out.join("summary.parquet")).unwrap().0,
            similarities: Similarity::read(&self.out.join("similarities.parquet"))
                .unwrap()
                .0,
            projections: Projection::read(&self.out.join("projections.parquet")).unwrap().0,
            vectors: VectorRow::read(&self.out.join("vectors.parquet")).unwrap().0,
        }
    }

    /// Runs the stage and gives back the message of the error that it must end with.
    pub fn error(&self) -> String {
        let error = analyze::run(&self.pipeline("normal", "swapped"), &self.layout, &self.out).unwrap_err();
        let written = fs_err::read_dir(&self.out).unwrap().count();
        assert_eq!(written, 0, "files were written before the error: {error}");
        error.to_string()
    }
}

pub fn activation(condition: &str, prompt: &str, pooling: Pooling, vector: &[f32]) -> Activation {
    Activation {
        prompt_id: prompt.to_owned(),
        condition: condition.to_owned(),
        pooling,
        position: None,
        token_id: None,
        token_text: None,
        norm: vector.iter().map(|value| value * value).sum::<f32>().sqrt(),
        activation: vector.to_vec(),
    }
}

/// Two prompts in each of two conditions, with cosines that are plain fractions.
pub fn four_rows() -> Vec<Activation> {
    let rows: [(&str, &str, [f32; 3]); 4] = [
        ("normal", "who", [1.0, 0.0, 0.0]),
        ("normal", "job", [3.0, 4.0, 0.0]),
        ("swapped", "who", [0.0, 2.0, 0.0]),
        ("swapped", "job", [0.0, 3.0, 4.0]),
    ];
    rows.iter()
        .map(|(condition, prompt, row)| activation(condition, prompt, Pooling::Newline, row))
        .collect()
}
