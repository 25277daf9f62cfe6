//! The prompts, formats and rows of the notebook, as the programs in `benchmarks/peers` have them.

use anyhow::{Context, Result};
use interventions::addition;
use model::{ChatOptions, ChatTokenizer, GenerationRequest, ModelFiles, Sampling};
use pipeline::{Pipeline, read_prompts};
use results::RenderedPrompt;
use session::render_prompts;
use steer::Intervention;
use terms::Positions;

/// The texts of a benchmark.
pub struct Workload {
    /// The six prompts in the normal format, then in the swapped one.
    pub prompts: Vec<RenderedPrompt>,
    pub tokenizer: ChatTokenizer,
    /// How the texts became tokens, in words.
    pub format: String,
}

impl Workload {
    /// The prompts in the model's own chat format; in a plain one if the model has none or can't
    /// open the user's turn with it; as the embedded model's tokens, folded into the vocabulary, if
    /// the model has no tokenizer that can be used. What the texts say doesn't matter to the
    /// measurement, only how long they are and what they have in common.
    ///
    /// # Errors
    /// Where the project's own files are not found.
    pub fn of(files: &ModelFiles, rows: usize, pipeline: &Pipeline) -> Result<Self> {
        let file = &pipeline.prompts.file;
        let prompts = read_prompts(file).context("the benchmark runs in the project's folder")?;
        let render = |tokenizer: ChatTokenizer| {
            let rendered = render_prompts(&tokenizer, file, &prompts, &pipeline.conditions)?;
            Ok::<_, anyhow::Error>((tokenizer, rendered))
        };
        let own = || render(files.tokenizer(&ChatOptions::default())?.for_rows(rows)?);
        let plain = || render(with_plain_template(files)?.for_rows(rows)?);
        let folded = || {
            let embedded = ChatTokenizer::read("data/tiny".as_ref(), &ChatOptions::default())?;
            let (tokenizer, mut rendered) = render(embedded)?;
            for id in rendered.iter_mut().flat_map(|prompt| &mut prompt.token_ids) {
                *id %= i32::try_from(rows)?;
            }
            Ok::<_, anyhow::Error>((tokenizer, rendered))
        };
        // What is wrong, without what to do about it.
        let reason = |error: anyhow::Error| {
            let text = format!("{error:#}");
            text.split_once("; ")
                .map_or(text.clone(), |(reason, _)| reason.to_owned())
        };
        let (found, format) = match own() {
            Ok(found) => (found, "the model's chat format".to_owned()),
            Err(why) => match plain() {
                Ok(found) => (found, format!("a plain format, since {}", reason(why))),
                Err(why) => (
                    folded()?,
                    format!("the embedded model's tokens, since {}", reason(why)),
                ),
            },
        };
        let (tokenizer, prompts) = found;
        Ok(Workload {
            prompts,
            tokenizer,
            format,
        })
    }
}

fn with_plain_template(files: &ModelFiles) -> Result<ChatTokenizer> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("plain.jinja");
    fs_err::write(&path, PLAIN_TEMPLATE)?;
    let options = ChatOptions {
        template: Some(&path),
        ..ChatOptions::default()
    };
    Ok(files.tokenizer(&options)?)
}

const PLAIN_TEMPLATE: &str = "{{ bos_token }}{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n\
     {% endfor %}{% if add_generation_prompt %}assistant: {% endif %}";

/// The tokens of a prompt.
pub fn tokens(prompt: &RenderedPrompt) -> Vec<u32> {
    prompt.token_ids.iter().map(|id| id.cast_unsigned()).collect()
}

/// This many rows, repeating the prompts, each with its own seed; sampled as the notebook does, or
/// the most likely token each time.
pub fn requests(prompts: &[RenderedPrompt], rows: usize, greedy: bool) -> Vec<GenerationRequest> {
    let request = |row: usize| GenerationRequest {
        prompt: tokens(&prompts[row % prompts.len()]),
        sampling: Sampling {
            greedy,
            temperature: 0.7,
            top_k: 50,
            top_p: 1.0,
            repetition_penalty: if greedy { 1.0 } else { 1.1 },
            suppress: Vec::new(),
        },
        seed: row as u64,
    };
    (0..rows).map(request).collect()
}

/// The notebook's layer 20 of 42, at the same depth.
pub fn steering_layer(layers: usize) -> usize {
    (20.0 / 42.0 * layers as f64).round() as usize
}

/// An addition of the direction to each row, with a different coefficient for each unless they are
/// given.
pub fn interventions(
    rows: usize,
    layer: usize,
    direction: &[f32],
    coefficients: &[f64],
) -> Vec<Vec<Intervention>> {
    let intervention = |row: usize| {
        let own = (row as f64 - rows as f64 / 2.0) / rows as f64;
        let push = addition(direction, coefficients.get(row).copied().unwrap_or(own));
        vec![Intervention::new(layer, Positions::All, push)]
    };
    (0..rows).map(intervention).collect()
}
