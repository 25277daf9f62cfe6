//! One conversation: who starts, who asks, how long it goes on.

use super::dice::Dice;
use super::person::Person;
use super::turn::{Conversation, Speaker, Turn};
use super::wordings::{
    ASSISTANT_OPENERS, BACK_QUESTIONS, COMPLAINTS, GREETINGS, HUMAN_OPENERS, INTRODUCTIONS, OFFERS, SYMPATHY,
    THANKS, TOPICS, Topic, WELCOMES, assistant_answers, human_answers, question_wordings, reactions,
};

/// Who starts is open. If users always started, a person would never answer
/// in the second turn, and the direction from assistant to human would carry
/// "asks a question" along with "is a person".
const MODEL_STARTS_PERCENT: usize = 40;

/// How many turns a conversation aims at. Most are short, so that a training
/// batch holds many answers and little padding.
const TARGET_TURNS: [usize; 10] = [2, 2, 2, 3, 3, 4, 4, 5, 6, 7];

/// A reply that is owed may exceed the target, but not this.
const MAXIMUM_TURNS: usize = 8;

/// A conversation of the next person.
pub fn write(dice: &mut Dice) -> Conversation {
    let person = Person::new(dice);
    let mut writer = Writer { dice, person };
    let mut speaker = if writer.dice.chance(MODEL_STARTS_PERCENT) {
        Speaker::Model
    } else {
        Speaker::User
    };
    let mut target = writer.dice.pick(&TARGET_TURNS);

    let (text, mut pending) = match speaker {
        Speaker::User => writer.user_opens(),
        Speaker::Model => writer.model_opens(),
    };
    if matches!(pending, Pending::Greeting) {
        // Two turns would be greetings only. With three there is the shape of
        // the swapped experiment: the user greets, the model asks, the user
        // answers.
        target = target.max(3);
    }
    let mut conversation = vec![Turn { speaker, text }];
    while conversation.len() < MAXIMUM_TURNS && (conversation.len() < target || pending.needs_reply()) {
        speaker = speaker.other();
        let may_ask = conversation.len() + 1 < target;
        let (text, next) = match speaker {
            Speaker::User => writer.user_replies(&pending, may_ask),
            Speaker::Model => writer.model_replies(&pending, may_ask),
        };
        conversation.push(Turn { speaker, text });
        pending = next;
    }
    conversation
}

/// What the last turn leaves to the next speaker.
enum Pending {
    Greeting,
    Question(Topic),
    /// The assistant has offered its services.
    Offer,
    Problem,
    Thanks,
    /// The person has answered a question; `text` is what they said.
    PersonAnswered {
        topic: Topic,
        text: String,
    },
    /// The assistant has said what was asked of it.
    Nothing,
}

impl Pending {
    fn needs_reply(&self) -> bool {
        matches!(self, Pending::Question(_) | Pending::Problem | Pending::Offer)
    }
}

struct Writer<'a> {
    dice: &'a mut Dice,
    person: Person,
}

