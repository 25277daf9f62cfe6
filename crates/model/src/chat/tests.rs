//! Templates against what Hugging Face transformers renders (`tests/fixtures/chat/README.md`).

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::opening::Format;
use super::template::Template;
use super::{ChatOptions, Message, Role};
use crate::Speaker;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/chat")
}

fn read<T: for<'de> Deserialize<'de>>(name: &str) -> T {
    serde_json::from_slice(&std::fs::read(fixtures().join(name)).unwrap()).unwrap()
}

#[derive(Deserialize)]
struct Published {
    template_file: String,
    special_tokens: Map<String, Value>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    messages: Vec<Value>,
    #[serde(default)]
    arguments: Map<String, Value>,
    opens: Option<String>,
    date: Option<String>,
    text: Option<String>,
}

impl Published {
    fn read(name: &str) -> Self {
        read(&format!("{name}.json"))
    }

    fn format(&self, case: &Case) -> Format {
        let options = ChatOptions {
            arguments: case.arguments.clone(),
            date: case.date.as_deref().map(|date| date.parse().unwrap()),
            ..ChatOptions::default()
        };
        let path = fixtures().join(&self.template_file);
        let text = std::fs::read_to_string(&path).unwrap();
        let tokens = self.special_tokens.clone();
        let tokens = tokens.into_iter().filter(|(_, token)| !token.is_null()).collect();
        // Every text in brackets that a template writes is one of the model's tokens.
        let marks = [
            "<|end|>",
            "<|endoftext|>",
            "<|im_end|>",
            "<|im_start|>",
            "<|im_sep|>",
            "<|assistant|>",
            "<|user|>",
        ];
        let marks = marks.map(str::to_owned).to_vec();
        Format::new(Template::new(text, path, tokens, &options), marks)
    }
}

impl Case {
    fn messages(&self) -> Vec<Message> {
        let message = |value: &Value| {
            let role = match value["role"].as_str().unwrap() {
                "system" => Role::System,
                "user" => Speaker::User.into(),
                _ => Speaker::Model.into(),
            };
            Message::new(role, value["content"].as_str().unwrap())
        };
        self.messages.iter().map(message).collect()
    }
}

const FORMATS: [&str; 17] = [
    "gemma2",
    "gemma3",
    "gemma4",
    "llama2",
    "llama3_1",
    "llama3_2",
    "qwen2_5",
    "qwen3",
    "mistral_v0_1",
    "mistral_v0_3",
    "smollm2",
    "smollm3",
    "phi4",
    "phi4_early",
    "phi4_mini",
    "olmo2",
    "deepseek_r1_distill",
];

#[test]
fn templates_render_what_transformers_renders() {
    let mut compared = 0;
    for name in FORMATS {
        let published = Published::read(name);
        for (index, case) in published.cases.iter().enumerate() {
            let format = published.format(case);
            let place = format!("{name}, case {index}");
            let mut messages = case.messages();
            let opens_model = case.opens.as_deref() == Some("assistant");
            if case.opens.as_deref() == Some("user") {
                messages.push(Message::new(Speaker::User, "RoleswapOpensTheTurnHere"));
            }
            let rendered = format.template.render(&messages, opens_model);
            match (&case.text, rendered) {
                (Some(text), Ok(rendered)) => {
                    let end = rendered.rfind("RoleswapOpensTheTurnHere");
                    let end = if case.opens.as_deref() == Some("user") {
                        end.unwrap()
                    } else {
                        rendered.len()
                    };
                    assert_eq!(*text, rendered[..end], "{place}");
                }
                (None, Err(_)) => {}
                (Some(text), Err(error)) => panic!("{place}: {error} in place of {text:?}"),
                (None, Ok(rendered)) => panic!("{place}: {rendered:?}, which transformers refuses"),
            }
            compared += 1;
        }
    }
    assert!(compared > 1500, "{compared}");
}

