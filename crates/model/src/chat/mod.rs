//! A model's tokenizer and its chat template: conversations to texts, texts to tokens.

mod control;
mod files;
mod jinja;
mod message;
mod opening;
mod source;
mod template;
#[cfg(test)]
mod tests;
mod token_text;

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};
use terms::Speaker;
use tokenizers::Tokenizer;

use crate::text_file::refuse_pointer;
use crate::{Error, Result};

use files::Companions;
use opening::Format;
use template::Template;

pub(crate) use files::FILES;
pub use message::{Message, Role};
pub use opening::Rendered;
pub use template::ChatOptions;

/// A conversation as the model sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// The token ids, in order.
    pub ids: Vec<u32>,
    /// The place of the first token of the opened turn's header.
    pub opening: usize,
}

/// A model's tokenizer and its chat template.
///
/// Texts and tokens are those of `apply_chat_template` in Hugging Face transformers: the template
/// alone decides on special tokens, and nothing is truncated or padded, whatever a
/// training run has left in `tokenizer.json`.
pub struct ChatTokenizer {
    tokenizer: Tokenizer,
    path: PathBuf,
    format: Format,
    bos: Option<(String, u32)>,
    eos: Option<u32>,
    /// Whether the tokenizer would itself put the beginning token before a text.
    adds_bos: bool,
    control_tokens: Vec<String>,
    /// Tokens from this id on have no row in the model's embedding table.
    rows: usize,
}

/// Where the parts of a [`ChatTokenizer`] come from, for messages, and what they are.
pub(crate) struct Parts {
    pub tokenizer: Tokenizer,
    pub path: PathBuf,
    /// Texts under names such as `bos_token`.
    pub special_tokens: Map<String, Value>,
    /// Whether the tokenizer itself puts the beginning token before a text; `None`: as the
    /// tokenizer's post-processor does.
    pub adds_bos: Option<bool>,
    pub template: String,
    pub template_path: PathBuf,
}

/// The text of a Hugging Face folder's own chat template, if it has one.
pub(crate) fn own_template(folder: &Path) -> Result<Option<String>> {
    let own = Companions::read(folder)?.own_template()?;
    Ok(own.map(|(text, _)| text))
}

impl ChatTokenizer {
    /// Reads `tokenizer.json` and, where present, `tokenizer_config.json`,
    /// `special_tokens_map.json`, `chat_template.jinja` and `chat_template.json`.
    ///
    /// # Errors
    /// A file that is missing or can't be used, and a folder without a chat template where
    /// `options` names none.
    pub fn read(folder: &Path, options: &ChatOptions<'_>) -> Result<Self> {
        let path = folder.join("tokenizer.json");
        let bytes = fs_err::read(&path)?;
        refuse_pointer(&path, &bytes)?;
        check_decoder(&bytes).map_err(|error| Error::file(&path, error.to_string()))?;
        let mut tokenizer =
            Tokenizer::from_bytes(bytes).map_err(|error| Error::file(&path, error.to_string()))?;
        let companions = Companions::read(folder)?;
        companions.add_tokens(&mut tokenizer)?;
        let (template, template_path) = companions.template(options)?;
        let parts = Parts {
            special_tokens: companions.special_tokens(&tokenizer),
            adds_bos: companions.adds_bos(),
            tokenizer,
            path,
            template,
            template_path,
        };
        Self::assemble(parts, options)
    }

