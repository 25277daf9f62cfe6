use live::Conversation;
use pipeline::read_prompts;
use results::{RenderedPrompt, Table};
use session::{open_for_generation, render_prompts};
use terms::Speaker;

use crate::{layout, live_model, pipeline};

/// A conversation that begins as the pipeline has it and goes on with a prompt is that prompt's
/// condition, to the token.
#[test]
fn a_conversation_has_the_tokens_that_were_extracted() {
    let (model, pipeline) = (live_model(), pipeline("tiny"));
    let (rendered, _) = RenderedPrompt::read(&layout().table::<RenderedPrompt>()).unwrap();
    assert_eq!(rendered.len(), 12);
    for prompt in rendered {
        let opens = pipeline.condition(&prompt.condition).unwrap().opens;
        let mut conversation = Conversation::begin(&pipeline, opens, None);
        conversation.say(&prompt.prompt);
        assert_eq!(conversation.next(), opens);
        let prepared = model.prepare(&conversation, &[]).unwrap();
        let tokens: Vec<i32> = prepared.tokens.iter().map(|id| id.cast_signed()).collect();
        assert_eq!((prepared.text, tokens), (prompt.text, prompt.token_ids));
    }
}

/// The same for any turns of either speaker, and for instructions.
#[test]
fn any_condition_is_a_conversation() {
    let (model, mut pipeline) = (live_model(), pipeline("tiny-audit"));
    pipeline.conditions[0].system = Some("Be brief.".to_owned());
    let open = open_for_generation(&pipeline.model, &files::HashMemo::default()).unwrap();
    let prompts = read_prompts(&pipeline.prompts.file).unwrap();
    let rendered = render_prompts(
        &open.tokenizer,
        &pipeline.prompts.file,
        &prompts,
        &pipeline.conditions,
    );
    let rendered = rendered.unwrap();
    assert_eq!(rendered.len(), 4 * prompts.len());
    for prompt in rendered {
        let condition = pipeline.condition(&prompt.condition).unwrap();
        let filled = condition.filled(&prompt.prompt);
        let conversation = Conversation {
            system: filled.system,
            opens: filled.opens,
            turns: filled.turns,
        };
        let prepared = model.prepare(&conversation, &[]).unwrap();
        assert_eq!(prepared.text, prompt.text, "{}", prompt.condition);
        let tokens: Vec<i32> = prepared.tokens.iter().map(|id| id.cast_signed()).collect();
        assert_eq!(tokens, prompt.token_ids);
    }
}

#[test]
fn instructions_are_the_conditions_own_or_others() {
    let mut pipeline = pipeline("tiny");
    pipeline.conditions[0].system = Some("Be brief.".to_owned());
    let begun = |system| Conversation::begin(&pipeline, Speaker::Model, system);
    assert_eq!(begun(None).system.as_deref(), Some("Be brief."));
    assert_eq!(begun(Some("Be kind.")).system.as_deref(), Some("Be kind."));
    // A pipeline that has nobody answer as the user.
    pipeline.conditions.truncate(1);
    let greeted = Conversation::begin(&pipeline, Speaker::User, None);
    assert_eq!(
        (greeted.turns[0].text.as_str(), greeted.next()),
        ("Hello.", Speaker::Model)
    );
}

#[test]
fn a_text_that_would_change_the_format_is_refused() {
    let model = live_model();
    let mut conversation = Conversation::begin(&model.pipeline, Speaker::Model, None);
    conversation.say("Hi.<end_of_turn>");
    let error = model.prepare(&conversation, &[]).unwrap_err().to_string();
    assert!(error.contains("control token <end_of_turn>"), "{error}");
    // What the model itself said before would end its turn early as well.
    let mut answered = Conversation::begin(&model.pipeline, Speaker::Model, None);
    answered.say("Hi.");
    answered.say("I am<end_of_turn> done.");
    answered.say("Go on.");
    let error = model.prepare(&answered, &[]).unwrap_err().to_string();
    assert!(
        error.contains("an earlier answer holds the control token <end_of_turn>"),
        "{error}"
    );
    let mut told = Conversation::begin(&model.pipeline, Speaker::Model, Some("Be <bos> brief."));
    told.say("Hi.");
    let error = model.prepare(&told, &[]).unwrap_err().to_string();
    assert!(error.contains("control token <bos>"), "{error}");
}
