use std::path::{Path, PathBuf};

use chrono::{NaiveDate, NaiveDateTime};
use serde_json::{Map, Value as Json};

use super::jinja;
use super::source::source;
use crate::{Error, Message, Result, Role, Speaker};

/// Which chat template is used, and what it is given in addition to the conversation.
#[derive(Clone, Debug, Default)]
pub struct ChatOptions<'a> {
    /// A Jinja file that takes the place of the model's own chat template; base models have none.
    pub template: Option<&'a Path>,
    /// Variables of the template, such as `enable_thinking`.
    pub arguments: Map<String, Json>,
    /// The day that `strftime_now` returns; today if omitted.
    pub date: Option<NaiveDate>,
}

/// A chat template, rendered as `apply_chat_template` of Hugging Face transformers renders it.
pub(super) struct Template {
    /// As it was read.
    pub text: String,
    /// Where it comes from, for messages.
    pub path: PathBuf,
    /// In the form that the engine reads, or why there is none.
    source: std::result::Result<String, String>,
    /// Special tokens under their names, overridden by the pipeline's arguments.
    variables: Map<String, Json>,
    now: NaiveDateTime,
}

impl Template {
    /// `special_tokens` are texts under names such as `bos_token`. A token that a tokenizer doesn't
    /// have is not defined; tools and documents are `none`, as they are when none are passed.
    pub fn new(
        text: String,
        path: PathBuf,
        special_tokens: Map<String, Json>,
        options: &ChatOptions<'_>,
    ) -> Self {
        let mut variables = Map::from_iter([
            ("tools".to_owned(), Json::Null),
            ("documents".to_owned(), Json::Null),
        ]);
        variables.extend(special_tokens);
        variables.extend(options.arguments.clone());
        let now = match options.date {
            Some(date) => date.into(),
            None => chrono::Local::now().naive_local(),
        };
        Template {
            source: source(&text),
            text,
            path,
            variables,
            now,
        }
    }

    /// Whether what is rendered depends on the day: two days give two texts for a question, with
    /// instructions or without.
    pub fn tells_the_date(&self) -> bool {
        let question = Message::new(Speaker::User, "Question");
        let told = [Message::new(Role::System, "Be brief."), question.clone()];
        let differs = |messages: &[Message]| {
            let days = [1, 40].map(|days| {
                let now = self.now + chrono::Days::new(days);
                self.render_at(now, serde_json::to_value(messages).unwrap_or_default(), true)
                    .ok()
            });
            days[0] != days[1]
        };
        self.text.contains("strftime_now") && (differs(&[question]) || differs(&told))
    }

    /// The day that it shows.
    pub fn date(&self) -> NaiveDate {
        self.now.date()
    }

    /// # Errors
    /// The template's message if it refuses a conversation, or what keeps it from being
    /// rendered.
    pub fn render(&self, messages: &[Message], add_generation_prompt: bool) -> Result<String> {
        let messages = serde_json::to_value(messages).unwrap_or_default();
        self.render_json(messages, add_generation_prompt)
    }

    /// The same for messages as a template sees them.
    pub fn render_json(&self, messages: Json, add_generation_prompt: bool) -> Result<String> {
        self.render_at(self.now, messages, add_generation_prompt)
    }

    fn render_at(&self, now: NaiveDateTime, messages: Json, add_generation_prompt: bool) -> Result<String> {
        let source = self.source.as_ref().map_err(|message| {
            let advice = "write the template without it, into a file for model.chat_template";
            Error::file(&self.path, format!("the chat template: {message}; {advice}"))
        })?;
        self.try_render(now, source, messages, add_generation_prompt).map_err(|error| {
            let detail = error.detail().map_or_else(|| error.to_string(), str::to_owned);
            let message = if error.kind() == minijinja::ErrorKind::SyntaxError {
                let line = error.line().map_or(String::new(), |line| format!("line {line}: "));
                format!(
                    "{line}the chat template can't be parsed: {detail}; correct it, or name another in model.chat_template"
                )
            } else {
                format!("the chat template refuses the conversation: {detail}")
            };
            Error::file(&self.path, message)
        })
    }

    fn try_render(
        &self,
        now: NaiveDateTime,
        source: &str,
        messages: Json,
        add_generation_prompt: bool,
    ) -> std::result::Result<String, minijinja::Error> {
        let mut variables = self.variables.clone();
        variables.insert("messages".to_owned(), messages);
        variables.insert("add_generation_prompt".to_owned(), add_generation_prompt.into());
        let environment = jinja::environment(now)?;
        let template = environment.template_from_str(source)?;
        template.render(minijinja::Value::from(minijinja::value::Serde(&variables)))
    }
}
