//! What conversations are made of.

use std::fmt;

/// Who speaks, by the names of the chat format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Speaker {
    User,
    Model,
}

impl Speaker {
    pub fn as_str(self) -> &'static str {
        match self {
            Speaker::User => "user",
            Speaker::Model => "model",
        }
    }

    pub fn other(self) -> Speaker {
        match self {
            Speaker::User => Speaker::Model,
            Speaker::Model => Speaker::User,
        }
    }
}

impl fmt::Display for Speaker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Turn {
    pub speaker: Speaker,
    pub text: String,
}

/// Turns of alternating speakers, two to eight of them.
pub type Conversation = Vec<Turn>;
