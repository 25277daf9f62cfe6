//! What a user should know about a pipeline's model and prompts, though none of it prevents the run
//! from starting.
//!
//! `extract` logs it and writes it into its tables; `doctor` reports it before anything is run.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::{Context, Result};
use model::{ChatTokenizer, ModelConfig};
use pipeline::{Pipeline, read_prompts};
use results::RenderedPrompt;
use terms::Pooling;

use session::{other_texts, render_prompts};

use crate::{Newlines, Wanted, pooled_position};

/// The texts of a run, and what is to be said about them.
pub struct PreparedPrompts {
    /// Each prompt that is used in each condition, in the order of [`render_prompts`].
    pub rendered: Vec<RenderedPrompt>,
    /// One sentence each: `place: what was found; what to do`.
    pub findings: Vec<String>,
}

/// Reads the prompts of a pipeline and renders them in all of its conditions. Of prompts that are
/// the same text to the model in some condition only the first is used: the others don't count as
/// further observations, and would only make the statistics look surer than they are.
///
/// # Errors
/// Those of reading and of rendering.
pub fn prepare_prompts(
    pipeline: &Pipeline,
    config: &ModelConfig,
    tokenizer: &ChatTokenizer,
) -> Result<PreparedPrompts> {
    let file = &pipeline.prompts.file;
    let prompts = read_prompts(file).context("reading the prompts (prompts.file)")?;
    let rendered = render_prompts(tokenizer, file, &prompts, &pipeline.conditions)?;
    let mut survey = Survey::new(pipeline, config, tokenizer);
    let rendered = survey.used(rendered);
    Ok(PreparedPrompts {
        rendered,
        findings: survey.findings(),
    })
}

/// What only all texts of a run together can say, gathered some prompts at a time: which of them are
/// repeated, and what a user should know. Of each text it holds a hash.
pub(crate) struct Survey<'a> {
    pipeline: &'a Pipeline,
    config: &'a ModelConfig,
    tokenizer: &'a ChatTokenizer,
    /// Where `newline` is a pooling.
    newlines: Option<Newlines>,
    /// Of each text that is used, by condition and tokens, the prompt.
    known: HashMap<blake3::Hash, String>,
    /// Prompts with the same tokens as an earlier one in some condition, and which one that is.
    repeated: BTreeMap<String, String>,
    prompts: usize,
    texts: usize,
    beyond: Beyond,
    other_newlines: usize,
    first_other: Option<(String, String, usize, usize)>,
    /// The beginning token that a text lacks.
    missing_bos: Option<String>,
}

/// Texts beyond the positions that a model was made for.
#[derive(Default)]
struct Beyond {
    count: usize,
    /// The prompt, its condition and its tokens.
    longest: Option<(String, String, usize)>,
}

impl<'a> Survey<'a> {
    pub(crate) fn new(pipeline: &'a Pipeline, config: &'a ModelConfig, tokenizer: &'a ChatTokenizer) -> Self {
        let reads_newlines = pipeline.extract.poolings.contains(&Pooling::Newline);
        Survey {
            pipeline,
            config,
            tokenizer,
            newlines: reads_newlines.then(|| Newlines::of(tokenizer)),
            known: HashMap::new(),
            repeated: BTreeMap::new(),
            prompts: 0,
            texts: 0,
            beyond: Beyond::default(),
            other_newlines: 0,
            first_other: None,
            missing_bos: None,
        }
    }

    /// Looks at the next prompts, in all conditions, and returns the rows of those that are used.
    pub(crate) fn used(&mut self, mut rendered: Vec<RenderedPrompt>) -> Vec<RenderedPrompt> {
        let left_out = self.left_out(&rendered);
        rendered.retain(|row| !left_out.contains(&row.prompt_id));
        self.texts += rendered.len();
        for row in &rendered {
            self.look(row);
        }
        rendered
    }

