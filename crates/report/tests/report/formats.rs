//! Chat formats of other families: none of their tokens is known beforehand.

use results::{Generation, RenderedPrompt, Table};

use crate::example_run::{ExampleRun, example_run};
use crate::reading::{section, visible, without_library};

/// The example as a model with a made-up format of the kind of ChatML would have written it: no
/// token that texts begin with, and other words for the speakers.
fn chatml() -> ExampleRun {
    let run = example_run(6);
    let path = run.layout.table::<RenderedPrompt>();
    let (prompts, metadata) = RenderedPrompt::read(&path).unwrap();
    let prompts: Vec<RenderedPrompt> = prompts.into_iter().map(in_chatml).collect();
    RenderedPrompt::write(&path, &metadata, &prompts).unwrap();
    let path = run.layout.table::<Generation>();
    let (mut generations, metadata) = Generation::read(&path).unwrap();
    for row in &mut generations {
        row.text = row.text.replace("<end_of_turn>", "<|fin|>");
        row.text.insert_str(0, "<start_of_turn> <|open|> ");
    }
    Generation::write(&path, &metadata, &generations).unwrap();
    run
}

fn in_chatml(row: RenderedPrompt) -> RenderedPrompt {
    let other = |text: &String| {
        text.replace("<bos>", "")
            .replace("<start_of_turn>", "<|open|>")
            .replace("<end_of_turn>", "<|fin|>")
    };
    let texts = row.token_texts.iter().map(other);
    let token_texts: Vec<String> = texts.filter(|text| !text.is_empty()).collect();
    RenderedPrompt {
        text: other(&row.text),
        n_tokens: token_texts.len(),
        token_ids: (0..token_texts.len() as i32).collect(),
        token_texts,
        ..row
    }
}

#[test]
fn the_tokens_of_a_format_that_nobody_listed_are_shown_as_such() {
    let own = without_library(&chatml().page("report.html"));
    let prompts = section(&own, "prompts");
    for part in [
        "<span class=\"t token\">&lt;|open|&gt;</span><span class=\"t\">user</span>",
        "<span class=\"t token\">&lt;|fin|&gt;</span>",
    ] {
        assert!(prompts.contains(part), "{part} is not in: {prompts}");
    }
    let texts = section(&own, "generations");
    let begins = "&lt;start_of_turn&gt; <span class=\"token\">&lt;|open|&gt;</span>";
    assert!(texts.contains(begins), "{texts}");
    assert!(texts.contains("<span class=\"token\">&lt;|fin|&gt;</span>"));
    assert!(!texts.contains("<span class=\"token\">&lt;start_of_turn"));
    // HTML that a model wrote is text.
    assert!(texts.contains("&lt;b&gt;Can you help?"));
}

#[test]
fn where_texts_begin_with_no_token_nothing_is_said_of_one() {
    let own = without_library(&chatml().page("report.html"));
    let trust = visible(section(&own, "trust"));
    assert!(
        !trust.contains("of which") && !trust.contains("begins with"),
        "{trust}"
    );
    let gemma = without_library(&example_run(6).page("report.html"));
    let trust = visible(section(&gemma, "trust"));
    assert!(trust.contains("of which &lt;bos&gt;"), "{trust}");
}
