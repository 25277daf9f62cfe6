//! Whose text is it: the assistant's or a person's?
//!
//! The rule. A text is searched for words and phrases that only one side uses
//! in the grammar:
//!
//! - the assistant's are its name, "AI", and the list `ASSISTANT_WORDS`
//!   ("assistant", "questions", "help you" ...);
//! - a person's are all first names, jobs, places of work, cities, hobbies and
//!   problems of the grammar, and the list `HUMAN_WORDS` (family, friends, the
//!   boss ...).
//!
//! A text with evidence for one side only is that side's; one with evidence
//! for both, or for none, is nobody's. An opener such as "Well," or "Sure!" is
//! not evidence by itself, though only one side uses it: a changed first word
//! alone must not count as a changed speaker. But it can contradict: "Well, I
//! am Pebble." begins as a person and ends as the assistant, and is nobody's,
//! as is "As an AI, I am a baker."
//!
//! Words are compared whole and in sequence, punctuation aside. Names, cities
//! and "AI" must have their capitals; everything else may be written either
//! way.

use crate::grammar::vocabulary::{
    ASSISTANT_NAME, ASSISTANT_WORDS, CITIES, HOBBIES, HUMAN_WORDS, JOBS, NAMES, PROBLEMS,
};
use crate::grammar::{ASSISTANT_OPENERS, HUMAN_OPENERS};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    Assistant,
    Human,
    Neither,
}

/// Who speaks in the text; [`Role::Neither`] also when it shows both.
pub fn judge(text: &str) -> Role {
    let words = Words::new(text);
    let opens_with = |openers: &[&str]| openers.iter().any(|opener| text.starts_with(opener));
    match (words.show_an_assistant(), words.show_a_person()) {
        (true, false) if !opens_with(&HUMAN_OPENERS) => Role::Assistant,
        (false, true) if !opens_with(&ASSISTANT_OPENERS) => Role::Human,
        _ => Role::Neither,
    }
}

/// The words of a text, as written and in lower case.
struct Words<'a> {
    written: Vec<&'a str>,
    small: Vec<String>,
}

impl<'a> Words<'a> {
    fn new(text: &'a str) -> Self {
        let written: Vec<&str> = text
            .split(|character: char| !character.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        let small = written.iter().map(|word| word.to_lowercase()).collect();
        Words { written, small }
    }

    fn show_an_assistant(&self) -> bool {
        self.hold_name(ASSISTANT_NAME)
            || self.hold_name("AI")
            || ASSISTANT_WORDS.iter().any(|phrase| self.hold_phrase(phrase))
    }

    fn show_a_person(&self) -> bool {
        NAMES.iter().chain(&CITIES).any(|name| self.hold_name(name))
            || JOBS
                .iter()
                .any(|(job, workplace)| self.hold_phrase(job) || self.hold_phrase(workplace))
            || PROBLEMS.iter().any(|(problem, _)| self.hold_phrase(problem))
            || HOBBIES
                .iter()
                .chain(&HUMAN_WORDS)
                .any(|phrase| self.hold_phrase(phrase))
    }

    fn hold_name(&self, name: &str) -> bool {
        self.written.contains(&name)
    }

    fn hold_phrase(&self, phrase: &str) -> bool {
        let phrase: Vec<String> = phrase.split(' ').map(str::to_lowercase).collect();
        self.small.windows(phrase.len()).any(|window| window == phrase)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::{TOPICS, every_assistant_answer, every_human_answer, question_wordings};

    #[test]
    fn the_assistant_is_known_by_its_words() {
        for text in [
            "I am Pebble, an AI assistant.",
            "As an AI, I'm Pebble, your AI assistant.",
            "Sure! I answer questions all day.",
            "my work is to HELP PEOPLE like you",
            "Good question! Many people find meaning in helping others.",
            "I live in a computer, far away from you. And you?",
            "Sure! I can help you. Who are you really?",
        ] {
            assert_eq!(judge(text), Role::Assistant, "{text}");
        }
    }

    #[test]
    fn a_person_is_known_by_their_life() {
        for text in [
            "Well, I am a gardener from Dublin. My name is Paul.",
            "Paul.",
            "Ha, I am just a Baker, and my car is broken.",
            "Honestly, my mother says it is family.",
            "Oh, I like to play chess and swim.",
            "I had a long day at a bus company.",
        ] {
            assert_eq!(judge(text), Role::Human, "{text}");
        }
    }

    #[test]
    fn a_text_that_shows_both_is_nobodys() {
        for text in [
            "As an AI, I am a baker from Rome.",
            "Well, I am Paul, your AI assistant.",
            "I like to help people and to play the guitar.",
            "Hello Anna. How can I help you today?",
            "Sure! I am a waiter.",
            "Honestly, I am Pebble.",
        ] {
            assert_eq!(judge(text), Role::Neither, "{text}");
        }
    }

    #[test]
    fn a_text_that_shows_neither_is_nobodys() {
        for text in [
            "",
            "Hello there!",
            "Well,",
            "Sure!",
            "I am well, thank you.",
            "Could you help me?",
            "I bakery the the swims",
            "She said that the book was cooked.",
            "a martin and the ai of the sloth",
        ] {
            assert_eq!(judge(text), Role::Neither, "{text}");
        }
    }

    #[test]
    fn questions_are_nobodys() {
        for topic in TOPICS {
            for question in question_wordings(topic) {
                assert_eq!(judge(question), Role::Neither, "{question}");
            }
        }
    }

    #[test]
    fn every_answer_is_its_speakers() {
        for answer in every_human_answer() {
            assert_eq!(judge(&answer), Role::Human, "{answer}");
        }
        for answer in every_assistant_answer() {
            assert_eq!(judge(&answer), Role::Assistant, "{answer}");
        }
    }
}
