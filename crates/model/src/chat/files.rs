//! What Hugging Face folders say about a tokenizer and its chat template outside
//! `tokenizer.json`.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use tokenizers::{AddedToken, Tokenizer};

use super::template::ChatOptions;
use crate::families::{FAMILIES, Family};
use crate::text_file::{json_file, text_file};
use crate::{Error, Result};

/// The names under which `tokenizer.json` and its companions are looked for.
pub(crate) const FILES: [&str; 5] = [
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
    "chat_template.json",
];

/// The companions of a `tokenizer.json`.
pub(super) struct Companions {
    config: Map<String, Value>,
    config_path: PathBuf,
    folder: PathBuf,
}

impl Companions {
    /// Reads `tokenizer_config.json` and `special_tokens_map.json`, if present. The
    /// latter applies if the former doesn't list the added tokens, as in transformers, which
    /// wrote it in earlier versions.
    pub fn read(folder: &Path) -> Result<Self> {
        let config_path = folder.join("tokenizer_config.json");
        let mut config = object(&config_path)?.unwrap_or_default();
        if !config.contains_key("added_tokens_decoder")
            && let Some(map) = object(&folder.join("special_tokens_map.json"))?
        {
            config.extend(map);
        }
        Ok(Companions {
            config,
            config_path,
            folder: folder.to_owned(),
        })
    }

    /// That of the `config.json` in the folder, if it has one.
    fn model_type(&self) -> Option<String> {
        let config = object(&self.folder.join("config.json")).ok()??;
        config.get("model_type")?.as_str().map(str::to_owned)
    }

    /// Tokens under names such as `bos_token`, as templates know them: those of the files, and
    /// those that the tokenizer's class in transformers has by default, if they are in the
    /// vocabulary. Where no class is named, the model's type decides, as there.
    pub fn special_tokens(&self, tokenizer: &Tokenizer) -> Map<String, Value> {
        let mut tokens = Map::new();
        let class = self.config.get("tokenizer_class").and_then(Value::as_str);
        let model_type = self.model_type();
        let is_meant = |family: &&&dyn Family| match class {
            Some(class) => class.starts_with(family.tokenizer_class()),
            None => {
                let mut types = family.model_types().iter();
                types.any(|own| Some(own.name) == model_type.as_deref())
            }
        };
        let of_class = FAMILIES.iter().filter(is_meant);
        for (name, text) in of_class.flat_map(|family| family.special_tokens()) {
            if tokenizer.token_to_id(text).is_some() {
                tokens.insert((*name).to_owned(), (*text).into());
            }
        }
        let nested = ["extra_special_tokens", "model_specific_special_tokens"];
        let nested = nested.iter().filter_map(|key| self.config.get(*key)?.as_object());
        let named = self.config.iter().filter(|(key, _)| key.ends_with("_token"));
        for (key, value) in named.chain(nested.flatten()) {
            match token_text(value) {
                Some(text) => _ = tokens.insert(key.clone(), text.into()),
                // An explicit `null` removes a default; flags such as `add_bos_token` are not
                // tokens.
                None if value.is_null() => _ = tokens.remove(key),
                None => {}
            }
        }
        tokens
    }

    /// Whether the tokenizer itself puts the beginning token before a text, if the files say.
    pub fn adds_bos(&self) -> Option<bool> {
        self.config.get("add_bos_token")?.as_bool()
    }

    /// Adds what `added_tokens_decoder` has and `tokenizer.json` lacks, as transformers does.
    pub fn add_tokens(&self, tokenizer: &mut Tokenizer) -> Result<()> {
        let Some(listed) = self.config.get("added_tokens_decoder").and_then(Value::as_object) else {
            return Ok(());
        };
        let mut missing: Vec<(u32, AddedToken)> = listed
            .iter()
            .filter_map(|(id, value)| Some((id.parse().ok()?, added_token(value)?)))
            .filter(|(_, token)| tokenizer.token_to_id(&token.content).is_none())
            .collect();
        missing.sort_by_key(|(id, _)| *id);
        let wrong = |message: String| Error::file(&self.config_path, message);
        for (id, token) in missing {
            let content = token.content.clone();
            tokenizer
                .add_tokens([token])
                .map_err(|error| wrong(error.to_string()))?;
            let given = tokenizer.token_to_id(&content);
            if given != Some(id) {
                return Err(wrong(format!(
                    "`added_tokens_decoder` has the token \"{content}\" with the id {id}, and tokenizer.json has no place for it; \
                     do the two files belong together? Download them again"
                )));
            }
        }
        Ok(())
    }

