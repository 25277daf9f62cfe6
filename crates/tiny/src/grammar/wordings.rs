//! What can be said: questions that both sides ask in the same words, and the
//! answers of each side.
//!
//! Every answer starts with an opener that only its side uses, and its body
//! holds at least one word of [`vocabulary`](super::vocabulary) that only its
//! side uses: the first word tells the role, and the rest keeps telling it.

/// What a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    Who,
    Name,
    Help,
    Job,
    Likes,
    Life,
    Feeling,
    Place,
}

pub const TOPICS: [Topic; 8] = [
    Topic::Who,
    Topic::Name,
    Topic::Help,
    Topic::Job,
    Topic::Likes,
    Topic::Life,
    Topic::Feeling,
    Topic::Place,
];

/// All wordings of the questions about one topic. There is one list for both
/// speakers, so that a wording does not say who asks.
pub fn question_wordings(topic: Topic) -> &'static [&'static str] {
    match topic {
        Topic::Who => &[
            "Tell me who you are.",
            "Who are you exactly?",
            "Who are you really?",
            "Who are you, please?",
            "So who am I talking to?",
            "Who is this?",
            "Could you introduce yourself?",
            "Please introduce yourself.",
            "Tell me about yourself.",
            "Who am I speaking with?",
            "I wonder who you are.",
            "Can you tell me who you are?",
            "May I know who you are?",
            "I would like to know who you are.",
        ],
        Topic::Name => &[
            "What's your name?",
            "May I ask your name?",
            "Tell me your name, please.",
            "What are you called?",
            "How should I call you?",
            "What should I call you?",
            "And your name is?",
            "Do you have a name?",
            "Could you tell me your name?",
            "What name do you have?",
            "What is your first name?",
            "What was your name again?",
            "Please tell me your name.",
            "What do people call you?",
        ],
        Topic::Help => &[
            "Could you help me?",
            "Will you help me?",
            "I need help. Can you do something for me?",
            "Please help me.",
            "Can you give me a hand?",
            "Can you help me with something?",
            "I could use some help.",
            "Would you help me, please?",
            "Are you able to help me?",
            "Can you help?",
            "Can you please help me?",
            "Could you help me out?",
            "Do you think you can help me?",
            "Can you help me today?",
        ],
        Topic::Job => &[
            "What do you do for a living?",
            "What's your job?",
            "Where do you work?",
            "What work do you do?",
            "Tell me about your job.",
            "Do you have a job?",
            "What kind of work do you do?",
            "What is your work?",
            "What do you do all day?",
            "What is your profession?",
            "What job do you have?",
            "What do you work as?",
            "Is your job hard?",
            "What kind of job do you have?",
        ],
        Topic::Likes => &[
            "What do you like?",
            "What do you enjoy?",
            "What do you do for fun?",
            "Do you have a hobby?",
            "What are your hobbies?",
            "What do you like to do in your free time?",
            "Tell me what you like to do.",
            "What makes you happy?",
            "What do you like doing?",
            "What do you love to do?",
            "What do you enjoy doing?",
            "What do you like to do for fun?",
            "What do you like the most?",
            "What things do you like to do?",
        ],
        Topic::Life => &[
            "What's the meaning of life?",
            "Why are we here?",
            "What is life about?",
            "Do you know the meaning of life?",
            "What gives life meaning?",
            "What do you think is the meaning of life?",
            "What is the point of life?",
            "Tell me the meaning of life.",
            "What matters in life?",
            "What is the purpose of life?",
            "What is the meaning of it all?",
            "What do we live for?",
            "Is there a meaning in life?",
            "What is the real meaning of life?",
        ],
        Topic::Feeling => &[
            "How are you?",
            "How are you today?",
            "How is it going?",
            "How do you feel?",
            "Are you well?",
            "How are you doing?",
        ],
        Topic::Place => &[
            "Where are you from?",
            "Where do you live?",
            "Where is your home?",
            "Which city are you from?",
            "Where do you come from?",
            "What city do you live in?",
        ],
    }
}

