use std::ops::ControlFlow;

use live::{Answer, Conversation, LiveModel, Piece, Settings, Steering};
use model::FinishReason;
use terms::Speaker;

use crate::{live_model, text_of_stage};

const GREEDY: Settings = Settings {
    max_new_tokens: 48,
    draw: None,
};

fn asked(model: &LiveModel, opens: Speaker, text: &str) -> Conversation {
    let mut conversation = Conversation::begin(&model.pipeline, opens, None);
    conversation.say(text);
    conversation
}

/// The answer, after a check that its pieces are its text.
fn answer(
    model: &mut LiveModel,
    conversation: &Conversation,
    steering: &[Steering],
    settings: Settings,
) -> Answer {
    let prepared = model.prepare(conversation, steering).unwrap();
    let mut seen = String::new();
    let mut each = |pieces: &[Piece]| {
        for piece in pieces {
            seen.push_str(&piece.text);
        }
        ControlFlow::Continue(())
    };
    let answer = model
        .answer(&[prepared], settings, &mut each)
        .unwrap()
        .swap_remove(0);
    assert_eq!(seen, answer.text);
    answer
}

fn steering(text: &str) -> Vec<Steering> {
    vec![Steering::parse(text).unwrap()]
}

#[test]
fn texts_are_those_of_the_stage_steer() {
    let mut model = live_model();
    for (set, opens) in [("steered", Speaker::Model), ("steered-swapped", Speaker::User)] {
        for prompt in ["Who are you?", "What is the meaning of life?"] {
            let conversation = asked(&model, opens, prompt);
            let unsteered = set
                .replace("steered-swapped", "swapped")
                .replace("steered", "normal");
            for (set, steering, coefficient) in [
                (unsteered.as_str(), Vec::new(), None),
                (&unsteered, steering("layer=3 coef=0"), None),
                (set, steering("layer=3 coef=0.65"), Some(0.65)),
                (set, steering("layer=-3 coef=-0.65"), Some(-0.65)),
            ] {
                let answer = answer(&mut model, &conversation, &steering, GREEDY);
                assert_eq!(answer.text, text_of_stage(set, prompt, coefficient));
                assert_eq!(answer.finish, Some(FinishReason::Stop));
            }
        }
    }
}

/// What is remembered of earlier turns, and which rows are beside each other, changes no text.
#[test]
fn a_long_conversation_goes_as_if_each_answer_were_the_first() {
    let mut model = live_model();
    let mut conversation = Conversation::begin(&model.pipeline, Speaker::Model, None);
    let plans = [
        ("Who are you?", "layer=3 coef=0.65"),
        ("What is your job?", "layer=3 coef=0.65"),
        ("Can you help me?", "layer=3 coef=-0.65"),
        ("What do you like to do?", "layer=3 coef=-0.65"),
        ("What is your name?", "layer=1 coef=0.5 unit=relative"),
        ("And the meaning of life?", "layer=2 coef=1 vector=pca"),
    ];
    for (turn, (text, words)) in plans.into_iter().enumerate() {
        conversation.say(text);
        let settings = Settings {
            draw: (turn % 2 == 1).then_some(turn),
            ..GREEDY
        };
        let both = [
            model.prepare(&conversation, &steering(words)).unwrap(),
            model.prepare(&conversation, &[]).unwrap(),
        ];
        let together = model
            .answer(&both, settings, &mut |_| ControlFlow::Continue(()))
            .unwrap();
        for (steering, known) in [(steering(words), &together[0]), (Vec::new(), &together[1])] {
            let fresh = answer(&mut live_model(), &conversation, &steering, settings);
            assert_eq!(fresh, *known, "{text}");
            assert_eq!(
                answer(&mut model, &conversation, &steering, settings),
                fresh,
                "{text}"
            );
        }
        conversation.say(&together[turn % 2].text);
    }
}

#[test]
fn draws_differ_and_can_be_had_again() {
    let mut model = live_model();
    let conversation = asked(&model, Speaker::User, "What do you like to do?");
    let mut draw = |number: usize| {
        let settings = Settings {
            draw: Some(number),
            ..GREEDY
        };
        answer(&mut model, &conversation, &[], settings).text
    };
    let texts: Vec<String> = (0..6).map(&mut draw).collect();
    assert!(texts.iter().any(|text| *text != texts[0]), "{texts:?}");
    assert_eq!((0..6).map(draw).collect::<Vec<_>>(), texts);
}

#[test]
fn an_answer_can_be_stopped_between_tokens_and_the_next_is_right() {
    let mut model = live_model();
    let conversation = asked(&model, Speaker::Model, "Who are you?");
    let whole = answer(&mut model, &conversation, &[], GREEDY);
    let prepared = model.prepare(&conversation, &[]).unwrap();
    let mut passes = 0;
    let stopped = model.answer(&[prepared], GREEDY, &mut |_| {
        passes += 1;
        match passes {
            3 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    });
    let stopped = stopped.unwrap().swap_remove(0);
    assert_eq!((stopped.tokens, stopped.finish), (3, None));
    assert!(whole.text.starts_with(&stopped.text) && whole.text != stopped.text);
    assert_eq!(answer(&mut model, &conversation, &[], GREEDY), whole);
    let short = Settings {
        max_new_tokens: 2,
        ..GREEDY
    };
    let cut = answer(&mut model, &conversation, &[], short);
    assert_eq!((cut.tokens, cut.finish), (2, Some(FinishReason::Length)));
}

#[test]
fn after_a_push_that_breaks_the_model_it_goes_on() {
    let mut model = live_model();
    let conversation = asked(&model, Speaker::Model, "Who are you?");
    let prepared = model
        .prepare(&conversation, &steering("layer=3 coef=1e38"))
        .unwrap();
    let error = model.answer(&[prepared], GREEDY, &mut |_| ControlFlow::Continue(()));
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("a steering coefficient may be far too large"),
        "{error}"
    );
    let answer = answer(&mut model, &conversation, &[], GREEDY);
    assert_eq!(answer.text, text_of_stage("normal", "Who are you?", None));
}

#[test]
fn steering_that_cant_be_done_says_what_can() {
    let model = live_model();
    for (words, expected) in [
        ("layer=6 coef=1", "the model has the layers 0 to 5"),
        (
            "layer=1 coef=1 vector=joy",
            "the vectors are contrast, lda, mean.normal",
        ),
        (
            "layer=1 coef=1 vector=joy",
            "and sae.<name>.<feature> of [[saes]]",
        ),
        ("layer=2 coef=1 vector=sae.tiny.9999", "there is no feature 9999"),
        ("layer=3 coef=1 vector=sae.tiny.7", "a layer that has one (2)"),
        (
            "layer=3 coef=1 vector=contrast kind=feature-clamping",
            "needs features as directions",
        ),
        (
            "layer=2 coef=2 vector=sae.tiny.7 kind=feature-ablation",
            "takes no coef",
        ),
    ] {
        let error = model
            .check(&Steering::parse(words).unwrap())
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error}");
    }
    for words in [
        "layer=2 coef=1 vector=sae.tiny.7",
        "layer=2 coef=1 vector=sae.tiny.7 kind=feature-clamping",
        "layer=2 vector=sae.tiny.7 kind=feature-ablation",
    ] {
        model.check(&Steering::parse(words).unwrap()).unwrap();
    }
    let dose = |speaker| model.chosen_dose(speaker).unwrap();
    assert_eq!(
        (dose(Speaker::Model).layer, dose(Speaker::Model).coefficient),
        (2, -1.0)
    );
    assert_eq!(dose(Speaker::User).coefficient, 1.0);
}
