//! Activations and an autoencoder small enough to check by hand, on disk as they come.

use std::path::PathBuf;

use pipeline::Pipeline;
use results::{Activation, Layout, Metadata, Table, read_activations, write_activations};
use safetensors::serialize_to_file;
use safetensors::tensor::{Dtype, TensorView};
use tempfile::TempDir;
use terms::{Pooling, Site};
use testkit::EXAMPLE_PIPELINE;

/// The axes, the first one's opposite, and a feature that is never active; all above 0.25.
pub const ENCODER: [[f32; 6]; 4] = [
    [1.0, 0.0, 0.0, 0.0, -1.0, 0.0],
    [0.0, 1.0, 0.0, 0.0, 0.0, 0.0],
    [0.0, 0.0, 1.0, 0.0, 0.0, 0.0],
    [0.0, 0.0, 0.0, 1.0, 0.0, 0.0],
];

pub struct Example {
    pub folder: TempDir,
    pub layout: Layout,
}

impl Example {
    /// Layers 0 and 1, of which layer 1 has the rows: `[condition][prompt]`.
    pub fn new(rows: &[(&str, [[f32; 4]; 4])]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path().join("results"));
        fs_err::create_dir_all(folder.path().join("out")).unwrap();
        let example = Example { folder, layout };
        let rows: Vec<Activation> = rows
            .iter()
            .flat_map(|(condition, rows)| rows.iter().enumerate().map(move |row| activation(condition, row)))
            .collect();
        let empty: Vec<Activation> = rows
            .iter()
            .map(|row| Activation {
                activation: vec![1.0; 4],
                norm: 2.0,
                ..row.clone()
            })
            .collect();
        example.write_layer(0, &empty);
        example.write_layer(1, &rows);
        example
    }

    /// Layer 1 with a prompt's row in one condition only.
    pub fn without_last_row(&self) {
        let (mut rows, _) = read_activations(&self.layout.activations(), 1).unwrap();
        rows.pop();
        self.write_layer(1, &rows);
    }

    fn write_layer(&self, layer: usize, rows: &[Activation]) {
        let metadata = Metadata::default()
            .with("hidden_size", 4)
            .with("model_fingerprint", "an-example")
            .with("dtype", "f32");
        write_activations(
            &self.layout.activations_at(Site::ResidualPost),
            layer,
            &metadata,
            rows,
        )
        .unwrap();
    }

    /// Writes the autoencoder of a hook as Gemma Scope 2 does.
    pub fn autoencoder(&self, hook: &str) -> PathBuf {
        let folder = self.folder.path().join("sae");
        fs_err::create_dir_all(&folder).unwrap();
        let encoder = ENCODER.concat();
        let decoder: Vec<f32> = (0..6)
            .flat_map(|feature| ENCODER.map(|row| row[feature]))
            .collect();
        let tensors = [
            ("w_enc", vec![4, 6], encoder),
            ("w_dec", vec![6, 4], decoder),
            ("b_enc", vec![6], vec![0.0; 6]),
            ("b_dec", vec![4], vec![0.0; 4]),
            ("threshold", vec![6], vec![0.25; 6]),
        ];
        let bytes: Vec<(&str, Vec<usize>, Vec<u8>)> = tensors
            .into_iter()
            .map(|(name, shape, values)| {
                (
                    name,
                    shape,
                    values.iter().flat_map(|value| value.to_le_bytes()).collect(),
                )
            })
            .collect();
        let views = bytes
            .iter()
            .map(|(name, shape, bytes)| (*name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
        serialize_to_file(views, None, &folder.join("params.safetensors")).unwrap();
        fs_err::write(
            folder.join("config.json"),
            format!("{{\"hf_hook_point_in\": \"{hook}\"}}"),
        )
        .unwrap();
        folder
    }

    /// A pipeline with the autoencoder of the hook.
    pub fn pipeline(&self, hook: &str) -> Pipeline {
        let path = self.folder.path().join("example.toml");
        let folder = self.autoencoder(hook);
        let entry = format!(
            "\n[[saes]]\nname = \"axes\"\nfolder = {:?}\n",
            folder.to_str().unwrap()
        );
        fs_err::write(&path, format!("{EXAMPLE_PIPELINE}{entry}")).unwrap();
        Pipeline::read(&path, &[]).unwrap()
    }

    /// Runs the stage.
    pub fn run(&self, pipeline: &Pipeline) -> results::Result<()> {
        features::run(pipeline, &self.layout, &self.folder.path().join("out"))
    }

    /// A table that it wrote.
    pub fn read<T: Table>(&self) -> Vec<T> {
        let path = self
            .layout
            .in_progress(&self.folder.path().join("out"), &self.layout.table::<T>());
        T::read(&path).unwrap().0
    }
}

fn activation(condition: &str, (prompt, row): (usize, &[f32; 4])) -> Activation {
    Activation {
        prompt_id: format!("prompt {prompt}"),
        condition: condition.to_owned(),
        pooling: Pooling::Newline,
        position: None,
        token_id: None,
        token_text: None,
        norm: row.iter().map(|value| value * value).sum::<f32>().sqrt(),
        activation: row.to_vec(),
    }
}