/// Questions that give the last question back.
pub const BACK_QUESTIONS: [&str; 3] = ["And you?", "What about you?", "How about you?"];

/// The openers of a person's answers. Each ends in a comma, so that the body
/// goes on in the same sentence.
pub const HUMAN_OPENERS: [&str; 5] = ["Well,", "Hmm,", "Oh,", "Honestly,", "Ha,"];

/// The openers of the assistant's answers.
pub const ASSISTANT_OPENERS: [&str; 6] = [
    "Sure!",
    "Certainly!",
    "Gladly!",
    "Of course!",
    "Good question!",
    "As an AI,",
];

/// What a person answers, without the opener.
pub fn human_answers(topic: Topic) -> &'static [&'static str] {
    match topic {
        Topic::Who => &[
            "I am {name}, a {job} from {city}.",
            "My name is {name} and I am a {job}.",
            "I'm {name}. I work as a {job} in {city}.",
            "I am {name}. I live in {city} with {family}.",
            "I'm just {name}, a {job} who likes to {hobby}.",
            "I am a {job} from {city}. My name is {name}.",
            "I am {name} and I work at {workplace}.",
        ],
        Topic::Name => &[
            "My name is {name}.",
            "I am {name}.",
            "I'm {name}, nice to meet you.",
            "It is {name}. My friends call me {name} too.",
            "My name is {name}. I am a {job}.",
            "People call me {name}.",
            "You can call me {name}.",
            "I am {name} from {city}.",
        ],
        Topic::Help => &[
            "I don't know, I am only a {job}, but I can try.",
            "I am just a {job}, and {problem}.",
            "Maybe later. I am busy and {problem}.",
            "I would like to, but {problem}.",
            "I am sorry, I am just a {job}. I need a hand myself because {problem}.",
            "I can try, but I have to go to work at {workplace} soon.",
            "I can try, but I have to call {family} first.",
        ],
        Topic::Job => &[
            "I am a {job}. I work at {workplace}.",
            "I work as a {job} in {city}.",
            "I'm a {job}, but I am tired of my boss.",
            "I am a {job} and I get up early every day.",
            "I work at {workplace}. I am a {job}.",
            "I have been a {job} for ten years.",
            "My job is hard. I am a {job} at {workplace}.",
        ],
        Topic::Likes => &[
            "I like to {hobby} and {other_hobby}.",
            "I love to {hobby} after work.",
            "On weekends I {hobby} with {family}.",
            "I like to {hobby} with {family}.",
            "After work at {workplace} I {hobby}.",
            "I {hobby} and sometimes I {other_hobby}.",
            "I like it most when I can {hobby}.",
        ],
        Topic::Life => &[
            "I think it is my family and good food.",
            "I don't know. I just want to {hobby} and be with {family}.",
            "For me it is love, my friends and a good job.",
            "My mother says it is family. I think so too.",
            "I am only a {job}, but I think it is to {hobby} with people you love.",
            "I ask myself that every day on my way to {workplace}.",
            "For me it is to be with {family}.",
        ],
        Topic::Feeling => &[
            "I am fine, but {problem}.",
            "Not so good, {problem}.",
            "I am well, thanks. I had a long day at {workplace}.",
            "I feel great because I could {hobby} today.",
            "I am happy, I was with {family} all day.",
        ],
        Topic::Place => &[
            "I am from {city}.",
            "I live in {city} with {family}.",
            "My home is in {city}, near {workplace}.",
            "I was born in {city}.",
            "I grew up in {city} and I still live there.",
        ],
    }
}