/// How each format opens the turn of the model after one of the user, and that of the user after
/// one of the model.
const OPENINGS: [(&str, &str, &str); 17] = [
    ("gemma2", "<start_of_turn>model\n", "<start_of_turn>user\n"),
    ("gemma3", "<start_of_turn>model\n", "<start_of_turn>user\n"),
    (
        "gemma4",
        "<|turn>model\n<|channel>thought\n<channel|>",
        "<|turn>user\n",
    ),
    // The end of the user's turn is all that comes before the model speaks.
    ("llama2", " [/INST]", "<s>[INST] "),
    ("mistral_v0_1", " [/INST]", "[INST] "),
    ("mistral_v0_3", "[/INST]", "[INST] "),
    (
        "llama3_1",
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
        "<|start_header_id|>user<|end_header_id|>\n\n",
    ),
    (
        "llama3_2",
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
        "<|start_header_id|>user<|end_header_id|>\n\n",
    ),
    ("qwen2_5", "<|im_start|>assistant\n", "<|im_start|>user\n"),
    ("qwen3", "<|im_start|>assistant\n", "<|im_start|>user\n"),
    ("smollm2", "<|im_start|>assistant\n", "<|im_start|>user\n"),
    ("smollm3", "<|im_start|>assistant\n", "<|im_start|>user\n"),
    (
        "phi4",
        "<|im_start|>assistant<|im_sep|>",
        "<|im_start|>user<|im_sep|>",
    ),
    // Each turn of the user ends with the header of the model's.
    (
        "phi4_early",
        "<|im_end|><|im_start|>assistant<|im_sep|>",
        "<|im_start|>user<|im_sep|>",
    ),
    ("phi4_mini", "<|assistant|>", "<|user|>"),
    ("olmo2", "<|assistant|>\n", "<|user|>\n"),
    (
        "deepseek_r1_distill",
        "<\u{ff5c}Assistant\u{ff5c}><think>\n",
        "<\u{ff5c}User\u{ff5c}>",
    ),
];

#[test]
fn the_methods_texts_are_opened_as_transformers_opens_them() {
    for (name, model, user) in OPENINGS {
        let published = Published::read(name);
        let twelve = &published.cases[..12];
        for case in twelve {
            let (opens, header) = match case.opens.as_deref() {
                Some("assistant") => (Speaker::Model, model),
                _ => (Speaker::User, user),
            };
            let rendered = published.format(case).render(&case.messages(), opens).unwrap();
            assert_eq!(Some(&rendered.text), case.text.as_ref(), "{name}");
            assert_eq!(&rendered.text[rendered.opening..], header, "{name}");
        }
        let speakers = twelve.iter().filter(|case| case.opens.as_deref() == Some("user"));
        assert_eq!(speakers.count(), 6, "{name}");
    }
}

/// Instructions, thoughts, odd white space, turns of one speaker in a row: whatever transformers
/// renders, the turn that is opened is at its end, or the format is refused.
#[test]
fn every_conversation_is_opened_as_transformers_opens_it_or_refused() {
    let (mut opened, mut refused) = (0, 0);
    for name in FORMATS {
        let published = Published::read(name);
        for case in &published.cases {
            let (Some(text), Some(opens)) = (&case.text, case.opens.as_deref()) else {
                continue;
            };
            let opens = if opens == "user" {
                Speaker::User
            } else {
                Speaker::Model
            };
            match published.format(case).render(&case.messages(), opens) {
                Ok(rendered) => {
                    assert_eq!(*text, rendered.text, "{name}");
                    assert!(rendered.opening < rendered.text.len(), "{name}: {text:?}");
                    opened += 1;
                }
                Err(_) => refused += 1,
            }
        }
    }
    // A turn of the model after one of the model in formats that have none, and instructions
    // without a question.
    assert!(
        opened > 1100 && refused <= 8,
        "{opened} opened, {refused} refused"
    );
}

/// Llama 3.1 writes a fixed day unless it is given one; Llama 3.2 asks for today's.
#[test]
fn templates_that_tell_the_date_are_known() {
    for name in FORMATS {
        let published = Published::read(name);
        let asks = published.cases.iter().any(|case| case.date.is_some());
        let format = published.format(&published.cases[0]);
        assert_eq!(format.template.tells_the_date(), asks, "{name}");
    }
}

/// Where a template refuses instructions, they are in the first turn of the user, as Gemma 3's
/// template puts them itself.
#[test]
fn instructions_go_where_the_format_has_them() {
    let text = |name: &str| {
        let published = Published::read(name);
        let format = published.format(&published.cases[0]);
        let messages = [
            Message::new(Role::System, "Be brief."),
            Message::new(Speaker::User, "Who?"),
        ];
        format.render(&messages, Speaker::Model).unwrap().text
    };
    let folded = "<bos><start_of_turn>user\nBe brief.\n\nWho?<end_of_turn>\n<start_of_turn>model\n";
    assert_eq!(text("gemma2"), folded);
    assert_eq!(text("gemma3"), folded);
    assert!(
        text("llama3_1").contains("system<|end_header_id|>\n\n"),
        "{}",
        text("llama3_1")
    );
    let mistral = text("mistral_v0_1");
    assert_eq!(mistral, "<s>[INST] Be brief.\n\nWho? [/INST]");
}