    pub(crate) fn assemble(parts: Parts, options: &ChatOptions<'_>) -> Result<Self> {
        let Parts {
            mut tokenizer,
            path,
            special_tokens,
            adds_bos,
            template,
            template_path,
        } = parts;
        // A training run leaves these in the file. transformers resets both before it tokenises.
        tokenizer
            .with_truncation(None)
            .map_err(|error| Error::file(&path, error.to_string()))?
            .with_padding(None);
        let token = |name: &str| -> Result<Option<(String, u32)>> {
            let Some(text) = special_tokens.get(name).and_then(Value::as_str) else {
                return Ok(None);
            };
            match tokenizer.token_to_id(text) {
                Some(id) => Ok(Some((text.to_owned(), id))),
                None if name == "bos_token" => Err(Error::file(
                    &path,
                    format!(
                        "the beginning token \"{text}\" is not in the vocabulary; do tokenizer.json and tokenizer_config.json belong \
                         together?"
                    ),
                )),
                None => Ok(None),
            }
        };
        let (bos, eos) = (token("bos_token")?, token("eos_token")?);
        let adds_bos = adds_bos.unwrap_or_else(|| {
            let encoded = tokenizer.encode("a", true).ok();
            let first = encoded.and_then(|encoded| encoded.get_ids().first().copied());
            bos.as_ref().is_some_and(|(_, id)| first == Some(*id))
        });
        let template = Template::new(template, template_path, special_tokens, options);
        let marks = control::tokens(&tokenizer, &template.text);
        let format = Format::new(template, marks.clone());
        let control_tokens = control::with_tags(marks, &format);
        Ok(ChatTokenizer {
            tokenizer,
            path,
            format,
            bos,
            eos: eos.map(|(_, id)| id),
            adds_bos,
            control_tokens,
            rows: usize::MAX,
        })
    }

    /// For a model whose table of embeddings has `rows` rows.
    ///
    /// There may be more tokens than rows: some text models have a token for images and no row for
    /// it. A token without a row is an error where a text holds it. But if more tokens were
    /// learned from texts than there are rows, this tokenizer belongs to another model.
    ///
    /// # Errors
    /// A vocabulary of more tokens, learned from texts, than there are rows.
    pub fn for_rows(mut self, rows: usize) -> Result<Self> {
        let learned = self.tokenizer.get_vocab(false);
        let added = self.tokenizer.get_added_tokens_decoder();
        let mut largest = learned.into_values().filter(|id| !added.contains_key(id));
        let largest = largest
            .try_fold(0, |largest, id| Some(id.max(largest)))
            .unwrap_or(0);
        if largest as usize >= rows {
            let message = format!(
                "the tokenizer has token ids up to {largest}, but the model's vocabulary is {rows}; do tokenizer and weights belong \
                 together?"
            );
            return Err(Error::file(&self.path, message));
        }
        self.rows = rows;
        Ok(self)
    }

    /// The conversation in the model's chat format, followed by the opening of the next speaker's
    /// turn.
    ///
    /// The model's turn is opened by the template (`add_generation_prompt`). The opening of the
    /// user's is taken from how the template itself begins such a turn in a conversation that goes
    /// on: nothing in the rendered text is replaced.
    ///
    /// # Errors
    /// What the chat template refuses, and a turn that it does not open.
    pub fn render(&self, messages: &[Message], opens: Speaker) -> Result<Rendered> {
        self.format.render(messages, opens)
    }

    /// Token ids of a rendered conversation, and where the opened turn begins among them.
    ///
    /// # Errors
    /// A text without tokens, and what [`encode`](Self::encode) refuses.
    pub fn tokenize(&self, rendered: &Rendered) -> Result<Tokens> {
        let encoding = self.encoding(&rendered.text)?;
        let begins = |(_, end): &(usize, usize)| *end > rendered.opening;
        let opening = encoding.get_offsets().iter().position(begins);
        let last = encoding.get_ids().len().checked_sub(1);
        let empty = || {
            Error::file(
                self.template_path(),
                "the rendered text has no token; correct the chat template",
            )
        };
        let last = last.ok_or_else(empty)?;
        Ok(Tokens {
            opening: opening.unwrap_or(last),
            ids: encoding.get_ids().to_vec(),
        })
    }

