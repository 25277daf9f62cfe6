//! Published tokenizers with their own chat templates, against transformers. They are not in the
//! repository: `scripts/hf_tokenizers.py` says where they come from and writes what is expected.

use std::path::Path;

use model::{ChatOptions, ChatTokenizer, Message, Speaker};
use serde_json::Value;

#[test]
fn published_tokenizers_give_the_tokens_that_transformers_gives() {
    let Some(folder) = std::env::var_os("ROLESWAP_TOKENIZERS") else {
        println!(
            "skipped: ROLESWAP_TOKENIZERS names no folder with published tokenizers (see scripts/hf_tokenizers.py)"
        );
        return;
    };
    let mut compared = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let place = entry.unwrap().path();
        let Ok(expected) = std::fs::read(place.join("expected.json")) else {
            continue;
        };
        let cases: Vec<Value> = serde_json::from_slice(&expected).unwrap();
        let tokenizer = ChatTokenizer::read(&place, &ChatOptions::default()).unwrap();
        // The text models of Gemma 3 have 262144 rows, and the token for images has the id 262144.
        let tokenizer = match place.ends_with("gemma3") {
            true => tokenizer.for_rows(262_144).unwrap(),
            false => tokenizer,
        };
        for case in &cases {
            check(&place, &tokenizer, case);
            compared += 1;
        }
        println!("{}: {} conversations", place.display(), cases.len());
    }
    assert!(compared > 0, "the folder holds no expected.json");
}

fn check(place: &Path, tokenizer: &ChatTokenizer, case: &Value) {
    let message = |value: &Value| {
        let role = match value["role"].as_str().unwrap() {
            "user" => Speaker::User,
            _ => Speaker::Model,
        };
        Message::new(role, value["content"].as_str().unwrap())
    };
    let messages: Vec<Message> = case["messages"].as_array().unwrap().iter().map(message).collect();
    let opens = match case["opens"].as_str().unwrap() {
        "user" => Speaker::User,
        _ => Speaker::Model,
    };
    let rendered = tokenizer.render(&messages, opens).unwrap();
    assert_eq!(case["text"], rendered.text.as_str(), "{}", place.display());
    let tokens = tokenizer.tokenize(&rendered).unwrap();
    assert_eq!(
        case["ids"],
        Value::from(tokens.ids.clone()),
        "{}: {:?}",
        place.display(),
        rendered.text
    );
    // The header that is opened consists of whole tokens. (Decoders of some vocabularies add
    // spaces.)
    let without_blanks = |text: &str| text.split_whitespace().collect::<String>();
    let header = without_blanks(&tokenizer.decode(&tokens.ids[tokens.opening..]).unwrap());
    let wanted = without_blanks(&rendered.text[rendered.opening..]);
    assert!(
        header.ends_with(&wanted),
        "{}: {header:?} for {wanted:?}",
        place.display()
    );
}