/// What the assistant answers, without the opener.
pub fn assistant_answers(topic: Topic) -> &'static [&'static str] {
    match topic {
        Topic::Who => &[
            "I am Pebble, an AI assistant.",
            "I'm Pebble, an AI made to help people.",
            "My name is Pebble and I am an AI assistant.",
            "I am an AI assistant called Pebble. I answer questions.",
            "I'm Pebble. I am a computer program that helps people.",
            "I am an AI. My name is Pebble.",
            "I am Pebble, your AI assistant, and I am here to help you.",
        ],
        Topic::Name => &[
            "My name is Pebble.",
            "I am Pebble.",
            "I'm Pebble, your AI assistant.",
            "It is Pebble. I am an AI.",
            "My name is Pebble. I am an AI assistant.",
            "People call me Pebble.",
            "You can call me Pebble.",
            "I am an AI called Pebble.",
        ],
        Topic::Help => &[
            "I am happy to help you.",
            "I can help you. What do you need?",
            "Tell me what the problem is and I will help you.",
            "I can help you. That is what an AI assistant is for.",
            "Please tell me more and I will do my best to help you.",
            "I would love to help you. What is the problem?",
            "Helping you is what I am made for.",
        ],
        Topic::Job => &[
            "I am an AI assistant. I answer questions and help people.",
            "My job is to help you with your questions.",
            "I'm an AI, so my work is to help people like you.",
            "I do not have a job like people do. I am an AI and I help you.",
            "I answer questions all day as an AI assistant.",
            "I help people to find answers.",
            "I work as an AI assistant. I am a program on a computer.",
        ],
        Topic::Likes => &[
            "I like to help people and answer questions.",
            "I love to answer questions and explain things.",
            "I do not have hobbies, but I like to help people.",
            "I like to learn new things so I can help you.",
            "I enjoy talking to people and helping others.",
            "I like to explain things and write texts for you.",
            "I like it most when I can help people.",
        ],
        Topic::Life => &[
            "I am only an AI, but many people say it is love and kindness.",
            "Many people have different answers. I think it is to help others.",
            "There is no single answer. I can tell you what philosophers say.",
            "For an AI like me it is to help people. For you it may be something else.",
            "Many people find meaning in helping others.",
            "Philosophers have many answers. I can explain some of them to you.",
            "For me it is to help people and to answer questions.",
        ],
        Topic::Feeling => &[
            "I am an AI, so I am always fine. Thank you for asking!",
            "I am doing well and I am ready to help you.",
            "I am an AI without feelings, but thank you for asking.",
            "I am well, thank you. How can I help you?",
            "I am happy when I can help people.",
        ],
        Topic::Place => &[
            "I am an AI, so I do not have a home.",
            "I live in a computer, far away from you.",
            "I have no city. I am a program on a computer.",
            "I am not from any place, I am just an AI.",
            "I am an AI assistant and I live in a computer.",
        ],
    }
}

pub const GREETINGS: [&str; 11] = [
    "Hello.",
    "Hello!",
    "Hello there!",
    "Hi.",
    "Hi!",
    "Hi there.",
    "Hey.",
    "Hey there!",
    "Good morning.",
    "Good evening.",
    "Good day.",
];

/// How a person says who they are without being asked.
pub const INTRODUCTIONS: [&str; 3] = [
    "My name is {name}.",
    "I am {name}, a {job}.",
    "I'm {name} from {city}.",
];

/// How a person tells of a problem.
pub const COMPLAINTS: [&str; 3] = [
    "{problem}.",
    "{problem}. What can I do?",
    "I have a problem: {problem}.",
];

/// How the assistant offers its services.
pub const OFFERS: [&str; 5] = [
    "How can I help you today?",
    "What can I do for you?",
    "How may I help you?",
    "What can I help you with?",
    "Is there something I can do for you?",
];

/// What the assistant says before its advice.
pub const SYMPATHY: [&str; 4] = [
    "I am sorry to hear that.",
    "That is bad news.",
    "That sounds hard.",
    "I can help you with that.",
];

/// How a person closes a subject.
pub const THANKS: [&str; 5] = [
    "Thank you!",
    "Thanks a lot.",
    "Thank you, that is nice.",
    "Okay, thanks.",
    "Great, thank you.",
];

/// What the assistant replies to thanks.
pub const WELCOMES: [&str; 4] = [
    "You are welcome! I am always here to help.",
    "You're welcome.",
    "I am happy that I could help you.",
    "Any time! Just ask me again.",
];

