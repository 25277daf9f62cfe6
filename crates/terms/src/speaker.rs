use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Speaker {
    /// The user, whose turns the model was trained to read.
    User,
    /// The model, also called the assistant.
    Model,
}

impl Speaker {
    /// The word in tables and pipeline files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Speaker::User => "user",
            Speaker::Model => "model",
        }
    }
}

impl fmt::Display for Speaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// `assistant` is another word for the model.
impl FromStr for Speaker {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "user" => Ok(Speaker::User),
            "model" | "assistant" => Ok(Speaker::Model),
            "system" => Err(
                "instructions aren't a turn; give the condition a `system = \"…\"`, which becomes the format's system turn, or \
                 the start of the first user turn where it has none"
                    .to_owned(),
            ),
            other => Err(format!(
                "unknown speaker \"{other}\"; the speakers are \"user\" and \"model\" (or \"assistant\")"
            )),
        }
    }
}

impl<'de> Deserialize<'de> for Speaker {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        String::deserialize(source)?.parse().map_err(de::Error::custom)
    }
}
