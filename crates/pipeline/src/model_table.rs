use std::path::{Path, PathBuf};

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use terms::{Device, Dtype, Kernels, Residency};

/// The `[model]` table of a pipeline: which model, and how it is run.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelTable {
    /// A Hugging Face folder or a GGUF file, relative to the project's root, or a repository of the
    /// Hugging Face hub (`owner/name`, or `owner/name/file.gguf`).
    pub source: PathBuf,
    /// The branch, tag or commit of a repository on the hub; `main` where it is left out.
    pub revision: Option<String>,
    /// Where a model of the hub is on this disk. `cargo xtask` downloads it and fills this in.
    pub path: Option<PathBuf>,
    /// A fine-tune that is put onto the model: a folder of PEFT, or a repository of the hub.
    pub adapter: Option<PathBuf>,
    /// The branch, tag or commit of an adapter on the hub; `main` where it is left out.
    pub adapter_revision: Option<String>,
    /// Where an adapter of the hub is on this disk. `cargo xtask` downloads it and fills this in.
    pub adapter_path: Option<PathBuf>,
    /// The name that the report shows.
    pub name: String,
    /// The name that file names carry, such as `gemma`.
    pub short_name: String,
    /// The type of the activations.
    #[serde(default)]
    pub dtype: Dtype,
    /// Where the model runs.
    #[serde(default)]
    pub device: Device,
    /// How a GPU's kernels are chosen.
    #[serde(default)]
    pub kernels: Kernels,
    /// Whether all weights are in memory.
    #[serde(default)]
    pub residency: Residency,
    /// A Jinja file that takes the place of the model's own chat template; base models have none.
    pub chat_template: Option<PathBuf>,
    /// Variables of the chat template, such as `enable_thinking = false`.
    #[serde(default)]
    pub template_arguments: toml::Table,
    /// The day that a chat template is told which asks for today's (`2026-11-30`); left out, it is
    /// today.
    #[serde(default, deserialize_with = "day")]
    pub date: Option<String>,
}

impl ModelTable {
    /// A model on this disk with all choices left open, on the CPU.
    pub fn local(path: impl Into<PathBuf>, name: &str) -> Self {
        ModelTable {
            source: path.into(),
            revision: None,
            path: None,
            adapter: None,
            adapter_revision: None,
            adapter_path: None,
            name: name.to_owned(),
            short_name: name.to_owned(),
            dtype: Dtype::Auto,
            device: Device::Cpu,
            kernels: Kernels::Fixed,
            residency: Residency::Auto,
            chat_template: None,
            template_arguments: toml::Table::new(),
            date: None,
        }
    }

    /// The first thing that can't be, in words that name the key.
    pub(crate) fn problem(&self) -> Option<String> {
        let taken = ["messages", "add_generation_prompt"];
        let name = taken
            .iter()
            .find(|name| self.template_arguments.contains_key(**name))?;
        Some(format!(
            "model.template_arguments.{name}: this is what the conditions say; leave it out"
        ))
    }

    /// Where the model's files are.
    pub fn place(&self) -> &Path {
        self.path.as_deref().unwrap_or(&self.source)
    }

    /// Where the adapter's files are; `None` where the model has none.
    pub fn adapter_place(&self) -> Option<&Path> {
        self.adapter_path.as_deref().or(self.adapter.as_deref())
    }

    /// What tables may say of the source: a repository of the hub as the pipeline names it, and of
    /// a local folder or file its name alone, since paths differ between machines. A folder of the
    /// hub's cache has the repository's name.
    pub fn public_source(&self) -> String {
        public_name(&self.source, self.path.is_some())
    }

    /// The same of the adapter.
    pub fn public_adapter(&self) -> Option<String> {
        let adapter = self.adapter.as_ref()?;
        Some(public_name(adapter, self.adapter_path.is_some()))
    }
}

fn public_name(source: &Path, is_of_hub: bool) -> String {
    if is_of_hub {
        return source.display().to_string();
    }
    let cached = source.components().rev().find_map(|part| {
        let name = part.as_os_str().to_str()?.strip_prefix("models--")?;
        Some(name.replacen("--", "/", 1))
    });
    let name = || {
        let name = source.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    };
    cached.unwrap_or_else(name)
}

/// A day in quotes or without: TOML has a type for it.
fn day<'de, D: Deserializer<'de>>(source: D) -> Result<Option<String>, D::Error> {
    match toml::Value::deserialize(source)? {
        toml::Value::String(text) => Ok(Some(text)),
        toml::Value::Datetime(day) => Ok(Some(day.to_string())),
        other => Err(Error::custom(format!(
            "model.date = {other} is not a day; write it as \"2026-11-30\""
        ))),
    }
}