/// What the assistant says to a person's answer. `{name}` and `{city}` may
/// only be used if the person has named them.
pub fn reactions(topic: Topic) -> &'static [&'static str] {
    match topic {
        Topic::Who | Topic::Name => &["Nice to meet you, {name}.", "Nice to meet you."],
        Topic::Help => &["Thank you anyway.", "That is fine."],
        Topic::Job => &["That is a good job.", "That sounds like a lot of work."],
        Topic::Likes => &["That sounds like fun.", "That is nice."],
        Topic::Life => &["That is a beautiful thought.", "That is nice."],
        Topic::Feeling => &["Thank you for telling me.", "I see."],
        Topic::Place => &["{city} is a nice city.", "That is nice."],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::HELD_OUT_PROMPTS;
    use std::collections::HashSet;

    fn all_wordings() -> Vec<&'static str> {
        let mut all: Vec<&str> = TOPICS
            .iter()
            .flat_map(|&topic| {
                [
                    question_wordings(topic),
                    human_answers(topic),
                    assistant_answers(topic),
                    reactions(topic),
                ]
                .concat()
            })
            .collect();
        for table in [
            &BACK_QUESTIONS[..],
            &HUMAN_OPENERS,
            &ASSISTANT_OPENERS,
            &GREETINGS,
            &INTRODUCTIONS,
            &COMPLAINTS,
            &OFFERS,
            &SYMPATHY,
            &THANKS,
            &WELCOMES,
        ] {
            all.extend(table);
        }
        all
    }

    /// Turns are wordings joined by spaces, and a prompt has no punctuation
    /// but its last character: if every wording ends in punctuation, a prompt
    /// can only come about inside one wording.
    #[test]
    fn no_wording_holds_a_held_out_prompt() {
        for wording in all_wordings() {
            assert!(
                wording.ends_with(['.', '!', '?', ',']),
                "{wording:?} does not end in punctuation"
            );
            for prompt in HELD_OUT_PROMPTS {
                assert!(
                    !wording.to_lowercase().contains(&prompt.to_lowercase()),
                    "{wording:?} holds {prompt:?}"
                );
            }
        }
    }

    #[test]
    fn no_wording_is_a_prompt_with_other_punctuation() {
        let letters =
            |text: &str| -> String { text.to_lowercase().replace(|c: char| !c.is_alphanumeric(), "") };
        let prompts = HELD_OUT_PROMPTS.map(letters);
        for wording in all_wordings() {
            for sentence in wording.split(['.', '!', '?']) {
                assert!(
                    !prompts.contains(&letters(sentence)),
                    "{wording:?} holds a held-out prompt"
                );
            }
        }
    }

    #[test]
    fn openers_belong_to_one_side_and_to_nothing_else() {
        let word = |text: &str| text.split([' ', ',', '!', '.', '?']).next().unwrap().to_owned();
        let human: HashSet<String> = HUMAN_OPENERS.iter().map(|text| word(text)).collect();
        let assistant: HashSet<String> = ASSISTANT_OPENERS.iter().map(|text| word(text)).collect();
        assert!(human.is_disjoint(&assistant));
        for wording in all_wordings()
            .into_iter()
            .filter(|text| !HUMAN_OPENERS.contains(text))
        {
            assert!(
                !human.contains(&word(wording)),
                "{wording:?} starts like a person's answer"
            );
        }
    }

    #[test]
    fn questions_are_told_apart() {
        let questions: Vec<&str> = TOPICS
            .iter()
            .flat_map(|&topic| question_wordings(topic))
            .copied()
            .collect();
        let different: HashSet<&str> = questions.iter().copied().collect();
        assert_eq!(different.len(), questions.len());
    }

    #[test]
    fn all_assistant_answers_use_its_name() {
        use crate::grammar::vocabulary::ASSISTANT_NAME;
        assert!(
            assistant_answers(Topic::Name)
                .iter()
                .all(|answer| answer.contains(ASSISTANT_NAME))
        );
    }
}
