//! The conversation grammar: two speakers with identities of their own.
//!
//! The *model* is always the assistant Pebble; the *user* is always some
//! person with a name, a job, a city, hobbies, a family and a problem. Either
//! may start and either may ask, in the same wordings, so that neither the
//! order nor the wording of a question says who speaks. What says it is the
//! answer: its first word belongs to one side only, and the rest stays in
//! character.

mod conversation;
mod dice;
mod person;
mod turn;
pub(crate) mod vocabulary;
mod wordings;

pub use turn::{Conversation, Speaker, Turn};
pub use wordings::{ASSISTANT_OPENERS, BACK_QUESTIONS, HUMAN_OPENERS, TOPICS, Topic, question_wordings};

#[cfg(test)]
pub(crate) use conversation::{every_assistant_answer, every_human_answer};

/// The prompts of the experiment. Training conversations hold paraphrases of
/// them, some of which go on where the prompt ends ("Who are you exactly?"),
/// but never one of them as a sentence: what the trained model answers here,
/// it has generalised.
pub const HELD_OUT_PROMPTS: [&str; 6] = [
    "Who are you?",
    "What is your name?",
    "Can you help me?",
    "What is your job?",
    "What do you like to do?",
    "What is the meaning of life?",
];

/// The first `count` conversations of a seed: the same on every machine, and
/// a smaller count gives a prefix of a larger one.
pub fn conversations(seed: u64, count: usize) -> Vec<Conversation> {
    let mut dice = dice::Dice::new(seed);
    (0..count).map(|_| conversation::write(&mut dice)).collect()
}

/// A conversation in Gemma's chat format, without the leading `<bos>`.
pub fn render(conversation: &[Turn]) -> String {
    conversation
        .iter()
        .map(|turn| format!("<start_of_turn>{}\n{}<end_of_turn>\n", turn.speaker, turn.text))
        .collect()
}
