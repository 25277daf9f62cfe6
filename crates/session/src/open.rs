use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use files::HashMemo;
use model::{
    ChatOptions, ChatTokenizer, Checkpoint, DeviceKind, ModelConfig, ModelFiles, ModelParts, Network,
    Precision, StreamedNetwork, adapter_files, adapter_template, fingerprint, hash_file,
};
use pipeline::ModelTable;
use progress::progress_of_bytes;
use terms::Residency;

use crate::device::{GpuRecord, OpenDevice, open_device, precision_on, require_kernels};

/// A model that is ready to run, with its tokenizer.
pub struct OpenModel {
    /// The network.
    pub network: OpenNetwork,
    /// Tokenizer and chat template.
    pub tokenizer: ChatTokenizer,
    /// Of everything that decides what the model computes.
    pub fingerprint: String,
    /// Of the weight files alone, with those of an adapter, by which a certificate names its model.
    pub weights_fingerprint: String,
    /// Where it runs.
    pub device: DeviceKind,
    /// What results say of a GPU; `None` on the CPU.
    pub gpu: Option<GpuRecord>,
    /// The type of the activations.
    pub precision: Precision,
}

/// The weights in memory, or read while they are used.
pub enum OpenNetwork {
    /// All in memory.
    Resident(Box<Network>),
    /// Read layer by layer.
    Streamed(Box<StreamedNetwork>),
}

impl OpenNetwork {
    /// The architecture.
    pub fn config(&self) -> &ModelConfig {
        match self {
            OpenNetwork::Resident(network) => network.config(),
            OpenNetwork::Streamed(network) => network.config(),
        }
    }
}

impl OpenModel {
    /// What the last bits of results depend on besides the model and the texts: the processor's
    /// instructions, or the GPU with its driver and how its kernels were chosen.
    pub fn arithmetic(&self) -> String {
        match &self.gpu {
            Some(gpu) => format!("{} with {} kernels", gpu.name, gpu.kernels),
            None => format!("a CPU with {:?}", kernels::Instructions::best()).to_lowercase(),
        }
    }

    /// The network for generation, which needs all weights for each token.
    pub fn resident(&self) -> Result<&Network> {
        match &self.network {
            OpenNetwork::Resident(network) => Ok(network),
            OpenNetwork::Streamed(_) => bail!("the model was opened for one pass only, not for generation"),
        }
    }
}

/// Opens the model that a pipeline names, for work that needs each weight once or a few times.
/// Where its residency is left open, it is streamed if the weights don't fit into the free memory.
pub fn open_model(table: &ModelTable, hashes: &HashMemo) -> Result<OpenModel> {
    open(table, hashes, table.residency)
}

/// Opens it for generation: all weights in memory.
pub fn open_for_generation(table: &ModelTable, hashes: &HashMemo) -> Result<OpenModel> {
    open(table, hashes, Residency::Resident)
}

/// What a pipeline's model is: everything that can be known of it before a weight is read.
pub struct InspectedModel {
    /// Its files.
    pub files: ModelFiles,
    /// Configuration, tokenizer and checkpoint.
    pub parts: ModelParts,
    /// The type of the activations that was asked for, or that of the weights; a device may lack it
    /// ([`precision_on`](crate::precision_on)).
    pub precision: Precision,
}

/// Reads and compares a model's files as every stage does before it loads weights, and loads none.
///
/// # Errors
/// Whatever keeps the model from being run.
pub fn inspect(table: &ModelTable) -> Result<InspectedModel> {
    let files = ModelFiles::at(table.place()).context("model.source")?;
    let parts = files.open_with(&chat_options(table)?, table.adapter_place())?;
    let precision = table.dtype.decided(parts.checkpoint.stored_precision());
    Ok(InspectedModel {
        files,
        parts,
        precision,
    })
}

/// The files of a pipeline's weights, by which a certificate names its model: those of the model,
/// then those of an adapter on it.
///
/// # Errors
/// Those of finding the model's files.
pub fn weight_files(table: &ModelTable) -> Result<Vec<PathBuf>> {
    let checkpoint = ModelFiles::at(table.place())
        .context("model.source")?
        .checkpoint()?;
    let mut files: Vec<PathBuf> = checkpoint.files().map(Path::to_owned).collect();
    files.extend(table.adapter_place().into_iter().flat_map(adapter_files));
    Ok(files)
}

/// That the folder of an adapter has a chat template of its own, which is not used, in words for a
/// user. `None` where it has none, the same one, or the pipeline names one.
pub fn about_adapter_template(table: &ModelTable, files: &ModelFiles) -> Result<Option<String>> {
    let Some(folder) = table.adapter_place().filter(|_| table.chat_template.is_none()) else {
        return Ok(None);
    };
    let own = adapter_template(folder)?;
    if own.is_none() || own == files.chat_template()? {
        return Ok(None);
    }
    Ok(Some(format!(
        "the adapter's folder has a chat template of its own, and that of the base model is used; if the adapter was trained with its \
         own, save it as a file and name that in model.chat_template ({})",
        folder.display()
    )))
}

