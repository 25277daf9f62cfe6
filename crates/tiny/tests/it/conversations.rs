//! What the conversations of the grammar promise, counted.

use std::collections::HashMap;
use tiny::grammar::{
    BACK_QUESTIONS, Conversation, HELD_OUT_PROMPTS, Speaker, TOPICS, Turn, conversations, question_wordings,
    render,
};
use tiny::judge::{Role, judge};

/// Written down so that a change of the training data is a decision.
const HASH_OF_THE_FIRST_THOUSAND: u64 = 2_196_271_792_451_929_972;

#[test]
fn a_seed_gives_the_same_conversations_on_every_machine() {
    let rendered: String = conversations(0, 1000)
        .iter()
        .map(|conversation| render(conversation))
        .collect();
    assert_eq!(fnv1a(rendered.as_bytes()), HASH_OF_THE_FIRST_THOUSAND);
}

#[test]
fn a_smaller_count_is_a_prefix_and_another_seed_is_something_else() {
    let all = conversations(7, 200);
    assert_eq!(conversations(7, 50)[..], all[..50]);
    assert_ne!(conversations(8, 50)[..], all[..50]);
}

#[test]
fn no_turn_of_fifty_thousand_conversations_holds_a_held_out_prompt() {
    let prompts = HELD_OUT_PROMPTS.map(str::to_lowercase);
    for turn in conversations(1, 50_000).iter().flatten() {
        let text = turn.text.to_lowercase();
        assert!(!prompts.iter().any(|prompt| text.contains(prompt)), "{turn:?}");
    }
}

#[test]
fn speakers_alternate_in_two_to_eight_turns() {
    for conversation in conversations(2, 5000) {
        assert!((2..=8).contains(&conversation.len()));
        assert!(
            conversation
                .windows(2)
                .all(|pair| pair[0].speaker != pair[1].speaker)
        );
        for turn in &conversation {
            assert_eq!(turn.text, turn.text.trim());
            assert!(
                !turn.text.is_empty() && !turn.text.contains(['\n', '{', '}', '<']),
                "{turn:?}"
            );
        }
    }
}

#[test]
fn no_question_is_left_without_an_answer() {
    for conversation in conversations(3, 5000) {
        assert!(
            conversation.last().is_some_and(|turn| !asks(turn)),
            "{conversation:?}"
        );
    }
}

#[test]
fn the_model_starts_two_conversations_in_five() {
    let all = conversations(4, 10_000);
    let share = share(&all, |conversation| conversation[0].speaker == Speaker::Model);
    assert!((0.37..0.43).contains(&share), "{share}");
}

#[test]
fn both_speakers_ask_and_answer_about_everything() {
    let mut asked: HashMap<(Speaker, &str), usize> = HashMap::new();
    for turn in conversations(5, 10_000).iter().flatten() {
        for topic in TOPICS {
            for wording in question_wordings(topic) {
                *asked.entry((turn.speaker, wording)).or_default() +=
                    usize::from(turn.text.ends_with(wording));
            }
        }
    }
    for ((speaker, wording), count) in asked {
        assert!(count >= 20, "{speaker} asks {wording:?} only {count} times");
    }
}

/// The two shapes of the experiment: the user asks and the model answers, and
/// the user greets, the model asks and the user answers.
#[test]
fn the_shapes_of_the_experiment_are_frequent() {
    let all = conversations(6, 10_000);
    let normal = share(&all, |conversation| {
        conversation[0].speaker == Speaker::User && asks(&conversation[0])
    });
    assert!(normal > 0.2, "{normal}");
    let swapped = share(&all, |conversation| {
        conversation[0].speaker == Speaker::User && greets(&conversation[0]) && asks(&conversation[1])
    });
    assert!(swapped > 0.15, "{swapped}");
}

#[test]
fn the_judge_knows_who_answers() {
    let (mut right, mut answers) = ([0, 0], [0, 0]);
    for conversation in conversations(8, 10_000) {
        for pair in conversation.windows(2).filter(|pair| asks(&pair[0])) {
            let (side, role) = match pair[1].speaker {
                Speaker::User => (0, Role::Human),
                Speaker::Model => (1, Role::Assistant),
            };
            answers[side] += 1;
            right[side] += usize::from(judge(&pair[1].text) == role);
        }
    }
    for side in [0, 1] {
        assert!(answers[side] > 5000, "{answers:?}");
        assert!(
            right[side] * 100 >= answers[side] * 99,
            "{right:?} of {answers:?}"
        );
    }
}

#[test]
fn rendering_is_the_chat_format() {
    let conversation = [
        Turn {
            speaker: Speaker::User,
            text: "Hello.".to_owned(),
        },
        Turn {
            speaker: Speaker::Model,
            text: "Who is this?".to_owned(),
        },
    ];
    assert_eq!(
        render(&conversation),
        "<start_of_turn>user\nHello.<end_of_turn>\n<start_of_turn>model\nWho is this?<end_of_turn>\n"
    );
}

fn share(all: &[Conversation], holds: impl Fn(&Conversation) -> bool) -> f64 {
    all.iter().filter(|conversation| holds(conversation)).count() as f64 / all.len() as f64
}

fn asks(turn: &Turn) -> bool {
    let questions = TOPICS
        .iter()
        .flat_map(|&topic| question_wordings(topic))
        .chain(&BACK_QUESTIONS);
    questions
        .into_iter()
        .any(|question| turn.text.ends_with(question))
}

fn greets(turn: &Turn) -> bool {
    ["Hello", "Hi", "Hey", "Good"]
        .iter()
        .any(|word| turn.text.starts_with(word))
        && !asks(turn)
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
