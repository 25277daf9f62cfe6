use std::path::{Path, PathBuf};

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, ErrorKind, context};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokenizers::Tokenizer;

use crate::{Error, Result};

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    pub role: Role,
    pub content: String,
}

/// Who speaks, under the names that chat templates use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    User,
    /// The model.
    Assistant,
}

impl Message {
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Message {
            role,
            content: content.into(),
        }
    }
}

/// A model's tokenizer and its chat template.
pub struct ChatTokenizer {
    tokenizer: Tokenizer,
    path: PathBuf,
    template: String,
    template_path: PathBuf,
    bos_token: String,
    eos_token: String,
    bos_id: u32,
    /// Texts that the tokenizer turns into control tokens, such as `<end_of_turn>`.
    control_tokens: Vec<String>,
}

impl ChatTokenizer {
    /// Reads `tokenizer.json`, `tokenizer_config.json` and, where there is one, `chat_template.jinja`; `template` is a file
    /// that takes the place of the model's own.
    pub fn read(folder: &Path, template: Option<&Path>) -> Result<Self> {
        let path = folder.join("tokenizer.json");
        let bytes = fs_err::read(&path)?;
        check_decoder(&bytes).map_err(|error| Error::file(&path, error.to_string()))?;
        let tokenizer =
            Tokenizer::from_bytes(bytes).map_err(|error| Error::file(&path, error.to_string()))?;
        let config_path = folder.join("tokenizer_config.json");
        let text = fs_err::read_to_string(&config_path)?;
        let config: Value =
            serde_json::from_str(&text).map_err(|error| Error::file(&config_path, error.to_string()))?;
        let bos_token = special_token(&config, "bos_token")
            .ok_or_else(|| Error::file(&config_path, "`bos_token` is missing"))?;
        let eos_token = special_token(&config, "eos_token").unwrap_or_default();
        let (template, template_path) = match template {
            Some(path) => (fs_err::read_to_string(path)?, path.to_owned()),
            None => chat_template(folder, &config, &config_path)?,
        };
        Self::assemble(tokenizer, path, [bos_token, eos_token], template, template_path)
    }

    /// `path` and `template_path` are where tokenizer and template come from, for messages.
    pub(crate) fn assemble(
        tokenizer: Tokenizer,
        path: PathBuf,
        [bos_token, eos_token]: [String; 2],
        template: String,
        template_path: PathBuf,
    ) -> Result<Self> {
        let bos_id = tokenizer.token_to_id(&bos_token).ok_or_else(|| {
            Error::file(
                &path,
                format!("the beginning token \"{bos_token}\" is not in the vocabulary"),
            )
        })?;
        let added = tokenizer.get_added_tokens_decoder();
        let mut control_tokens: Vec<String> = added
            .values()
            .filter(|token| token.special)
            .map(|token| token.content.clone())
            .collect();
        control_tokens.sort();
        Ok(ChatTokenizer {
            tokenizer,
            path,
            template,
            template_path,
            bos_token,
            eos_token,
            bos_id,
            control_tokens,
        })
    }

    /// A tokenizer may have fewer tokens than the model has embeddings (they are padded), but not more.
    pub fn check_vocabulary(&self, vocab_size: usize) -> Result<()> {
        let largest = self.tokenizer.get_vocab(true).into_values().max().unwrap_or(0);
        if (largest as usize) < vocab_size {
            return Ok(());
        }
        let message = format!(
            "the tokenizer has token ids up to {largest}, but the model's vocabulary is {vocab_size}; do tokenizer and weights belong together?"
        );
        Err(Error::file(&self.path, message))
    }

    /// The conversation in the model's chat format, followed by the opening of the next speaker's turn.
    ///
    /// A template can open the model's turn (`add_generation_prompt`), but not the user's. So the opening is taken
    /// from how the template begins such a turn in a conversation that goes on, and appended: nothing in the
    /// rendered text is replaced.
    pub fn render(&self, messages: &[Message], opens: Role) -> Result<String> {
        Ok(self.apply_template(messages, false)? + &self.opening(opens)?)
    }