    /// The prompts among these that are left out. The earlier one of a pair is itself used: being like a
    /// prompt that is left out is not a reason.
    fn left_out(&mut self, rendered: &[RenderedPrompt]) -> HashSet<String> {
        let mut texts: HashMap<&str, Vec<blake3::Hash>> = HashMap::new();
        for row in rendered {
            texts.entry(&row.prompt_id).or_default().push(hash_of_text(row));
        }
        let mut left_out = HashSet::new();
        // The first condition has every prompt, in order.
        let first = rendered.first().map(|row| &row.condition);
        for row in rendered.iter().filter(|row| Some(&row.condition) == first) {
            self.prompts += 1;
            let own = texts
                .get(row.prompt_id.as_str())
                .map(Vec::as_slice)
                .unwrap_or_default();
            match own.iter().find_map(|text| self.known.get(text)) {
                Some(earlier) => {
                    self.repeated.insert(row.prompt_id.clone(), earlier.clone());
                    left_out.insert(row.prompt_id.clone());
                }
                None => {
                    let of_prompt = own.iter().map(|text| (*text, row.prompt_id.clone()));
                    self.known.extend(of_prompt);
                }
            }
        }
        left_out
    }

    fn look(&mut self, row: &RenderedPrompt) {
        let tokens = row.token_ids.len();
        if tokens > self.config.max_position_embeddings {
            self.beyond.count += 1;
            if self
                .beyond
                .longest
                .as_ref()
                .is_none_or(|(.., most)| tokens >= *most)
            {
                self.beyond.longest = Some((row.prompt_id.clone(), row.condition.clone(), tokens));
            }
        }
        if let Some(newlines) = &self.newlines {
            let there = newlines.read_by_the_notebook(&row.token_ids);
            if let Wanted::Position(here) = pooled_position(Pooling::Newline, row)
                && here != there
            {
                self.other_newlines += 1;
                self.first_other
                    .get_or_insert_with(|| (row.prompt_id.clone(), row.condition.clone(), there, here));
            }
        }
        if self.missing_bos.is_none() {
            let first = row.token_ids.iter().take(1);
            let ids: Vec<u32> = first.map(|id| id.cast_unsigned()).collect();
            self.missing_bos = self.tokenizer.missing_bos(&ids).map(str::to_owned);
        }
    }

    /// What was found in all texts.
    pub(crate) fn findings(&self) -> Vec<String> {
        let all = [
            self.about_repeated(),
            self.about_lengths(),
            self.about_newlines(),
            self.about_beginnings(),
            about_ends(self.config, self.tokenizer),
            about_the_date(self.pipeline, self.tokenizer),
        ];
        all.into_iter().flatten().collect()
    }

    fn about_repeated(&self) -> Option<String> {
        if self.repeated.is_empty() {
            return None;
        }
        let pairs: Vec<String> = self
            .repeated
            .iter()
            .take(NAMED)
            .map(|(later, earlier)| format!("\"{later}\" is \"{earlier}\""))
            .collect();
        let (file, count) = (self.pipeline.prompts.file.display(), self.repeated.len());
        Some(format!(
            "{file}: {count} of {} prompts are the same text to the model as an earlier one ({}{}) and are left out, since they \
             don't count as further observations; remove them",
            self.prompts,
            pairs.join(", "),
            and_more(count)
        ))
    }

    /// Prompts beyond the positions that a model was made for.
    fn about_lengths(&self) -> Option<String> {
        let limit = self.config.max_position_embeddings;
        let (prompt, condition, tokens) = self.beyond.longest.as_ref()?;
        Some(format!(
            "{}: prompt \"{prompt}\" in condition \"{condition}\" has {tokens} tokens{}, and the model was made for {limit} \
             (`max_position_embeddings`): what it computes beyond means little; shorten the prompt",
            self.pipeline.prompts.file.display(),
            other_texts(self.beyond.count),
        ))
    }

    /// Where `newline` and the notebook's rule diverge.
    fn about_newlines(&self) -> Option<String> {
        let (prompt, condition, there, here) = self.first_other.as_ref()?;
        Some(format!(
            "pooling `newline`: in {} of {} texts the notebook's rule (the last blank line, else the last newline of the whole text) \
             would have read elsewhere, first for prompt \"{prompt}\" in condition \"{condition}\" (position {there} instead of {here}); \
             nothing is to be done, but figures made by that rule differ",
            self.other_newlines, self.texts,
        ))
    }

