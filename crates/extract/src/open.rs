use anyhow::{Context, Result, bail};
use artifacts::{ModelTable, progress_of_bytes};
use model::{ChatTokenizer, Checkpoint, DeviceKind, Gemma, GemmaConfig, Precision};

use crate::Newlines;

/// A model that is ready to run, with its tokenizer.
pub struct OpenModel {
    pub network: Gemma,
    pub tokenizer: ChatTokenizer,
    pub newlines: Newlines,
    pub fingerprint: String,
    pub device: DeviceKind,
    pub precision: Precision,
}

/// Opens the model that a pipeline names.
pub fn open_model(table: &ModelTable) -> Result<OpenModel> {
    let folder = &table.source;
    if !folder.is_dir() {
        bail!(
            "model.source: there is no folder {}; put a Gemma 2 model in Hugging Face layout there",
            folder.display()
        );
    }
    let device = DeviceKind::parse(table.device.as_str()).context("model.device")?;
    let precision = Precision::parse(table.dtype.as_str()).context("model.dtype")?;
    let config = GemmaConfig::read(folder)?;
    let tokenizer = ChatTokenizer::read(folder)?;
    let checkpoint = Checkpoint::open(folder)?;
    let fingerprint = model::fingerprint(folder, &checkpoint)?;
    let bar = progress_of_bytes(checkpoint.size() as u64, "load");
    let mut progress = |bytes: usize| bar.inc(bytes as u64);
    let network = Gemma::load(
        &config,
        &checkpoint,
        &model::open_device(device)?,
        precision,
        &mut progress,
    )?;
    bar.finish_and_clear();
    let newlines = Newlines::of(&tokenizer);
    Ok(OpenModel {
        network,
        tokenizer,
        newlines,
        fingerprint,
        device,
        precision,
    })
}
