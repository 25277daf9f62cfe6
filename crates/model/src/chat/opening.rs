//! Conversations in a model's chat format, with the next speaker's turn opened.

use std::collections::HashMap;
use std::sync::Mutex;

use terms::Speaker;

use super::message::{Message, Role};
use super::template::Template;
use crate::{Error, Result};

/// A conversation in the model's chat format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The whole text, special tokens included.
    pub text: String,
    /// The byte of `text` at which the header of the opened turn begins.
    pub opening: usize,
}

/// A template with what is known about how it opens turns.
pub(super) struct Format {
    pub template: Template,
    /// Texts that the tokenizer keeps whole, whatever surrounds them.
    marks: Vec<String>,
    /// Whether a system turn appears in the text; otherwise it is put into the first turn of the
    /// user.
    has_system_turn: bool,
    /// What follows the text of the last turn, by the speakers of a conversation.
    tails: Mutex<HashMap<(Vec<Role>, Speaker), Tail>>,
}

/// What a format puts after the text of the last turn: the end of that turn, then the header of the
/// opened one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Tail {
    text: String,
    /// Where the header begins in it.
    header: usize,
    /// Whether that is a header, or the end of the last turn, which a model simply continues from
    /// (`[/INST]`).
    is_header: bool,
}

impl Format {
    pub fn new(template: Template, marks: Vec<String>) -> Self {
        let probe = [
            Message::new(Role::System, SAID),
            Message::new(Speaker::User, "Question"),
        ];
        let has_system_turn = template
            .render(&probe, true)
            .is_ok_and(|text| text.contains(SAID));
        Format {
            template,
            marks,
            has_system_turn,
            tails: Mutex::default(),
        }
    }

    /// The conversation, followed by the opening of the next speaker's turn.
    ///
    /// The model's turn is opened by the template itself (`add_generation_prompt`). A template
    /// can't open the user's, so the conversation is rendered with one more turn of the user and
    /// cut where that turn's text begins: it looks as it would to the model in a conversation that
    /// goes on. Nothing in the rendered text is replaced.
    ///
    /// A template without a system turn is given the instructions at the start of the first turn of
    /// the user, before a blank line, as templates do that handle this themselves.
    pub fn render(&self, messages: &[Message], opens: Speaker) -> Result<Rendered> {
        let messages = self.without_system(messages)?;
        let text = match self.open(&messages, opens) {
            Ok(text) => text,
            Err(error) => return self.splice(&messages, opens).unwrap_or(Err(error)),
        };
        let tail = self.tail_of(&text, &messages, opens)?;
        Ok(Rendered {
            opening: text.len() - tail.text.len() + tail.header,
            text,
        })
    }

    fn without_system(&self, messages: &[Message]) -> Result<Vec<Message>> {
        let mut messages = messages.to_vec();
        if self.has_system_turn || messages.first().is_none_or(|first| first.role != Role::System) {
            return Ok(messages);
        }
        let system = messages.remove(0);
        let first = messages
            .iter_mut()
            .find(|message| message.role == Speaker::User.into());
        let first = first.ok_or_else(|| {
            self.wrong(
                "the chat template has no system turn, and the conversation has no turn of the user to put the \
                 instructions into; leave out `system`, or add a turn of the user",
            )
        })?;
        first.content = format!("{}\n\n{}", system.content, first.content);
        Ok(messages)
    }

    fn open(&self, messages: &[Message], opens: Speaker) -> Result<String> {
        if opens == Speaker::Model {
            return self.template.render(messages, true);
        }
        let mut longer = messages.to_vec();
        longer.push(Message::new(opens, MARK));
        let text = self.template.render(&longer, false)?;
        match text.rfind(MARK) {
            Some(end) => Ok(text[..end].to_owned()),
            None => Err(self.cannot_open(opens)),
        }
    }

    /// If a template refuses two turns of one speaker in a row: the conversation as it is before
    /// the other speaker opens a turn, and then the header of the wanted one. `None` where that
    /// isn't why it refused.
    fn splice(&self, messages: &[Message], opens: Speaker) -> Option<Result<Rendered>> {
        let last = messages.last()?;
        let other = match opens {
            Speaker::User => Speaker::Model,
            Speaker::Model => Speaker::User,
        };
        if last.role != opens.into() {
            return None;
        }
        let text = self.open(messages, other).ok()?;
        let tail = self.tail_of(&text, messages, other).ok()?;
        let mut usual = vec![Message::new(Speaker::User, "Question")];
        if opens == Speaker::User {
            usual.push(Message::new(Speaker::Model, "Answer"));
        }
        let whole = self.open(&usual, opens).ok()?;
        let header = self.tail_of(&whole, &usual, opens).ok()?;
        let end = if tail.is_header {
            text.len() - tail.text.len() + tail.header
        } else {
            text.len()
        };
        Some(Ok(Rendered {
            text: format!("{}{}", &text[..end], &header.text[header.header..]),
            opening: end,
        }))
    }

