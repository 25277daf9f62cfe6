use serde::{Serialize, Serializer};
use terms::Speaker;

/// One turn of a conversation, or the instructions before it, as chat templates expect it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Whose text it is.
    pub role: Role,
    /// The text.
    pub content: String,
}

/// Whose text a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Instructions. In formats without a turn for them, they are put into the user's first turn.
    System,
    /// A turn of this speaker.
    Turn(Speaker),
}

impl Role {
    /// The word that chat templates use; the model is `assistant` there.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::System => "system",
            Role::Turn(Speaker::User) => "user",
            Role::Turn(Speaker::Model) => "assistant",
        }
    }
}

impl From<Speaker> for Role {
    fn from(speaker: Speaker) -> Self {
        Role::Turn(speaker)
    }
}

impl Serialize for Role {
    fn serialize<S: Serializer>(&self, target: S) -> Result<S::Ok, S::Error> {
        target.serialize_str(self.as_str())
    }
}

impl Message {
    /// A speaker's turn, or instructions ([`Role::System`]).
    pub fn new(role: impl Into<Role>, content: impl Into<String>) -> Self {
        Message {
            role: role.into(),
            content: content.into(),
        }
    }
}