#[derive(Deserialize)]
struct Engine {
    special_tokens: Map<String, Value>,
    conversations: Map<String, Value>,
    cases: Vec<Probe>,
}

#[derive(Deserialize)]
struct Probe {
    template: String,
    conversation: String,
    arguments: Map<String, Value>,
    date: Option<String>,
    text: Option<String>,
}

/// Probes that render differently from Jinja2 without an error. All of them print what no chat
/// template has reason to print (views of a dictionary, parts of the engine), escape markup, hand
/// `map` a name, read a message's `items`, or need numbers beyond 64 bits.
const OTHERWISE: [&str; 33] = [
    "{{ big }}",
    "{{ quotes }}",
    "{{ range(3) }}",
    "{{ {'a': 1}.keys() }}",
    "{{ {'a': 1}.values() }}",
    "{{ {'a': 1}.items() }}",
    "{{ [unknown] }}",
    "{{ {'a': unknown} }}",
    "{{ range(2) is sequence }}",
    "{{ namespace() is mapping }}",
    "{{ big is integer }}",
    "{{ messages[0].items is callable }}",
    "{{ 'a'.upper is callable }}",
    "{{ lipsum is defined }}",
    "{{ self is defined }}",
    "{{ [1, 2][1.0] }}|",
    "{{ {'items': 1}.items is callable }}",
    "{{ {'keys': 5}.keys is number }}",
    "{{ 'a-b-c'.partition('-') }}",
    "{{ 'a-b-c'.rpartition('-') }}",
    "{{ 'abc'.partition('-') }}",
    "{{ '\u{1c6}x'.title() }}",
    "{{ big | tojson }}",
    "{{ ['1', 'x'] | map('int', default=7) | list }}",
    "{{ ('<' | e) + '>' }}",
    "{{ ('<' | safe) + '>' }}",
    "{{ {'a': 1} | attr('a') }}| {{ 'a' | attr('upper') is callable }}",
    "{% macro m() %}{{ m.name }}{{ m.arguments }}{% endmacro %}{{ m.name }} {{ m.arguments }}",
    "{{ self }}|",
    "\u{1c}\u{85}{{- 'x' -}}\u{1c}\u{b}b",
    "{{ '\\\n' | tojson }}",
    "{{ messages[0]['items'] }}{{ messages[0].items is string }}",
    "{{ messages | map(attribute='name') | list }}{{ messages | selectattr('name', 'defined') | list | length }}",
];

/// What Jinja2 renders is rendered the same, or it is an error, except for the few above. What
/// Jinja2 refuses may be rendered: no published template depends on that. An engine must survive
/// all of it.
#[test]
fn the_engine_does_what_jinja_does() {
    let engine: Engine = read("engine.json");
    let (mut right, mut refused, mut otherwise) = (0, 0, Vec::new());
    for probe in &engine.cases {
        let options = ChatOptions {
            arguments: probe.arguments.clone(),
            date: probe.date.as_deref().map(|date| date.parse().unwrap()),
            ..ChatOptions::default()
        };
        let tokens = engine.special_tokens.clone();
        let template = Template::new(probe.template.clone(), PathBuf::new(), tokens, &options);
        // transformers leaves out what is `None`.
        let mut messages = engine.conversations[&probe.conversation].clone();
        for message in messages.as_array_mut().unwrap() {
            message
                .as_object_mut()
                .unwrap()
                .retain(|_, value| !value.is_null());
        }
        match (&probe.text, template.render_json(messages, false)) {
            (Some(text), Ok(rendered)) if *text == rendered => right += 1,
            (Some(_), Ok(_)) => otherwise.push(probe.template.as_str()),
            (Some(_), Err(_)) => refused += 1,
            (None, _) => {}
        }
    }
    let mut known = OTHERWISE.to_vec();
    known.sort_unstable();
    otherwise.sort_unstable();
    assert_eq!(otherwise, known);
    assert!(
        right >= 715 && refused <= 75,
        "{right} are right, {refused} refused"
    );
}
