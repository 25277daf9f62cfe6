use std::path::Path;

use anyhow::{Result, bail};
use files::{ModelSource, hub_snapshot, missing_files, offline_problem};
use model::{
    ChatTokenizer, Demands, DeviceKind, ModelConfig, Network, Precision, adapter_base, is_gated, open_device,
    published_config, published_models,
};
use pipeline::ModelTable;
use session::{about_adapter_template, inspect};
use terms::Dtype;

use crate::machine::Machine;

/// What is known of a pipeline's model without running it.
pub struct Known {
    pub whereabouts: Whereabouts,
    /// `None`: a repository whose shape is not among the published ones that we know.
    pub shape: Option<Shape>,
    /// Present if the model is on this machine.
    pub tokenizer: Option<ChatTokenizer>,
    /// Tensors that are left out, although a user may not expect it.
    pub left_out: Vec<String>,
    /// The fine-tune on the model, in words.
    pub adapter: Option<String>,
    /// What is worth a warning about it.
    pub about_adapter: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// A folder or a file of this disk, the hub's cache included.
    Here,
    /// A repository that is still to be downloaded, or the rest of it: `lacks` says what the cache
    /// has of it.
    Hub { is_gated: bool, lacks: Option<String> },
}

#[derive(Clone, Debug)]
pub struct Shape {
    pub config: ModelConfig,
    pub precision: Precision,
    pub demands: Demands,
    /// Bytes of the weights as they are stored.
    pub stored: u64,
    /// Bytes of memory for all of them, whether as pages of the file or as copies.
    pub loaded: u64,
    /// Whether most of them are copies, which can't be dropped and read again: weights that were
    /// converted.
    pub is_copied: bool,
}

impl Known {
    /// Errors: a local model that can't be used, and a source that names no model.
    pub fn of(table: &ModelTable, machine: &Machine) -> Result<Self> {
        let source = table.source.to_string_lossy();
        // What `cargo xtask` found: a path of this disk, or a whole snapshot of the hub's cache.
        if table.path.is_some() {
            return Known::here(table);
        }
        // Paths of a pipeline start at the project's root, where this runs.
        let home = std::env::home_dir();
        let model = match ModelSource::of(
            &source,
            table.revision.as_deref(),
            Path::new("."),
            home.as_deref(),
        ) {
            ModelSource::Local(_) if table.place().exists() => return Known::here(table),
            ModelSource::Local(place) => {
                return Known::here(&ModelTable {
                    path: Some(place),
                    ..table.clone()
                });
            }
            ModelSource::Hub(model) => model,
            ModelSource::Wrong(problem) => bail!("model.source = \"{source}\": {problem}"),
        };
        let snapshot =
            hub_snapshot(&machine.hub_cache, &model.id, &model.revision).filter(|path| path.is_dir());
        let missing = snapshot.map(|path| missing_files(&path, model.file.as_deref()).join(", "));
        if machine.is_offline {
            let lacks = match missing {
                Some(missing) => format!("missing: {missing}"),
                None => format!("nothing of revision `{}`", model.revision),
            };
            bail!(offline_problem(&model.id, &machine.hub_cache, &lacks));
        }
        let (owner, name) = model.id.split_once('/').unwrap_or_default();
        Ok(Known {
            whereabouts: Whereabouts::Hub {
                // Others may be gated too; the hub will say so.
                is_gated: is_gated(owner),
                lacks: missing,
            },
            shape: match model.file {
                Some(_) => None,
                None => published(name, table.dtype),
            },
            tokenizer: None,
            left_out: Vec::new(),
            adapter: table.public_adapter(),
            about_adapter: None,
        })
    }

    /// Compares the files as every stage does when it opens the model.
    fn here(table: &ModelTable) -> Result<Self> {
        if let Some(text) = adapter_to_come(table)? {
            let without = ModelTable {
                adapter: None,
                ..table.clone()
            };
            return Ok(Known {
                adapter: Some(text),
                ..Known::here(&without)?
            });
        }
        let model = inspect(table)?;
        let checkpoint = &model.parts.checkpoint;
        let device = open_device(DeviceKind::Cpu)?;
        let loaded = Network::loaded_size(checkpoint, &device, model.precision) as u64;
        let copied = Network::copied_size(checkpoint, &device, model.precision) as u64;
        let stored = checkpoint.size() as u64;
        Ok(Known {
            whereabouts: Whereabouts::Here,
            shape: Some(Shape {
                precision: model.precision,
                demands: Demands::of(&model.parts.config, checkpoint, model.precision),
                stored,
                loaded,
                is_copied: copied > loaded / 2,
                config: model.parts.config,
            }),
            left_out: checkpoint.left_out().to_vec(),
            adapter: table.adapter_place().map(adapter_here).transpose()?,
            about_adapter: about_adapter_template(table, &model.files)?,
            tokenizer: Some(model.parts.tokenizer),
        })
    }
}

/// An adapter of the hub that isn't here, in words: the model can be looked at without it.
///
/// # Errors
/// What can't be an adapter.
fn adapter_to_come(table: &ModelTable) -> Result<Option<String>> {
    let Some(adapter) = table.adapter.as_ref().filter(|_| table.adapter_path.is_none()) else {
        return Ok(None);
    };
    let source = adapter.to_string_lossy();
    let home = std::env::home_dir();
    let revision = table.adapter_revision.as_deref();
    match ModelSource::of_adapter(&source, revision, Path::new("."), home.as_deref()) {
        ModelSource::Hub(model) => Ok(Some(format!("{} of the hub will be downloaded", model.id))),
        ModelSource::Wrong(problem) => bail!("model.adapter = \"{source}\": {problem}"),
        ModelSource::Local(_) => Ok(None),
    }
}

fn adapter_here(folder: &Path) -> Result<String> {
    let base = adapter_base(folder)?;
    let base = base.map_or(String::new(), |base| format!(", trained on {base}"));
    Ok(format!("{}{base}; it fits the model", folder.display()))
}

/// The shape of a published model, by the name of its repository. Base models have the shape of the
/// instruction-tuned ones.
fn published(name: &str, dtype: Dtype) -> Option<Shape> {
    let wanted = name.trim_end_matches("-it").trim_end_matches("-pt");
    let found = published_models()
        .into_iter()
        .find(|published| published.trim_end_matches("-it") == wanted)?;
    let config = ModelConfig::from_json(&published_config(found)?).ok()?;
    let weights: usize = config
        .tensors()
        .iter()
        .map(|(_, shape)| shape.iter().product::<usize>())
        .sum();
    // All of them are published in bf16.
    let stored = 2 * weights as u64;
    Some(Shape {
        demands: Demands::in_bf16(&config),
        config,
        precision: dtype.decided(Precision::Bf16),
        stored,
        loaded: stored,
        is_copied: false,
    })
}
