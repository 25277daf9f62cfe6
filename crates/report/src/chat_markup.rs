//! Which tokens of a run's texts are its chat format's own.

use pages::Markup;
use pipeline::Pipeline;
use results::{DoseText, Generation, RenderedPrompt};
use terms::FinishReason;

/// Adds the tokens that generated texts ended with, where they ended by themselves.
pub fn learn_ends(markup: &mut Markup, generations: &[Generation], doses: &[DoseText]) {
    let ended = |row: &&Generation| row.finish_reason == FinishReason::Stop;
    let generated = generations.iter().filter(ended).map(|row| &row.text);
    let dosed = doses
        .iter()
        .filter(|row| row.finish_reason == FinishReason::Stop)
        .map(|row| &row.text);
    for text in generated.chain(dosed) {
        markup.learn_from_end(text);
    }
}

/// The tokens of the rendered prompts that are not within a turn's text, which the pipeline knows.
pub fn prompt_markup(pipeline: &Pipeline, prompts: &[RenderedPrompt]) -> Markup {
    let mut markup = Markup::default();
    for row in prompts {
        let Some(condition) = pipeline.condition(&row.condition) else {
            continue;
        };
        let filled = condition.filled(&row.prompt);
        let turns = filled.turns.into_iter().map(|turn| turn.text);
        let said: Vec<String> = filled.system.into_iter().chain(turns).collect();
        markup.learn_from_prompt(&row.text, &row.token_texts, &said);
    }
    markup
}

/// The token that texts begin with, such as `<bos>`: the first one of some text, where it is markup
/// and another token of markup follows it. A format without one begins with the token that opens a
/// turn, which is followed by the speaker's name or by what is said.
pub fn beginning<'a>(markup: &Markup, prompts: &'a [RenderedPrompt]) -> Option<&'a str> {
    prompts.iter().find_map(|row| {
        let first = row.token_texts.first().filter(|first| markup.is_token(first))?;
        let next = row.token_texts.iter().find(|token| *token != first)?;
        markup.is_token(next).then_some(first.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(tokens: &[&str]) -> RenderedPrompt {
        RenderedPrompt {
            prompt_id: "p".to_owned(),
            prompt: "Hi".to_owned(),
            condition: "c".to_owned(),
            text: tokens.concat(),
            n_tokens: 0,
            token_ids: Vec::new(),
            token_texts: tokens.iter().map(|token| (*token).to_owned()).collect(),
            opening: 0,
        }
    }

    fn found(prompts: &[RenderedPrompt]) -> Option<&str> {
        let mut markup = Markup::default();
        for row in prompts {
            markup.learn_from_prompt(&row.text, &row.token_texts, &["Hi".to_owned()]);
        }
        beginning(&markup, prompts)
    }

    #[test]
    fn the_token_that_texts_begin_with_is_told_from_the_one_that_opens_a_turn() {
        let gemma = prompt(&["<bos>", "<turn>", "user", "\n", "Hi", "<end>", "\n"]);
        assert_eq!(found(&[gemma]), Some("<bos>"));
        let twice = prompt(&["<bos>", "<bos>", "<turn>", "user", "\n", "Hi", "<end>", "\n"]);
        assert_eq!(found(&[twice]), Some("<bos>"));
        let chatml = prompt(&[
            "<|im_start|>",
            "user",
            "\n",
            "Hi",
            "<|im_end|>",
            "\n",
            "<|im_start|>",
        ]);
        assert_eq!(found(&[chatml]), None);
        let bare = prompt(&["<|User|>", "Hi", "<|Assistant|>"]);
        assert_eq!(found(&[bare]), None);
        let plain = prompt(&["Hi", "\n"]);
        assert_eq!(found(&[plain]), None);
    }
}
