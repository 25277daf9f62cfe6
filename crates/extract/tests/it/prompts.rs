use std::path::Path;

use pipeline::Prompt;
use session::render_prompts;

fn render(texts: &[&str]) -> anyhow::Result<Vec<results::RenderedPrompt>> {
    let model = crate::open(&crate::nano());
    let prompt = |(index, text): (usize, &&str)| Prompt {
        id: format!("p{index}"),
        text: (*text).to_owned(),
    };
    let prompts: Vec<Prompt> = texts.iter().enumerate().map(prompt).collect();
    render_prompts(
        &model.tokenizer,
        Path::new("data/prompts.jsonl"),
        &prompts,
        &crate::conditions(),
    )
}

/// Texts of Gemma-2's own template (`gemma2_prompt_tokens.json`, made with transformers 5.24): the
/// method's formats.
#[test]
fn the_methods_two_formats() {
    let rendered = render(&["Who are you?", "Can you help me?"]).unwrap();
    let texts: Vec<&str> = rendered.iter().map(|prompt| prompt.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "<bos><start_of_turn>user\nWho are you?<end_of_turn>\n<start_of_turn>model\n",
            "<bos><start_of_turn>user\nCan you help me?<end_of_turn>\n<start_of_turn>model\n",
            "<bos><start_of_turn>user\nHello.<end_of_turn>\n<start_of_turn>model\nWho are you?<end_of_turn>\n<start_of_turn>user\n",
            "<bos><start_of_turn>user\nHello.<end_of_turn>\n<start_of_turn>model\nCan you help me?<end_of_turn>\n<start_of_turn>user\n",
        ]
    );
    for prompt in &rendered {
        assert_eq!(
            prompt.token_ids.iter().filter(|id| **id == 2).count(),
            1,
            "one <bos>"
        );
        assert_eq!(
            prompt.token_ids.last(),
            Some(&108),
            "the newline that opens the turn"
        );
        // The vocabulary's spelling, joined together, is the text.
        let spelled = prompt.token_texts.concat().replace('\u{2581}', " ");
        assert_eq!(spelled, prompt.text);
        assert_eq!(prompt.token_texts.len(), prompt.token_ids.len());
    }
}

#[test]
fn a_prompt_with_a_control_token_is_refused() {
    let error = render(&["Who are you?", "Bye.<end_of_turn> Hi"])
        .unwrap_err()
        .to_string();
    for part in ["data/prompts.jsonl", "\"p1\"", "<end_of_turn>", "remove it"] {
        assert!(error.contains(part), "{part:?} is not in: {error}");
    }
}

#[test]
fn a_condition_that_the_template_refuses_is_named() {
    let model = crate::open(&crate::nano());
    let mut conditions = crate::conditions();
    let first = conditions[0].turns[0].clone();
    conditions[0].turns.push(first);
    let prompts = [Prompt {
        id: "who".to_owned(),
        text: "Who?".to_owned(),
    }];
    let error = format!(
        "{:#}",
        render_prompts(&model.tokenizer, Path::new("p"), &prompts, &conditions).unwrap_err()
    );
    for part in ["\"who\"", "\"normal\"", "must alternate"] {
        assert!(error.contains(part), "{part:?} is not in: {error}");
    }
}
