use std::path::{Path, PathBuf};

use ::gguf::GgufFile;

use crate::checkpoint::map;
use crate::gguf::{chat_parts, config_json};
use crate::{ChatTokenizer, Checkpoint, Error, GemmaConfig, Result};

/// A model on this disk: a Hugging Face folder, or one GGUF file that holds everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelFiles {
    HuggingFace(PathBuf),
    Gguf(PathBuf),
}

impl ModelFiles {
    pub fn at(path: &Path) -> Result<Self> {
        if path.is_dir() {
            Ok(ModelFiles::HuggingFace(path.to_owned()))
        } else if path.is_file() && path.extension().is_some_and(|extension| extension == "gguf") {
            Ok(ModelFiles::Gguf(path.to_owned()))
        } else {
            Err(Error::file(
                path,
                "there is no model here; a model is a Hugging Face folder (config.json, tokenizer.json, *.safetensors) or a .gguf file",
            ))
        }
    }

    pub fn config(&self) -> Result<GemmaConfig> {
        match self {
            ModelFiles::HuggingFace(folder) => GemmaConfig::read(folder),
            ModelFiles::Gguf(path) => {
                let wrong = |message: String| Error::file(path, message);
                let json = config_json(&parsed(path)?).map_err(wrong)?;
                let config = GemmaConfig::from_json(&json).map_err(wrong)?;
                config.check_end_tokens().map_err(wrong)?;
                Ok(config)
            }
        }
    }

    /// `template` is a Jinja file that takes the place of the model's own chat template.
    pub fn tokenizer(&self, template: Option<&Path>) -> Result<ChatTokenizer> {
        match self {
            ModelFiles::HuggingFace(folder) => ChatTokenizer::read(folder, template),
            ModelFiles::Gguf(path) => {
                let parts =
                    chat_parts(parsed(path)?.metadata()).map_err(|message| Error::file(path, message))?;
                let (text, place) = match (template, parts.chat_template) {
                    (Some(template), _) => (fs_err::read_to_string(template)?, template),
                    (None, Some(text)) => (text, path.as_path()),
                    (None, None) => return Err(Error::file(path, WITHOUT_TEMPLATE)),
                };
                let special = [parts.bos_token, parts.eos_token];
                ChatTokenizer::assemble(parts.tokenizer, path.clone(), special, text, place.to_owned())
            }
        }
    }

    pub fn checkpoint(&self) -> Result<Checkpoint> {
        match self {
            ModelFiles::HuggingFace(folder) => Checkpoint::open(folder),
            ModelFiles::Gguf(path) => Checkpoint::open_gguf(path),
        }
    }

    /// Everything that decides what the model computes, without the weights: configuration, tokenizer, template.
    pub fn texts(&self) -> Vec<PathBuf> {
        let ModelFiles::HuggingFace(folder) = self else {
            return Vec::new();
        };
        let names = [
            "config.json",
            "generation_config.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "chat_template.jinja",
        ];
        names
            .iter()
            .map(|name| folder.join(name))
            .filter(|path| path.exists())
            .collect()
    }
}

const WITHOUT_TEMPLATE: &str =
    "the file has no chat template (base models have none); name a template's file in model.chat_template";

fn parsed(path: &Path) -> Result<GgufFile> {
    GgufFile::parse(&map(path)?).map_err(|message| Error::file(path, message))
}
