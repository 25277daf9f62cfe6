use std::path::Path;

use serde_json::Value;

use super::file::ConfigFile;
use super::{ModelConfig, ends};
use crate::families;
use crate::text_file::json_file;
use crate::{Error, Result};

impl ModelConfig {
    /// Reads `config.json` and, where there is one, `generation_config.json`.
    ///
    /// # Errors
    /// Names the file and the key that is missing, unusable or not known.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("config.json");
        let value = json_file(&path)?;
        let mut config = Self::from_json(&value).map_err(|message| Error::file(&path, message))?;
        config.end_tokens = ends::read(folder, &path, &value, config.vocab_size)?;
        Ok(config)
    }

    /// The same from the parsed `config.json`, without the files beside it.
    ///
    /// # Errors
    /// Names the key: a model of another family, a value that can't be computed with, or a key that
    /// may change what the network computes and isn't known.
    pub fn from_json(value: &Value) -> Result<Self, String> {
        let model_type = value.get("model_type").and_then(Value::as_str);
        let model_type =
            model_type.ok_or("`model_type` is missing; is this the config.json of a language model?")?;
        let (family, model_type) = families::by_model_type(model_type)?;
        let file = ConfigFile::of(value, model_type.part)?;
        file.refuse_unsupported()?;
        file.keys.refuse_unknown(family.config_keys())?;
        let mut config = family.config(&file)?;
        config.end_tokens = ends::of_config(value)?;
        config.check().map(|()| config)
    }

    /// The end tokens must be tokens of this model.
    pub(crate) fn check_end_tokens(&self) -> Result<(), String> {
        ends::within(self.end_tokens.clone(), self.vocab_size).map(|_| ())
    }
}
