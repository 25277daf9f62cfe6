use std::path::{Path, PathBuf};

use crate::gguf::{chat_parts, config_json, not_a_model_file, not_a_model_folder, open, without_template};
use crate::{ChatTokenizer, Checkpoint, Error, GemmaConfig, Result};

/// A model on this disk: a Hugging Face folder, or a GGUF file that holds everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelFiles {
    HuggingFace(PathBuf),
    /// The file, or the first of several that are one model; the others lie beside it.
    Gguf(PathBuf),
}

impl ModelFiles {
    /// Tells the kind of model by what is at the path.
    ///
    /// A file is GGUF if it begins with these letters, whatever its name: Ollama's have no ending. Anything else is an
    /// error that says what it is and what to give instead (a pointer of Git LFS, a web page, an older format, one file of
    /// a Hugging Face folder, a manifest of Ollama), and so is a folder of GGUF files, of which one must be named. Nothing
    /// but the first bytes is read: whether the model is whole and one of those that can be run, [`Self::config`],
    /// [`Self::tokenizer`] and [`Self::checkpoint`] say.
    pub fn at(path: &Path) -> Result<Self> {
        if path.is_dir() {
            match not_a_model_folder(path) {
                Some(message) => Err(Error::file(path, message)),
                None => Ok(ModelFiles::HuggingFace(path.to_owned())),
            }
        } else if path.is_file() {
            match not_a_model_file(path)? {
                Some(message) => Err(Error::file(path, message)),
                None => Ok(ModelFiles::Gguf(path.to_owned())),
            }
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
                let json = config_json(&open(path)?.file).map_err(wrong)?;
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
                let file = open(path)?.file;
                let parts = chat_parts(file.metadata()).map_err(|message| Error::file(path, message))?;
                let (text, place) = match (template, parts.chat_template) {
                    (Some(template), _) => (fs_err::read_to_string(template)?, template),
                    (None, Some(text)) => (text, path.as_path()),
                    (None, None) => return Err(Error::file(path, without_template(file.metadata()))),
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
