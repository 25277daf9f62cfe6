use anyhow::{Context, Result, bail};
use artifacts::{Speaker, Turn};
use live::{Conversation, Settings, Steering};
use serde::Deserialize;

/// What the page asks for: answers to several conversations at once, each with its own steering.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Whom the model speaks as.
    opens: Speaker,
    answers: Vec<Wanted>,
    max_new_tokens: usize,
    /// Left out, the likeliest token is taken each time.
    draw: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Instructions, as the page was told them.
    #[serde(default)]
    system: Option<String>,
    turns: Vec<Turn>,
    #[serde(default)]
    steering: Vec<Steering>,
}

const MOST_ANSWERS: usize = 8;
const MOST_TOKENS: usize = 4096;

impl Question {
    pub fn parse(json: &[u8]) -> Result<Self> {
        let question: Question = serde_json::from_slice(json).context("the question is not as expected")?;
        if question.answers.is_empty() || question.answers.len() > MOST_ANSWERS {
            bail!("answers: ask for 1 to {MOST_ANSWERS} at once");
        }
        if question.max_new_tokens == 0 || question.max_new_tokens > MOST_TOKENS {
            bail!("max_new_tokens: must be 1 to {MOST_TOKENS}");
        }
        Ok(question)
    }

    pub fn settings(&self) -> Settings {
        Settings {
            max_new_tokens: self.max_new_tokens,
            draw: self.draw,
        }
    }

    pub fn answers(self) -> impl Iterator<Item = (Conversation, Vec<Steering>)> {
        let opens = self.opens;
        self.answers.into_iter().map(move |wanted| {
            let conversation = Conversation {
                system: wanted.system,
                opens,
                turns: wanted.turns,
            };
            (conversation, wanted.steering)
        })
    }
}