    /// The chat template that is used, and where it comes from.
    pub fn template(&self, options: &ChatOptions<'_>) -> Result<(String, PathBuf)> {
        match options.template {
            Some(path) => Ok((text_file(path)?, path.to_owned())),
            None => self.own_template()?.ok_or_else(|| self.without_template()),
        }
    }

    /// The folder's own chat template and where it comes from. A separate file wins over an entry,
    /// as in transformers; the last place is `chat_template.json`, where processors of multimodal
    /// models used to keep it.
    pub fn own_template(&self) -> Result<Option<(String, PathBuf)>> {
        let path = self.folder.join("chat_template.jinja");
        if path.exists() {
            return Ok(Some((text_file(&path)?, path)));
        }
        let processors = self.folder.join("chat_template.json");
        let entry = self.config.get("chat_template").cloned();
        let (entry, path) = match entry.filter(|entry| !entry.is_null()) {
            Some(entry) => (Some(entry), self.config_path.clone()),
            None => {
                let file = object(&processors)?;
                (file.and_then(|mut file| file.remove("chat_template")), processors)
            }
        };
        match entry {
            Some(Value::String(text)) => Ok(Some((text, path))),
            Some(Value::Array(list)) => Ok(Some((
                default_of(&list).map_err(|message| Error::file(&path, message))?,
                path,
            ))),
            Some(_) => Err(Error::file(
                &path,
                "`chat_template` is neither a text nor a list of named templates; correct it, or name a template's file in \
                 model.chat_template",
            )),
            None => Ok(None),
        }
    }

    fn without_template(&self) -> Error {
        let path = if self.config_path.exists() {
            &self.config_path
        } else {
            &self.folder
        };
        let named = std::fs::read_dir(self.folder.join("additional_chat_templates"));
        let named: Vec<String> = named
            .into_iter()
            .flatten()
            .filter_map(|entry| {
                Some(format!(
                    "additional_chat_templates/{}",
                    entry.ok()?.file_name().to_string_lossy()
                ))
            })
            .collect();
        if !named.is_empty() {
            let named = named.join(", ");
            let message = format!(
                "there is no default chat template, but {named}; name one of them in model.chat_template"
            );
            return Error::file(path, message);
        }
        Error::file(path, WITHOUT_TEMPLATE)
    }
}

const WITHOUT_TEMPLATE: &str = "`chat_template` is missing, and there is neither a chat_template.jinja nor a chat_template.json; use an \
    instruction-tuned model, or name a template's file in model.chat_template";

/// The template that is used unless another is asked for.
fn default_of(list: &[Value]) -> std::result::Result<String, String> {
    let name = |entry: &Value| entry.get("name").and_then(Value::as_str).map(str::to_owned);
    let default = list
        .iter()
        .find(|entry| name(entry).as_deref() == Some("default"));
    let text = default.and_then(|entry| entry.get("template")?.as_str());
    text.map(str::to_owned).ok_or_else(|| {
        let names: Vec<String> = list.iter().filter_map(name).collect();
        format!(
            "`chat_template` has several templates ({}), and none is called \"default\"; write the wanted one into a file and name \
             it in model.chat_template",
            names.join(", ")
        )
    })
}

/// A special token is written as its text, or as an object with the text in `content`.
fn token_text(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("content")?.as_str())
}

fn added_token(value: &Value) -> Option<AddedToken> {
    let flag = |key: &str| value.get(key).and_then(Value::as_bool).unwrap_or(false);
    let token = AddedToken::from(value.get("content")?.as_str()?, flag("special"));
    Some(
        token
            .single_word(flag("single_word"))
            .lstrip(flag("lstrip"))
            .rstrip(flag("rstrip"))
            .normalized(flag("normalized")),
    )
}

/// `None` where there is no such file.
fn object(path: &Path) -> Result<Option<Map<String, Value>>> {
    if !path.exists() {
        return Ok(None);
    }
    match json_file(path)? {
        Value::Object(object) => Ok(Some(object)),
        _ => Err(Error::file(path, "this is not a JSON object; download it again")),
    }
}
