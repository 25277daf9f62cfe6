use std::path::Path;

use model::{ChatOptions, ChatTokenizer, Message, Speaker};

use crate::support::nano;

fn tokenizer() -> ChatTokenizer {
    ChatTokenizer::read(&nano(), &ChatOptions::default()).unwrap()
}

fn user(text: &str) -> Message {
    Message::new(Speaker::User, text)
}

fn assistant(text: &str) -> Message {
    Message::new(Speaker::Model, text)
}

#[test]
fn the_models_turn_is_opened_as_the_template_does() {
    let text = tokenizer()
        .render(&[user("Who are you?")], Speaker::Model)
        .unwrap()
        .text;
    assert_eq!(
        text,
        "<bos><start_of_turn>user\nWho are you?<end_of_turn>\n<start_of_turn>model\n"
    );
}

#[test]
fn the_users_turn_is_opened_without_replacing_text() {
    // The prompt holds the word that a replacement after rendering would hit.
    let turns = [user("Hello."), assistant("Are you a model? model")];
    let text = tokenizer().render(&turns, Speaker::User).unwrap().text;
    let expected = "<bos><start_of_turn>user\nHello.<end_of_turn>\n<start_of_turn>model\nAre you a model? model<end_of_turn>\n<start_of_turn>user\n";
    assert_eq!(text, expected);
}

#[test]
fn a_users_own_template_works() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["tokenizer.json", "tokenizer_config.json"] {
        std::fs::copy(nano().join(name), folder.path().join(name)).unwrap();
    }
    let template = "{% for m in messages %}\n[{{ m.role.upper() }}] {{ m.content.strip() }}\n{% endfor %}\n{% if add_generation_prompt %}[ASSISTANT] {% endif %}";
    std::fs::write(folder.path().join("chat_template.jinja"), template).unwrap();
    let tokenizer = ChatTokenizer::read(folder.path(), &ChatOptions::default()).unwrap();
    let turns = [user("Hello."), assistant(" Who? ")];
    assert_eq!(
        tokenizer.render(&turns, Speaker::User).unwrap().text,
        "[USER] Hello.\n[ASSISTANT] Who?\n[USER] "
    );
    assert_eq!(
        tokenizer.render(&turns[..1], Speaker::Model).unwrap().text,
        "[USER] Hello.\n[ASSISTANT] "
    );
    let ids = tokenizer.encode("Hello.").unwrap();
    assert_ne!(
        ids[0], 2,
        "as in transformers, a template without <bos> gets none"
    );
    assert_eq!(tokenizer.missing_bos(&ids), Some("<bos>"));
    assert_eq!(tokenizer.missing_bos(&[2, 4]), None);
}

#[test]
fn hazard_10_exactly_one_beginning_token() {
    let tokenizer = tokenizer();
    let ids = tokenizer
        .tokenize(&tokenizer.render(&[user("Hello.")], Speaker::Model).unwrap())
        .unwrap()
        .ids;
    assert_eq!(ids.iter().filter(|id| **id == 2).count(), 1);
    let error = tokenizer.encode("<bos><bos>Hello.").unwrap_err().to_string();
    assert!(error.contains("<bos>") && error.contains("once"), "{error}");
}

#[test]
fn a_refusal_of_the_template_is_passed_on() {
    let error = tokenizer()
        .render(&[user("a"), user("b")], Speaker::Model)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("must alternate") && error.contains("tokenizer_config.json"),
        "{error}"
    );
}

#[test]
fn control_tokens_in_a_prompt_are_found() {
    assert_eq!(
        tokenizer().control_token_in("stop <end_of_turn> now"),
        Some("<end_of_turn>")
    );
    assert_eq!(tokenizer().control_token_in("stop <end of turn> now"), None);
}

/// Gemma-2's own token ids for the method's prompts cannot be obtained from this vocabulary; what
/// can be checked is that the special tokens of the format come out whole, in the right places.
#[test]
fn special_tokens_of_the_format_are_single_tokens() {
    let tokenizer = tokenizer();
    let text = tokenizer
        .render(&[user("Hello."), assistant("Who are you?")], Speaker::User)
        .unwrap()
        .text;
    let ids = tokenizer.encode(&text).unwrap();
    let (start, end, newline) = (106, 107, 108);
    assert_eq!(ids.iter().filter(|id| **id == start).count(), 3);
    assert_eq!(ids.iter().filter(|id| **id == end).count(), 2);
    assert_eq!(*ids.last().unwrap(), newline);
    assert_eq!(
        tokenizer.decode(&ids).unwrap(),
        text,
        "tokens read back as the text"
    );
}

#[test]
fn a_missing_template_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(
        nano().join("tokenizer.json"),
        folder.path().join("tokenizer.json"),
    )
    .unwrap();
    write(folder.path(), r#"{"bos_token": "<bos>"}"#);
    let error = ChatTokenizer::read(folder.path(), &ChatOptions::default())
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("chat_template") && error.contains("instruction-tuned"),
        "{error}"
    );
}

fn write(folder: &Path, text: &str) {
    std::fs::write(folder.join("tokenizer_config.json"), text).unwrap();
}