    /// Texts without the beginning token, where the tokenizer would have added it to any other text.
    fn about_beginnings(&self) -> Option<String> {
        let bos = self.missing_bos.as_ref()?;
        Some(format!(
            "the chat template does not begin with {bos}, and as in transformers' apply_chat_template nothing adds it, though the model was \
             most likely trained with it; begin the template with {{{{ bos_token }}}} (model.chat_template)"
        ))
    }
}

/// Of what a text is to the model in its condition.
fn hash_of_text(row: &RenderedPrompt) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(row.condition.len() as u64).to_le_bytes());
    hasher.update(row.condition.as_bytes());
    for id in &row.token_ids {
        hasher.update(&id.to_le_bytes());
    }
    hasher.finalize()
}

/// A format whose turns end with a token that ends no text.
fn about_ends(config: &ModelConfig, tokenizer: &ChatTokenizer) -> Option<String> {
    let end = tokenizer.end_of_turn()?;
    if config.end_tokens.contains(&end) {
        return None;
    }
    let ends: Vec<String> = config
        .end_tokens
        .iter()
        .map(|id| tokenizer.token_text(*id))
        .collect();
    Some(format!(
        "the chat template ends a turn of the model with {}, which is not among the end tokens ({}): texts go on behind it, as they do in \
         transformers; add {end} to `eos_token_id` in generation_config.json",
        tokenizer.token_text(end),
        ends.join(", ")
    ))
}

fn about_the_date(pipeline: &Pipeline, tokenizer: &ChatTokenizer) -> Option<String> {
    let date = tokenizer.date().filter(|_| pipeline.model.date.is_none())?;
    Some(format!(
        "the chat template tells the model today's date ({date}), so that this run can't be repeated on another day; set model.date = \
         \"{date}\""
    ))
}

/// At most this many are named in a sentence.
const NAMED: usize = 3;

fn and_more(count: usize) -> String {
    match count.saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(prompt: &str, condition: &str, token: i32) -> RenderedPrompt {
        RenderedPrompt {
            prompt_id: prompt.to_owned(),
            prompt: String::new(),
            condition: condition.to_owned(),
            text: String::new(),
            n_tokens: 2,
            token_ids: vec![2, token],
            token_texts: Vec::new(),
            opening: 0,
        }
    }

    #[test]
    fn a_prompt_is_not_left_out_for_one_that_is_left_out() {
        // b is a in one condition; c is b in the other, and nothing that is used.
        let rendered = [
            row("a", "normal", 5),
            row("b", "normal", 5),
            row("c", "normal", 6),
            row("a", "swapped", 7),
            row("b", "swapped", 8),
            row("c", "swapped", 8),
        ];
        let expected = BTreeMap::from([("b".to_owned(), "a".to_owned())]);
        let parts: [&[usize]; 3] = [&[0, 1, 2], &[0, 1], &[2]];
        let mut pipeline = Pipeline::read(&testkit::root().join("pipelines/tiny.toml"), &[]).unwrap();
        pipeline.model = pipeline::ModelTable::local(testkit::root().join("data/tiny"), "tiny");
        let opened = session::inspect(&pipeline.model).unwrap();
        let survey = || Survey::new(&pipeline, &opened.parts.config, &opened.parts.tokenizer);
        let (mut whole, mut pieces) = (survey(), survey());
        let of = |prompts: &[usize]| {
            let rows = prompts.iter().map(|prompt| rendered[*prompt].clone());
            rows.chain(prompts.iter().map(|prompt| rendered[prompt + 3].clone()))
                .collect()
        };
        assert_eq!(whole.used(of(parts[0])).len(), 4);
        assert_eq!(whole.repeated, expected);
        // However many are looked at at once.
        assert_eq!(
            pieces.used(of(parts[1])).len() + pieces.used(of(parts[2])).len(),
            4
        );
        assert_eq!(pieces.repeated, expected);
        assert_eq!(pieces.findings(), whole.findings());
    }
}
