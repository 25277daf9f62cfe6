//! A trained network as a Hugging Face folder.

use std::path::Path;

use anyhow::{Context, Result};
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{DType, Tensor};
use model::Network;
use safetensors::serialize;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::Value;

use crate::tokenizer::{generation_config, tokenizer_config};
use crate::train::Trained;

/// Writes config, tokenizer, chat template and bf16 weights, so that Hugging Face transformers
/// loads the folder as it is.
pub fn save(trained: &Trained, folder: &Path) -> Result<()> {
    fs_err::create_dir_all(folder)?;
    let weights = weights(&trained.network)?;
    fs_err::write(folder.join("model.safetensors"), weights)?;
    write_json(&folder.join("config.json"), &trained.config)?;
    write_json(&folder.join("tokenizer.json"), &trained.tokenizer)?;
    write_json(&folder.join("tokenizer_config.json"), &tokenizer_config())?;
    write_json(
        &folder.join("generation_config.json"),
        &generation_config(&trained.tokenizer)?,
    )
}

fn write_json(path: &Path, value: &Value) -> Result<()> {
    let text = serde_json::to_string_pretty(value).with_context(|| path.display().to_string())?;
    Ok(fs_err::write(path, text + "\n")?)
}

/// The file's bytes: every parameter under its name in the checkpoint, rounded to bf16.
fn weights(network: &Network) -> Result<Vec<u8>> {
    let mut collector = Collector {
        path: vec!["model".to_owned()],
        tensors: Vec::new(),
        error: None,
    };
    network.visit(&mut collector);
    if let Some(error) = collector.error {
        return Err(error);
    }
    let views = collector
        .tensors
        .iter()
        .map(|(name, shape, bytes)| Ok((name, TensorView::new(Dtype::BF16, shape.clone(), bytes)?)));
    let views = views.collect::<Result<Vec<_>>>()?;
    Ok(serialize(
        views,
        Some([("format".to_owned(), "pt".to_owned())].into()),
    )?)
}

/// Walks the network; its fields carry the names of the checkpoint.
struct Collector {
    path: Vec<String>,
    tensors: Vec<(String, Vec<usize>, Vec<u8>)>,
    error: Option<anyhow::Error>,
}

impl ModuleVisitor for Collector {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        let shape = tensor.dims().to_vec();
        match tensor.cast(DType::F32).into_data().try_into_vec::<f32>() {
            Ok(values) => {
                let bytes = values
                    .iter()
                    .flat_map(|value| half::bf16::from_f32(*value).to_le_bytes())
                    .collect();
                self.tensors.push((self.path.join("."), shape, bytes));
            }
            Err(error) => self.error = Some(anyhow::anyhow!("{}: {error:?}", self.path.join("."))),
        }
    }
}
