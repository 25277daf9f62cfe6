use anyhow::{Context, Result, bail};
use live::{Conversation, Settings, Steering};
use pipeline::Turn;
use serde::Deserialize;
use terms::Speaker;

/// What the page asks for: answers to several conversations at once, each with its own steering.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Whom the model speaks as.
    opens: Speaker,
    answers: Vec<Wanted>,
    max_new_tokens: usize,
    /// Left out, the most likely token is taken each time.
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
    #[serde(default)]
    reference: Option<Reference>,
}

/// What an answer is compared with once it has ended.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Reference {
    /// Another answer to the question, by its number.
    Answer(usize),
    /// An earlier answer.
    Text(String),
}

const MOST_ANSWERS: usize = 8;
const MOST_TOKENS: usize = 4096;

impl Question {
    pub fn parse(json: &[u8]) -> Result<Self> {
        let question: Question = serde_json::from_slice(json).context("the question is not as expected")?;
        if question.answers.is_empty() || question.answers.len() > MOST_ANSWERS {
            bail!("answers: ask for 1 to {MOST_ANSWERS} at once");
        }
        for wanted in &question.answers {
            if !wanted.is_comparable(question.answers.len()) {
                bail!(
                    "answers: `reference` is the number of an answer, or a text of at most {MOST_TOKENS} words"
                );
            }
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

    /// What each answer is compared with.
    pub fn take_references(&mut self) -> Vec<Option<Reference>> {
        let answers = self.answers.iter_mut();
        answers.map(|wanted| wanted.reference.take()).collect()
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

impl Wanted {
    /// Comparing takes time and memory with the product of both texts' words, so no text may have
    /// more than an answer can have.
    fn is_comparable(&self, answers: usize) -> bool {
        match &self.reference {
            None => true,
            Some(Reference::Answer(number)) => *number < answers,
            Some(Reference::Text(text)) => text.split_whitespace().count() <= MOST_TOKENS,
        }
    }
}
