use std::path::{Path, PathBuf};

use ::gguf::GgufFile;

use crate::chat::{FILES, Parts};
use crate::checkpoint::map;
use crate::folders::require_model;
use crate::gguf::{chat_parts, config_json};
use crate::text_file::text_file;
use crate::{ChatOptions, ChatTokenizer, Checkpoint, Error, GemmaConfig, Result};

/// A model on this disk: a Hugging Face folder, or one GGUF file that holds everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelFiles {
    HuggingFace(PathBuf),
    Gguf(PathBuf),
}

/// A model that is open and was checked as a whole; no weight has been read yet.
pub struct ModelParts {
    pub config: GemmaConfig,
    pub tokenizer: ChatTokenizer,
    pub checkpoint: Checkpoint,
}

impl ModelFiles {
    /// What is at a path.
    ///
    /// # Errors
    /// Where there is no model; where something else is there, what it is and what to give in its place.
    pub fn at(path: &Path) -> Result<Self> {
        if path.is_dir() {
            require_model(path)?;
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

    /// Reads configuration and tokenizer, opens the weights, and compares all of them: names and shapes of the tensors,
    /// the vocabulary, the head. Reads no weight.
    pub fn open(&self, options: &ChatOptions<'_>) -> Result<ModelParts> {
        let (mut config, checkpoint) = self.network()?;
        let tokenizer = self.tokenizer(options)?.for_rows(config.vocab_size)?;
        if config.end_tokens.is_empty() {
            // The last place where a folder says it.
            let eos = tokenizer.eos_id().filter(|id| (*id as usize) < config.vocab_size);
            let (ModelFiles::HuggingFace(path) | ModelFiles::Gguf(path)) = self;
            config
                .end_tokens
                .push(eos.ok_or_else(|| Error::file(path, WITHOUT_END))?);
        }
        Ok(ModelParts {
            config,
            tokenizer,
            checkpoint,
        })
    }

    /// The same without a tokenizer, which a network doesn't need.
    pub fn network(&self) -> Result<(GemmaConfig, Checkpoint)> {
        let mut config = self.config()?;
        let mut checkpoint = self.checkpoint()?;
        checkpoint.settle_head(&mut config)?;
        checkpoint.check(&config)?;
        Ok((config, checkpoint))
    }

    /// The configuration as the files have it; [`network`](Self::network) also looks whether the weights agree.
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

    pub fn tokenizer(&self, options: &ChatOptions<'_>) -> Result<ChatTokenizer> {
        match self {
            ModelFiles::HuggingFace(folder) => ChatTokenizer::read(folder, options),
            ModelFiles::Gguf(path) => {
                let parts =
                    chat_parts(parsed(path)?.metadata()).map_err(|message| Error::file(path, message))?;
                let (template, template_path) = match (options.template, parts.chat_template) {
                    (Some(template), _) => (text_file(template)?, template.to_owned()),
                    (None, Some(text)) => (text, path.clone()),
                    (None, None) => return Err(Error::file(path, WITHOUT_TEMPLATE)),
                };
                let special = [("bos_token", parts.bos_token), ("eos_token", parts.eos_token)];
                let special = special.map(|(name, text)| (name.to_owned(), text.into()));
                let parts = Parts {
                    tokenizer: parts.tokenizer,
                    path: path.clone(),
                    special_tokens: special.into_iter().collect(),
                    adds_bos: None,
                    template,
                    template_path,
                };
                ChatTokenizer::assemble(parts, options)
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
        let names = ["config.json", "generation_config.json"].iter().chain(&FILES);
        names
            .map(|name| folder.join(name))
            .filter(|path| path.exists())
            .collect()
    }
}

const WITHOUT_END: &str =
    "no file says which token ends a text; add `eos_token_id` to generation_config.json";

const WITHOUT_TEMPLATE: &str =
    "the file has no chat template (base models have none); name a template's file in model.chat_template";

fn parsed(path: &Path) -> Result<GgufFile> {
    GgufFile::parse(&map(path)?).map_err(|message| Error::file(path, message))
}