    /// The tail of a rendered conversation. It depends on who spoke and hardly ever on what was
    /// said, so it is remembered, and determined again if the text doesn't end with it.
    fn tail_of(&self, text: &str, messages: &[Message], opens: Speaker) -> Result<Tail> {
        let roles: Vec<Role> = messages.iter().map(|message| message.role).collect();
        let key = (roles, opens);
        let known = self.tails.lock().ok().and_then(|tails| tails.get(&key).cloned());
        if let Some(tail) = known.filter(|tail| text.ends_with(&tail.text)) {
            return Ok(tail);
        }
        let tail = self.find_tail(messages, opens)?;
        if !text.ends_with(&tail.text) {
            return Err(self.wrong(
                "where the opened turn begins can't be told, since the template ends this conversation by what was said \
                 in it; name a simpler template in model.chat_template",
            ));
        }
        if let Ok(mut tails) = self.tails.lock() {
            tails.insert(key, tail.clone());
        }
        Ok(tail)
    }

    /// With a mark for the last turn's text, everything after the mark is the format's own. The
    /// part of that which the closed conversation also has ends the turn; the rest is the header.
    fn find_tail(&self, messages: &[Message], opens: Speaker) -> Result<Tail> {
        let mut marked = messages.to_vec();
        let Some(last) = marked.last_mut() else {
            return Err(self.cannot_open(opens));
        };
        SAID.clone_into(&mut last.content);
        let text = self.open(&marked, opens)?;
        let text = after_mark(&text).ok_or_else(|| self.cannot_open(opens))?;
        let closed = self.template.render(&marked, false).unwrap_or_default();
        let closed = after_mark(&closed).unwrap_or_default();
        let end = self.common(text, closed);
        if text[end..].trim().is_empty() {
            self.check_that_it_speaks(&marked, text, opens)?;
            return Ok(Tail {
                text: text.to_owned(),
                header: 0,
                is_header: false,
            });
        }
        let breaks = text[end..].len() - text[end..].trim_start_matches('\n').len();
        Ok(Tail {
            text: text.to_owned(),
            header: end + breaks,
            is_header: true,
        })
    }

    /// A format whose turns have no header continues right where the last turn ends; if
    /// it doesn't, the template has not opened the turn.
    fn check_that_it_speaks(&self, marked: &[Message], tail: &str, opens: Speaker) -> Result<()> {
        let mut longer = marked.to_vec();
        longer.push(Message::new(opens, MARK));
        let text = self.template.render(&longer, false)?;
        let goes_on = after_mark(&text)
            .and_then(|text| text.split(MARK).next())
            .and_then(|between| between.strip_prefix(tail))
            .is_some_and(|between| between.trim().is_empty());
        if goes_on && !tail.is_empty() {
            Ok(())
        } else {
            Err(self.cannot_open(opens))
        }
    }

    /// The length in bytes of the common beginning of two texts, without cutting a token of the
    /// format in two.
    fn common(&self, one: &str, other: &str) -> usize {
        let mut end = 0;
        while let Some(piece) = self.piece(&one[end..]) {
            if self.piece(&other[end..]) != Some(piece) {
                break;
            }
            end += piece.len();
        }
        end
    }

    /// The token of the format, or else the letter, that a text begins with.
    fn piece<'a>(&self, text: &'a str) -> Option<&'a str> {
        let marks = self.marks.iter().filter(|mark| text.starts_with(mark.as_str()));
        let mark = marks.map(String::len).max();
        let length = mark.or_else(|| text.chars().next().map(char::len_utf8))?;
        text.get(..length)
    }

    fn cannot_open(&self, opens: Speaker) -> Error {
        self.wrong(&format!(
            "the chat template opens no turn of the {opens} after such a conversation; change the condition, or name another \
             template in model.chat_template"
        ))
    }

    fn wrong(&self, message: &str) -> Error {
        Error::file(&self.template.path, message)
    }
}

/// Stands for the text of a turn that is opened; letters only, so that no template changes it.
const MARK: &str = "RoleswapOpensTheTurnHere";
/// Stands for a text that was said.
const SAID: &str = "RoleswapSaidThisBefore";

fn after_mark(text: &str) -> Option<&str> {
    text.rfind(SAID).map(|start| &text[start + SAID.len()..])
}