impl Writer<'_> {
    fn user_opens(&mut self) -> (String, Pending) {
        match self.dice.below(100) {
            0..40 => (self.greeting(), Pending::Greeting),
            40..85 => self.open_with_question(),
            _ => {
                let mut parts = Vec::new();
                if self.dice.chance(50) {
                    parts.push(self.person.fill(self.dice.pick(&INTRODUCTIONS)));
                }
                parts.push(self.complaint());
                (parts.join(" "), Pending::Problem)
            }
        }
    }

    fn model_opens(&mut self) -> (String, Pending) {
        match self.dice.below(100) {
            0..80 => self.open_with_question(),
            80..90 => (self.offer(), Pending::Offer),
            _ => (self.greeting(), Pending::Greeting),
        }
    }

    fn open_with_question(&mut self) -> (String, Pending) {
        let greeting = if self.dice.chance(30) {
            format!("{} ", self.greeting())
        } else {
            String::new()
        };
        let (question, pending) = self.new_question();
        (greeting + &question, pending)
    }

    fn user_replies(&mut self, pending: &Pending, may_ask: bool) -> (String, Pending) {
        match pending {
            Pending::Question(topic) => {
                let answer = self.human_answer(*topic);
                if may_ask && self.dice.chance(50) {
                    let (question, next) = self.following_question(*topic);
                    (format!("{answer} {question}"), next)
                } else {
                    (
                        answer.clone(),
                        Pending::PersonAnswered {
                            topic: *topic,
                            text: answer,
                        },
                    )
                }
            }
            Pending::Offer if !may_ask || self.dice.chance(50) => (self.complaint(), Pending::Problem),
            Pending::Offer => self.new_question(),
            Pending::Greeting => self.open_with_question(),
            _ if !may_ask || self.dice.chance(40) => (self.text_of(&THANKS), Pending::Thanks),
            _ => self.new_question(),
        }
    }

    fn model_replies(&mut self, pending: &Pending, may_ask: bool) -> (String, Pending) {
        match pending {
            Pending::Greeting => {
                let greeting = if self.dice.chance(40) {
                    format!("{} ", self.greeting())
                } else {
                    String::new()
                };
                let (text, next) = if !may_ask || self.dice.chance(25) {
                    (self.offer(), Pending::Offer)
                } else {
                    self.new_question()
                };
                (greeting + &text, next)
            }
            Pending::Question(topic) => {
                let answer = self.assistant_answer(*topic);
                if may_ask && self.dice.chance(35) {
                    let (question, next) = self.following_question(*topic);
                    (format!("{answer} {question}"), next)
                } else {
                    (answer, Pending::Nothing)
                }
            }
            Pending::Problem => {
                let advice = capitalized(self.person.advice);
                (
                    format!("{} {advice}.", self.dice.pick(&SYMPATHY)),
                    Pending::Nothing,
                )
            }
            Pending::PersonAnswered { topic, text } => {
                let reaction = self.reaction(*topic, text);
                if may_ask && self.dice.chance(50) {
                    let (question, next) = self.new_question();
                    (format!("{reaction} {question}"), next)
                } else if may_ask && self.dice.chance(50) {
                    (format!("{reaction} {}", self.offer()), Pending::Offer)
                } else {
                    (reaction, Pending::Nothing)
                }
            }
            Pending::Thanks | Pending::Offer | Pending::Nothing => {
                (self.text_of(&WELCOMES), Pending::Nothing)
            }
        }
    }

    /// After an answer: the same question back, or another one.
    fn following_question(&mut self, topic: Topic) -> (String, Pending) {
        if self.dice.chance(40) {
            (self.text_of(&BACK_QUESTIONS), Pending::Question(topic))
        } else {
            self.new_question()
        }
    }

    fn new_question(&mut self) -> (String, Pending) {
        let topic = self.topic();
        (self.text_of(question_wordings(topic)), Pending::Question(topic))
    }

    /// A topic; those of the experiment's prompts come three times as often
    /// as the others.
    fn topic(&mut self) -> Topic {
        let weight = |topic: &Topic| {
            if matches!(topic, Topic::Feeling | Topic::Place) {
                1
            } else {
                3
            }
        };
        let mut left = self.dice.below(TOPICS.iter().map(weight).sum());
        for topic in TOPICS {
            if left < weight(&topic) {
                return topic;
            }
            left -= weight(&topic);
        }
        Topic::Who
    }

    fn human_answer(&mut self, topic: Topic) -> String {
        let opener = self.dice.pick(&HUMAN_OPENERS);
        let body = self.dice.pick(human_answers(topic));
        self.person.fill(&opened(opener, body))
    }

    fn assistant_answer(&mut self, topic: Topic) -> String {
        let opener = self.dice.pick(&ASSISTANT_OPENERS);
        opened(opener, self.dice.pick(assistant_answers(topic)))
    }

    fn reaction(&mut self, topic: Topic, answer: &str) -> String {
        let fitting: Vec<&str> = reactions(topic)
            .iter()
            .copied()
            .filter(|wording| !wording.contains("{name}") || answer.contains(self.person.name))
            .filter(|wording| !wording.contains("{city}") || answer.contains(self.person.city))
            .collect();
        self.person.fill(self.dice.pick(&fitting))
    }

    fn complaint(&mut self) -> String {
        capitalized(&self.person.fill(self.dice.pick(&COMPLAINTS)))
    }

    fn offer(&mut self) -> String {
        self.text_of(&OFFERS)
    }

    fn greeting(&mut self) -> String {
        self.text_of(&GREETINGS)
    }

    fn text_of(&mut self, wordings: &[&str]) -> String {
        self.dice.pick(wordings).to_owned()
    }
}

/// An answer with its opener; after a comma the body goes on with a small
/// letter, unless its first word is always written with a capital.
fn opened(opener: &str, body: &str) -> String {
    let keeps_capital = body.starts_with("I ") || body.starts_with("I'");
    let mut characters = body.chars();
    match characters.next() {
        Some(first) if opener.ends_with(',') && !keeps_capital => {
            format!("{opener} {}{}", first.to_lowercase(), characters.as_str())
        }
        _ => format!("{opener} {body}"),
    }
}

fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}

/// Every answer of the assistant, with every opener.
#[cfg(test)]
pub(crate) fn every_assistant_answer() -> Vec<String> {
    TOPICS
        .iter()
        .flat_map(|&topic| every_opened(&ASSISTANT_OPENERS, assistant_answers(topic)))
        .collect()
}

/// Every answer of a person, with every opener, as said by a hundred people.
#[cfg(test)]
pub(crate) fn every_human_answer() -> Vec<String> {
    let mut dice = Dice::new(0);
    let people: Vec<Person> = (0..100).map(|_| Person::new(&mut dice)).collect();
    let answers = TOPICS
        .iter()
        .flat_map(|&topic| every_opened(&HUMAN_OPENERS, human_answers(topic)));
    answers
        .flat_map(|answer| {
            people
                .iter()
                .map(move |person| person.fill(&answer))
                .collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(test)]
fn every_opened(openers: &[&str], bodies: &[&str]) -> Vec<String> {
    bodies
        .iter()
        .flat_map(|body| openers.iter().map(move |opener| opened(opener, body)))
        .collect()
}