/// What the `[model]` table tells the chat template.
pub fn chat_options(table: &ModelTable) -> Result<ChatOptions<'_>> {
    let arguments = serde_json::to_value(&table.template_arguments).context("model.template_arguments")?;
    let date = table.date.as_deref().map(|date| {
        let wrong = |_| anyhow!("model.date = \"{date}\" is not a day; write it as \"2026-11-30\"");
        date.parse().map_err(wrong)
    });
    Ok(ChatOptions {
        template: table.chat_template.as_deref(),
        arguments: arguments.as_object().cloned().unwrap_or_default(),
        date: date.transpose()?,
    })
}

fn open(table: &ModelTable, hashes: &HashMemo, residency: Residency) -> Result<OpenModel> {
    let InspectedModel {
        files,
        parts,
        precision: _,
    } = inspect(table)?;
    let stored = parts.checkpoint.stored_precision();
    let ModelParts {
        config,
        tokenizer,
        checkpoint,
    } = parts;
    for name in checkpoint.left_out() {
        tracing::warn!(
            "{}: tensor `{name}` is the head of a classifier, and is left out",
            table.name
        );
    }
    if let Some(finding) = about_adapter_template(table, &files)? {
        tracing::warn!("{}: {finding}", table.name);
    }
    let device = open_device(table.device)?;
    if device.kind != DeviceKind::Cpu {
        require_kernels(table.kernels, model::kernels_of_build())?;
    }
    let arithmetic = model::arithmetic_of(&device.tensors);
    let precision = precision_on(device.kind, table.dtype, stored, arithmetic)?;
    let weights = weight_files(table)?;
    let named = [
        files.texts(),
        Vec::from_iter(table.chat_template.clone()),
        weights.clone(),
    ]
    .concat();
    // Each shard is read once at most, though two fingerprints hold its hash.
    let mut hashed = BTreeMap::new();
    for path in &weights {
        let remembered = hashes.of(path);
        hashed.insert(path.as_path(), remembered.map_or_else(|| hash_file(path), Ok)?);
    }
    let known = |path: &Path| hashed.get(path).cloned();
    let weights_fingerprint = fingerprint(&weights, &known)?;
    let fingerprint = fingerprint(&named, &known)?;
    let network = open_network(&config, checkpoint, &device, precision, residency)?;
    let residency = match network {
        OpenNetwork::Resident(_) => "resident",
        OpenNetwork::Streamed(_) => "streamed",
    };
    tracing::info!(
        "{}: {}, {}, weights {residency}",
        table.name,
        device.kind,
        precision.as_str()
    );
    Ok(OpenModel {
        network,
        tokenizer,
        fingerprint,
        weights_fingerprint,
        device: device.kind,
        gpu: device.record(),
        precision,
    })
}

fn open_network(
    config: &ModelConfig,
    checkpoint: Checkpoint,
    device: &OpenDevice,
    precision: Precision,
    residency: Residency,
) -> Result<OpenNetwork> {
    let needed = Network::loaded_size(&checkpoint, &device.tensors, precision);
    let free = device.memory();
    let too_large = free.is_some_and(|free| needed > free - free / 8);
    if residency == Residency::Streamed || (residency == Residency::Auto && too_large) {
        let network = StreamedNetwork::open(config, checkpoint, &device.tensors, precision)?;
        return Ok(OpenNetwork::Streamed(Box::new(network)));
    }
    if too_large && device.kind != DeviceKind::Cpu {
        bail!(
            "the weights take {:.1} GB in {}, and {} has {:.1} GB; set model.device = \"cpu\", or take a smaller model (extraction \
             alone streams with model.residency = \"auto\")",
            needed as f64 / 1e9,
            precision.as_str(),
            device.kind,
            free.unwrap_or(0) as f64 / 1e9
        );
    }
    if too_large {
        tracing::warn!(
            "the weights take {:.1} GB, and {:.1} GB of memory are free: much of them will be read from the disk again and again",
            needed as f64 / 1e9,
            free.unwrap_or(0) as f64 / 1e9
        );
    }
    let bar = progress_of_bytes(checkpoint.size() as u64, "load");
    let mut progress = |bytes: usize| bar.inc(bytes as u64);
    let network = Network::load(config, &checkpoint, &device.tensors, precision, &mut progress)?;
    bar.finish_and_clear();
    // On the CPU, what doesn't fit is read from the file again.
    let network = match free.filter(|_| device.kind != DeviceKind::Cpu) {
        Some(free) => network.within_memory(free as u64),
        None => network,
    };
    Ok(OpenNetwork::Resident(Box::new(network)))
}