    /// Token ids of a rendered conversation, which begins with the beginning token exactly once.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = self
            .tokenizer
            .encode(text, false)
            .map_err(|error| Error::file(&self.path, error.to_string()))?;
        let ids = encoding.get_ids();
        match ids.iter().filter(|id| **id == self.bos_id).count() {
            // A template without the beginning token leaves it to the tokenizer.
            0 => Ok(std::iter::once(self.bos_id).chain(ids.iter().copied()).collect()),
            1 if ids[0] == self.bos_id => Ok(ids.to_vec()),
            _ => {
                let message = format!(
                    "the rendered text must begin with {} and hold it once: {text:?}",
                    self.bos_token
                );
                Err(Error::file(&self.template_path, message))
            }
        }
    }

    /// The text of tokens, control tokens kept.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        self.tokenizer
            .decode(ids, false)
            .map_err(|error| Error::file(&self.path, error.to_string()))
    }

    /// The token that a text is, if it is a single one.
    pub fn token_id(&self, text: &str) -> Option<u32> {
        self.tokenizer.token_to_id(text)
    }

    /// A token as the vocabulary spells it.
    pub fn token_text(&self, id: u32) -> String {
        self.tokenizer.id_to_token(id).unwrap_or_default()
    }

    /// The first control token that a text holds: such a text would change the format it is put in.
    pub fn control_token_in(&self, text: &str) -> Option<&str> {
        self.control_tokens
            .iter()
            .map(String::as_str)
            .find(|token| text.contains(token))
    }

    /// A hash of the chat template's text.
    pub fn template_hash(&self) -> String {
        blake3::hash(self.template.as_bytes()).to_hex().to_string()
    }

    fn opening(&self, role: Role) -> Result<String> {
        let question = Message::new(Role::User, "Question");
        let (before, after, end) = match role {
            Role::Assistant => {
                let before = self.apply_template(std::slice::from_ref(&question), false)?;
                let after = self.apply_template(&[question], true)?;
                let end = after.len();
                (before, after, Some(end))
            }
            Role::User => {
                let mut turns = vec![question, Message::new(Role::Assistant, "Answer")];
                let before = self.apply_template(&turns, false)?;
                turns.push(Message::new(Role::User, MARK));
                let after = self.apply_template(&turns, false)?;
                let end = after.find(MARK);
                (before, after, end)
            }
        };
        let opening = end
            .and_then(|end| after[..end].strip_prefix(before.as_str()))
            .filter(|opening| !opening.is_empty());
        opening.map(str::to_owned).ok_or_else(|| {
            let name = if role == Role::User { "user" } else { "model" };
            Error::file(
                &self.template_path,
                format!("the chat template has no turn of the {name} that could be opened"),
            )
        })
    }

    fn apply_template(&self, messages: &[Message], add_generation_prompt: bool) -> Result<String> {
        self.run_template(messages, add_generation_prompt)
            .map_err(|error| {
                let detail = error.detail().map_or_else(|| error.to_string(), str::to_owned);
                Error::file(
                    &self.template_path,
                    format!("the chat template refuses the conversation: {detail}"),
                )
            })
    }

    fn run_template(
        &self,
        messages: &[Message],
        add_generation_prompt: bool,
    ) -> std::result::Result<String, minijinja::Error> {
        let mut environment = Environment::new();
        // As Hugging Face sets Jinja up.
        environment.set_syntax(
            SyntaxConfig::builder()
                .trim_blocks(true)
                .lstrip_blocks(true)
                .build()?,
        );
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function(
            "raise_exception",
            |message: String| -> std::result::Result<String, minijinja::Error> {
                Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
            },
        );
        environment.template_from_str(&self.template)?.render(context! {
            messages => minijinja::Value::from(minijinja::value::Serde(messages)),
            add_generation_prompt,
            bos_token => self.bos_token.as_str(),
            eos_token => self.eos_token.as_str(),
        })
    }
}

/// Stands for the text of a turn that is opened; letters only, so that no template changes it.
const MARK: &str = "RoleswapOpensTheTurnHere";

/// The tokenizers library panics where the JSON of the decoder is broken, so that part is read before it.
fn check_decoder(bytes: &[u8]) -> serde_json::Result<()> {
    #[derive(Deserialize)]
    struct Parts {
        #[serde(default, rename = "decoder")]
        _decoder: Value,
    }
    serde_json::from_slice(bytes).map(|_: Parts| ())
}

/// A special token is written as its text, or as an object with the text in `content`.
fn special_token(config: &Value, key: &str) -> Option<String> {
    let value = config.get(key)?;
    value
        .as_str()
        .or_else(|| value.get("content")?.as_str())
        .map(str::to_owned)
}

/// The template's own file wins over the entry in tokenizer_config.json, as in Hugging Face.
fn chat_template(folder: &Path, config: &Value, config_path: &Path) -> Result<(String, PathBuf)> {
    let path = folder.join("chat_template.jinja");
    if path.exists() {
        return Ok((fs_err::read_to_string(&path)?, path));
    }
    let entry = config.get("chat_template");
    let named = |list: &Vec<Value>| {
        let default = list
            .iter()
            .find(|entry| entry.get("name").and_then(Value::as_str) == Some("default"));
        default
            .and_then(|entry| entry.get("template")?.as_str())
            .map(str::to_owned)
    };
    let text = entry.and_then(|value| {
        value
            .as_str()
            .map(str::to_owned)
            .or_else(|| value.as_array().and_then(named))
    });
    let missing = "`chat_template` is missing, and there is no chat_template.jinja; use an instruction-tuned model, or name a template's file in model.chat_template";
    text.map(|text| (text, config_path.to_owned()))
        .ok_or_else(|| Error::file(config_path, missing))
}
