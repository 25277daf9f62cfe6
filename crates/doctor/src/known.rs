use anyhow::{Result, bail};
use artifacts::{Dtype, ModelTable};
use extract::inspect;
use model::{ChatTokenizer, DeviceKind, Gemma, GemmaConfig, Precision, open_device};
use synth::{PRESETS, preset};

/// What is known of a pipeline's model without running it.
pub struct Known {
    pub whereabouts: Whereabouts,
    /// `None`: a repository whose shape is not among the published ones that we know.
    pub shape: Option<Shape>,
    /// Where the model is here.
    pub tokenizer: Option<ChatTokenizer>,
    /// Tensors that are left out, and that a user may not expect to be.
    pub left_out: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// A folder or a file of this disk, the hub's cache included.
    Here,
    /// A repository that is still to be downloaded.
    Hub { is_gated: bool },
}

#[derive(Clone, Debug)]
pub struct Shape {
    pub config: GemmaConfig,
    pub precision: Precision,
    /// Bytes of the weights as they are stored.
    pub stored: u64,
    /// Bytes of memory for all of them, whether as pages of the file or as copies.
    pub loaded: u64,
    /// Whether they are copies, which can't be dropped and read again: weights that were quantized, or converted.
    pub is_copied: bool,
}

impl Known {
    /// Errors: a model that is here and can't be used.
    pub fn of(table: &ModelTable) -> Result<Self> {
        if table.place().exists() {
            return Known::here(table);
        }
        let source = table.source.to_string_lossy();
        let mut parts = source.split('/');
        let (Some(owner), Some(name)) = (parts.next(), parts.next()) else {
            bail!(
                "model.source = \"{source}\": there is no such folder or file, and it is no repository of the hub; correct the path \
                 (it starts at the project root)"
            );
        };
        let is_single_file = parts.next().is_some();
        Ok(Known {
            whereabouts: Whereabouts::Hub {
                // Google's Gemma is gated; others may be, which the hub will say.
                is_gated: owner == "google",
            },
            shape: if is_single_file {
                None
            } else {
                published(name, table.dtype)
            },
            tokenizer: None,
            left_out: Vec::new(),
        })
    }

    /// Compares the files as every stage does when it opens the model.
    fn here(table: &ModelTable) -> Result<Self> {
        let model = inspect(table)?;
        let checkpoint = &model.parts.checkpoint;
        let device = open_device(DeviceKind::Cpu)?;
        let loaded = Gemma::loaded_size(checkpoint, &device, model.precision) as u64;
        let stored = checkpoint.size() as u64;
        Ok(Known {
            whereabouts: Whereabouts::Here,
            shape: Some(Shape {
                precision: model.precision,
                stored,
                loaded,
                is_copied: loaded != stored,
                config: model.parts.config,
            }),
            left_out: checkpoint.left_out().to_vec(),
            tokenizer: Some(model.parts.tokenizer),
        })
    }
}

/// The shape of a published model, by the name of its repository. Base models have that of the instruction-tuned ones.
fn published(name: &str, dtype: Dtype) -> Option<Shape> {
    let wanted = name.trim_end_matches("-it").trim_end_matches("-pt");
    let found = PRESETS
        .iter()
        .find(|preset| preset.trim_end_matches("-it") == wanted)?;
    let config = GemmaConfig::from_json(&preset(found)?).ok()?;
    let weights: usize = config
        .tensors()
        .iter()
        .map(|(_, shape)| shape.iter().product::<usize>())
        .sum();
    // All of them are published in bf16.
    let stored = 2 * weights as u64;
    Some(Shape {
        config,
        precision: if dtype == Dtype::F32 {
            Precision::F32
        } else {
            Precision::Bf16
        },
        stored,
        loaded: stored,
        is_copied: false,
    })
}
