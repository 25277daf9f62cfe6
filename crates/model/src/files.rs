use std::path::{Path, PathBuf};

use crate::chat::{self, FILES, Parts};
use crate::folders::require_model;
use crate::gguf::{
    chat_parts, chat_template, config_json, not_a_model_file, not_a_model_folder, open, without_template,
};
use crate::text_file::text_file;
use crate::{ChatOptions, ChatTokenizer, Checkpoint, Error, ModelConfig, Result};

/// A model on this machine's disk: a Hugging Face folder, or a GGUF file that holds everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelFiles {
    /// A folder with `config.json`, `tokenizer.json` and safetensors.
    HuggingFace(PathBuf),
    /// The file, or the first of several that are one model; the others are next to it.
    Gguf(PathBuf),
}

/// A model that is open and was checked as a whole; no weight has been read yet.
pub struct ModelParts {
    /// The architecture and the end tokens; [`ModelFiles::network`] has compared it with the
    /// weights.
    pub config: ModelConfig,
    /// Tokenizer and chat template.
    pub tokenizer: ChatTokenizer,
    /// The weights, mapped.
    pub checkpoint: Checkpoint,
}

impl ModelFiles {
    /// Tells the kind of model by what is at the path.
    ///
    /// A file is GGUF if it begins with these letters, whatever its name: Ollama's have no
    /// extension. Only the first bytes are read: [`Self::open`] says whether the model is whole and
    /// can be run.
    ///
    /// # Errors
    /// Where there is no model. The message names what is there instead and what to give in its
    /// place: a pointer of Git LFS, a web page, an older format, one file of a Hugging Face folder,
    /// a manifest of Ollama, a folder of GGUF files, an adapter, a repository's folder in the hub's
    /// cache.
    pub fn at(path: &Path) -> Result<Self> {
        if path.is_dir() {
            if let Some(message) = not_a_model_folder(path) {
                return Err(Error::file(path, message));
            }
            require_model(path)?;
            Ok(ModelFiles::HuggingFace(path.to_owned()))
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

    /// Reads configuration and tokenizer, opens the weights, and compares all of them: names and
    /// shapes of the tensors, the vocabulary, the head. Reads no weight.
    ///
    /// # Errors
    /// Names the file, and the key or tensor, that keeps the model from being run.
    pub fn open(&self, options: &ChatOptions<'_>) -> Result<ModelParts> {
        self.open_with(options, None)
    }

    /// The same with an adapter of PEFT, by its folder, on the weights. Tokenizer and chat template
    /// are those of the model.
    ///
    /// # Errors
    /// As [`open`](Self::open), and what keeps the adapter from being put onto the weights.
    pub fn open_with(&self, options: &ChatOptions<'_>, adapter: Option<&Path>) -> Result<ModelParts> {
        let (mut config, checkpoint) = self.network_with(adapter)?;
        let tokenizer = self.tokenizer(options)?.for_rows(config.vocab_size)?;
        if config.end_tokens.is_empty() {
            // The last place where a folder may say so.
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
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn network(&self) -> Result<(ModelConfig, Checkpoint)> {
        self.network_with(None)
    }

    /// The same with an adapter, by its folder, on the weights.
    ///
    /// # Errors
    /// As [`open_with`](Self::open_with).
    pub fn network_with(&self, adapter: Option<&Path>) -> Result<(ModelConfig, Checkpoint)> {
        let mut config = self.config()?;
        let mut checkpoint = self.checkpoint()?;
        if let Some(folder) = adapter {
            checkpoint.put_on(folder, &mut config)?;
        }
        checkpoint.fit(&mut config)?;
        Ok((config, checkpoint))
    }

    /// The configuration as the files have it; [`network`](Self::network) also compares it with the
    /// weights.
    ///
    /// # Errors
    /// Names the key that is missing, unusable or not known.
    pub fn config(&self) -> Result<ModelConfig> {
        match self {
            ModelFiles::HuggingFace(folder) => ModelConfig::read(folder),
            ModelFiles::Gguf(path) => {
                let wrong = |message: String| Error::file(path, message);
                let opened = open(path)?;
                let json = config_json(&opened.file, &|name| opened.numbers(name)).map_err(wrong)?;
                let config = ModelConfig::from_json(&json).map_err(wrong)?;
                config.check_end_tokens().map_err(wrong)?;
                Ok(config)
            }
        }
    }

    /// The tokenizer with its chat template.
    ///
    /// # Errors
    /// A file that can't be used, and a model without a chat template where `options` name none.
    pub fn tokenizer(&self, options: &ChatOptions<'_>) -> Result<ChatTokenizer> {
        match self {
            ModelFiles::HuggingFace(folder) => ChatTokenizer::read(folder, options),
            ModelFiles::Gguf(path) => {
                let file = open(path)?.file;
                let parts = chat_parts(file.metadata()).map_err(|message| Error::file(path, message))?;
                let (template, template_path) = match (options.template, parts.chat_template) {
                    (Some(template), _) => (text_file(template)?, template.to_owned()),
                    (None, Some(text)) => (text, path.clone()),
                    (None, None) => return Err(Error::file(path, without_template(file.metadata()))),
                };
                let eos = ("eos_token", parts.eos_token);
                let special = parts
                    .bos_token
                    .map(|text| ("bos_token", text))
                    .into_iter()
                    .chain([eos]);
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

    /// The text of the model's own chat template; `None` where it has none, as many base models.
    ///
    /// # Errors
    /// A file that can't be read, and a list of templates without a default.
    pub fn chat_template(&self) -> Result<Option<String>> {
        match self {
            ModelFiles::HuggingFace(folder) => chat::own_template(folder),
            ModelFiles::Gguf(path) => {
                chat_template(open(path)?.file.metadata()).map_err(|message| Error::file(path, message))
            }
        }
    }

    /// The weights, mapped; none is read.
    ///
    /// # Errors
    /// Names the file or tensor that is missing or can't be used.
    pub fn checkpoint(&self) -> Result<Checkpoint> {
        match self {
            ModelFiles::HuggingFace(folder) => Checkpoint::open(folder),
            ModelFiles::Gguf(path) => Checkpoint::open_gguf(path),
        }
    }

    /// Everything that decides what the model computes, without the weights: configuration,
    /// tokenizer, template.
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