    /// Token ids of a text as it is: no beginning token is added.
    ///
    /// # Errors
    /// A second beginning token at the start, and a token that has no row in the model's table.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        Ok(self.encoding(text)?.get_ids().to_vec())
    }

    fn encoding(&self, text: &str) -> Result<tokenizers::Encoding> {
        let encoding = self
            .tokenizer
            .encode(text, false)
            .map_err(|error| Error::file(&self.path, error.to_string()))?;
        let ids = encoding.get_ids();
        if let Some((bos, id)) = &self.bos
            && ids.len() > 1
            && ids[..2] == [*id, *id]
        {
            let message = format!("the rendered text must begin with {bos} once, not twice: {text:?}");
            return Err(Error::file(self.template_path(), message));
        }
        if let Some(id) = ids.iter().find(|id| **id as usize >= self.rows) {
            let message = format!(
                "the token \"{}\" (id {id}) has no row in the model's table of {}; leave it out of the text, or use the tokenizer \
                 that belongs to the weights",
                self.token_text(*id),
                self.rows
            );
            return Err(Error::file(&self.path, message));
        }
        Ok(encoding)
    }

    /// The text of tokens, control tokens kept.
    ///
    /// # Errors
    /// An id that is not in the vocabulary, as the tokenizer reports it.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        self.tokenizer
            .decode(ids, false)
            .map_err(|error| Error::file(&self.path, error.to_string()))
    }

    /// The token that equals a text, if it is a single one: as the vocabulary spells it, or as it
    /// is written (" am").
    pub fn token_id(&self, text: &str) -> Option<u32> {
        let within = |id: &u32| (*id as usize) < self.rows;
        let spelled = self.tokenizer.token_to_id(text);
        let written = || match self.tokenizer.encode(text, false).ok()?.get_ids() {
            [id] => Some(*id),
            _ => None,
        };
        spelled.or_else(written).filter(within)
    }

    /// A token as the vocabulary spells it; where that spells bytes as letters, what it stands for.
    pub fn token_text(&self, id: u32) -> String {
        token_text::token_text(&self.tokenizer, id)
    }

    /// The token that ends a text, as the tokenizer's files have it.
    pub fn eos_id(&self) -> Option<u32> {
        self.eos
    }

    /// The beginning token, if the tokens don't begin with it although the tokenizer would add it
    /// to any other text.
    pub fn missing_bos(&self, ids: &[u32]) -> Option<&str> {
        let (text, id) = self.bos.as_ref().filter(|_| self.adds_bos)?;
        (ids.first() != Some(id)).then_some(text.as_str())
    }

    /// The first control token that a text holds: such a text would change the format around it.
    pub fn control_token_in(&self, text: &str) -> Option<&str> {
        self.control_tokens
            .iter()
            .map(String::as_str)
            .find(|token| text.contains(token))
    }

    /// The token that ends the model's turn in this format, if it is a single one.
    pub fn end_of_turn(&self) -> Option<u32> {
        let messages = [
            Message::new(Speaker::User, "Question"),
            Message::new(Speaker::Model, "Answer"),
        ];
        let rendered = self.render(&messages, Speaker::User).ok()?;
        let answer = rendered.text.rfind("Answer")? + "Answer".len();
        let ids = self.tokenizer.encode(&rendered.text[answer..], false).ok()?;
        let first = *ids.get_ids().first()?;
        self.control_tokens
            .contains(&self.token_text(first))
            .then_some(first)
    }

    /// Whether what is rendered may depend on the day, and the day that it shows.
    pub fn date(&self) -> Option<chrono::NaiveDate> {
        let template = &self.format.template;
        template.tells_the_date().then(|| template.date())
    }

    /// A hash of the chat template's text.
    pub fn template_hash(&self) -> String {
        blake3::hash(self.format.template.text.as_bytes())
            .to_hex()
            .to_string()
    }

    fn template_path(&self) -> &Path {
        &self.format.template.path
    }
}

/// The tokenizers library panics where the JSON of the decoder is broken, so that part is read
/// before it.
fn check_decoder(bytes: &[u8]) -> serde_json::Result<()> {
    #[derive(Deserialize)]
    struct Parts {
        #[serde(default, rename = "decoder")]
        _decoder: Value,
    }
    serde_json::from_slice(bytes).map(|_: Parts| ())
}
