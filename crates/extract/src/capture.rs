use std::ops::Range;

use anyhow::{Context, Result, bail};
use model::{Batch, ModelConfig};
use progress::progress_bar;
use results::{Activation, Answer, RenderedPrompt};
use terms::{Pooling, Site};

use session::{OpenModel, OpenNetwork};

use crate::{Record, Wanted, pooled_position};

/// Tokens of one pass, roughly: more bring no more speed on a CPU, but each costs memory.
const TOKENS_PER_BATCH: usize = 512;

/// What the vectors of one piece may take, and its residual streams as well: it determines the
/// memory of a run of any length, which is some three times this.
const BYTES_PER_PIECE: usize = 32 << 20;

/// The same for a streamed model, which reads all of its weights once for each piece.
const BYTES_PER_SWEEP: usize = 256 << 20;

/// One pass for every rendered prompt. The result holds, for each layer, a row for every prompt and
/// pooling, in the order of `rendered` and `poolings`.
///
/// # Errors
/// As for [`capture_in_pieces`] without answers.
pub fn capture(
    model: &OpenModel,
    rendered: &[RenderedPrompt],
    poolings: &[Pooling],
) -> Result<Vec<Vec<Activation>>> {
    let mut all = vec![Vec::new(); model.network.config().layers.len()];
    capture_in_pieces(model, (rendered, &[]), poolings, &[], &mut |_, layer, rows| {
        all[layer].extend(rows);
        Ok(())
    })?;
    Ok(all)
}

/// The same piece by piece, with memory that does not grow with the number of prompts: `take` is
/// given the rows of a few prompts at one layer after the other, then at the other `sites`, then
/// those of the next prompts. `answers` has that of each prompt where some pooling reads it, and is empty
/// elsewhere: each is fed in after its prompt.
///
/// # Errors
/// A pooling that reads answers where there are none, and a residual that can't be read or is not finite.
pub fn capture_in_pieces(
    model: &OpenModel,
    (rendered, answers): (&[RenderedPrompt], &[Answer]),
    poolings: &[Pooling],
    sites: &[Site],
    take: &mut dyn FnMut(Site, usize, Vec<Activation>) -> Result<()>,
) -> Result<()> {
    let config = model.network.config();
    let n_layers = config.layers.len();
    let texts = texts(rendered, answers, poolings)?;
    let bar = progress_bar((texts.len() * n_layers) as u64, "extract", "residuals");
    let budget = match model.network {
        OpenNetwork::Resident(_) => BYTES_PER_PIECE,
        OpenNetwork::Streamed(_) => BYTES_PER_SWEEP,
    };
    for piece in pieces(&texts, poolings.len() * (1 + sites.len()), config, budget) {
        let prompts = &texts[piece];
        let places = places(sites, n_layers);
        let mut captured: Vec<Vec<Option<Vec<f32>>>> =
            vec![vec![None; prompts.len() * poolings.len()]; places.len()];
        let passes = passes(prompts, poolings, sites)?;
        for (rows, record) in run(&model.network, passes, &mut |residuals| bar.inc(residuals as u64))? {
            for recorded in record.finish()? {
                let site = recorded.site.unwrap_or(Site::ResidualPost);
                let place = places.iter().position(|place| *place == (site, recorded.layer));
                let place = place.context("bug: captured a site that was not requested")?;
                for (offset, vector) in recorded.vectors.into_iter().enumerate() {
                    let row = rows[offset / poolings.len()] * poolings.len() + offset % poolings.len();
                    captured[place][row] = Some(vector);
                }
            }
        }
        for ((site, layer), vectors) in places.into_iter().zip(captured) {
            take(
                site,
                layer,
                rows_of_layer(model, prompts, poolings, layer, vectors)?,
            )?;
        }
    }
    bar.finish_and_clear();
    Ok(())
}

/// What is fed in for one prompt in one condition.
#[derive(Clone, Copy)]
struct Text<'a> {
    prompt: &'a RenderedPrompt,
    /// The tokens of the answer; none where no pooling reads it.
    answer: &'a [i32],
}

impl Text<'_> {
    fn len(&self) -> usize {
        self.prompt.token_ids.len() + self.answer.len()
    }

    /// The tokens of prompt and answer.
    fn ids(&self) -> impl Iterator<Item = &i32> {
        self.prompt.token_ids.iter().chain(self.answer)
    }

    fn wanted(&self, pooling: Pooling) -> Wanted {
        pooled_position(pooling, self.prompt, self.answer.len())
    }
}

/// Each prompt with its answer.
fn texts<'a>(
    rendered: &'a [RenderedPrompt],
    answers: &'a [Answer],
    poolings: &[Pooling],
) -> Result<Vec<Text<'a>>> {
    // A shard may have no prompt at all, where all of its own are copies of earlier ones.
    if answers.is_empty() {
        let reads_answer = poolings.iter().find(|pooling| pooling.reads_answer());
        if let Some(pooling) = reads_answer.filter(|_| !rendered.is_empty()) {
            bail!("the pooling \"{pooling}\" reads answers, and here none are generated; use another one");
        }
        let alone = |prompt| Text { prompt, answer: &[] };
        return Ok(rendered.iter().map(alone).collect());
    }
    let is_of = |(prompt, answer): (&RenderedPrompt, &Answer)| {
        (&prompt.prompt_id, &prompt.condition) == (&answer.prompt_id, &answer.condition)
            && !answer.token_ids.is_empty()
    };
    if answers.len() != rendered.len() || !rendered.iter().zip(answers).all(is_of) {
        bail!("bug: the answers are not those of the prompts");
    }
    let pairs = rendered.iter().zip(answers);
    let text = |(prompt, answer): (&'a RenderedPrompt, &'a Answer)| Text {
        prompt,
        answer: &answer.token_ids,
    };
    Ok(pairs.map(text).collect())
}

/// All places that are read: every layer, and the other sites at every layer that they have.
fn places(sites: &[Site], n_layers: usize) -> Vec<(Site, usize)> {
    let sites = [Site::ResidualPost].iter().chain(sites);
    sites
        .flat_map(|site| (0..site.layers(n_layers)).map(|layer| (*site, layer)))
        .collect()
}

/// Cuts the prompts into pieces of bounded memory, in their order.
fn pieces(texts: &[Text<'_>], poolings: usize, config: &ModelConfig, budget: usize) -> Vec<Range<usize>> {
    let bytes_of = |vectors: usize| vectors * config.hidden_size * size_of::<f32>();
    let vectors = bytes_of(poolings * config.layers.len());
    let (mut pieces, mut first, mut streams) = (Vec::new(), 0, 0);
    for (index, text) in texts.iter().enumerate() {
        let own = bytes_of(text.len());
        let is_full = vectors * (index + 1 - first) > budget || streams + own > budget;
        if index > first && is_full {
            pieces.push(first..index);
            (first, streams) = (index, 0);
        }
        streams += own;
    }
    if first < texts.len() {
        pieces.push(first..texts.len());
    }
    pieces
}

/// One batch: the prompts in it, the tokens as the network takes them, and the tap that records
/// them.
struct Pass {
    prompts: Vec<usize>,
    batch: Batch,
    record: Record,
}

/// Prompts that begin alike go side by side, so that what they share is computed once.
fn passes(prompts: &[Text<'_>], poolings: &[Pooling], sites: &[Site]) -> Result<Vec<Pass>> {
    // The residual stream after a layer is recorded in any case.
    let others = sites.iter().filter(|site| **site != Site::ResidualPost);
    let sites: Vec<Site> = others.copied().collect();
    let mut order: Vec<usize> = (0..prompts.len()).collect();
    order.sort_by(|a, b| prompts[*a].ids().cmp(prompts[*b].ids()));
    let mut passes = Vec::new();
    let mut open = OpenPass::default();
    for prompt in order {
        open.push(prompt, &prompts[prompt], poolings)?;
        if open.batch.len() >= TOKENS_PER_BATCH {
            passes.push(std::mem::take(&mut open).close(&sites));
        }
    }
    if !open.prompts.is_empty() {
        passes.push(open.close(&sites));
    }
    Ok(passes)
}

#[derive(Default)]
struct OpenPass {
    prompts: Vec<usize>,
    batch: Batch,
    wanted: Vec<Wanted>,
}

impl OpenPass {
    /// Tokens after the last wanted one are left out: nothing before them depends on them.
    fn push(&mut self, prompt: usize, text: &Text<'_>, poolings: &[Pooling]) -> Result<()> {
        let wanted: Vec<Wanted> = poolings.iter().map(|pooling| text.wanted(*pooling)).collect();
        let needed = wanted.iter().map(|wanted| match wanted {
            Wanted::Position(position) => position + 1,
            Wanted::Mean { end, .. } => *end,
        });
        let needed = needed.max().unwrap_or(text.len());
        let ids: Vec<u32> = text.ids().take(needed).map(|id| id.cast_unsigned()).collect();
        self.batch.push(self.prompts.len(), 0, &ids)?;
        self.prompts.push(prompt);
        self.wanted.extend(wanted);
        Ok(())
    }

    fn close(self, sites: &[Site]) -> Pass {
        let record = Record::new(&self.batch, &self.wanted, sites);
        Pass {
            prompts: self.prompts,
            batch: self.batch.with_wanted(record.places()),
            record,
        }
    }
}

/// Runs the passes; `progress` is told the number of new residuals, one per prompt and layer.
fn run(
    network: &OpenNetwork,
    passes: Vec<Pass>,
    progress: &mut dyn FnMut(usize),
) -> Result<Vec<(Vec<usize>, Record)>> {
    let n_layers = network.config().layers.len();
    let n_prompts: usize = passes.iter().map(|pass| pass.prompts.len()).sum();
    let (mut prompts, mut batches, mut records) = (Vec::new(), Vec::new(), Vec::new());
    for pass in passes {
        prompts.push(pass.prompts);
        batches.push(pass.batch);
        records.push(pass.record);
    }
    match network {
        OpenNetwork::Resident(network) => {
            for (batch, record) in batches.iter().zip(&mut records) {
                network.forward(batch, None, record)?;
                progress(batch.rows() * n_layers);
            }
        }
        OpenNetwork::Streamed(network) => {
            network.forward(&batches, &mut records, &mut |_| progress(n_prompts))?;
        }
    }
    Ok(prompts.into_iter().zip(records).collect())
}

fn rows_of_layer(
    model: &OpenModel,
    texts: &[Text<'_>],
    poolings: &[Pooling],
    layer: usize,
    vectors: Vec<Option<Vec<f32>>>,
) -> Result<Vec<Activation>> {
    let mut rows = Vec::with_capacity(vectors.len());
    for (index, vector) in vectors.into_iter().enumerate() {
        let (text, pooling) = (texts[index / poolings.len()], poolings[index % poolings.len()]);
        let prompt = text.prompt;
        let activation =
            vector.with_context(|| format!("prompt \"{}\" was not captured", prompt.prompt_id))?;
        if activation.iter().any(|value| !value.is_finite()) {
            let (id, condition) = (&prompt.prompt_id, &prompt.condition);
            bail!(
                "the residual after layer {layer} for prompt \"{id}\" in condition \"{condition}\" is not finite; try model.dtype = \"f32\""
            );
        }
        let position = match text.wanted(pooling) {
            Wanted::Position(position) => Some(position),
            Wanted::Mean { .. } => None,
        };
        let token_id = position.and_then(|position| text.ids().nth(position).copied());
        let squares: f64 = activation.iter().map(|value| f64::from(*value).powi(2)).sum();
        rows.push(Activation {
            prompt_id: prompt.prompt_id.clone(),
            condition: prompt.condition.clone(),
            pooling,
            position: position.map(|position| position as i32),
            token_id,
            token_text: token_id.map(|id| model.tokenizer.token_text(id.cast_unsigned())),
            norm: squares.sqrt() as f32,
            activation,
        });
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_follow_each_other_and_stay_within_the_budget() {
        let prompt = |length: usize| RenderedPrompt {
            prompt_id: String::new(),
            prompt: String::new(),
            condition: String::new(),
            text: String::new(),
            n_tokens: length,
            token_ids: vec![2; length],
            token_texts: Vec::new(),
            opening: 0,
        };
        let rendered: Vec<RenderedPrompt> = (0..50).map(|index| prompt(1 + index % 7)).collect();
        let alone = |prompt| Text { prompt, answer: &[] };
        let texts: Vec<Text<'_>> = rendered.iter().map(alone).collect();
        let config = ModelConfig {
            hidden_size: 8,
            ..small_config()
        };
        // A row takes 2 layers of 8 numbers for each of 3 poolings: 192 bytes.
        for (budget, longest) in [(1, 1), (192 * 4, 4), (192 * 10, 10), (1 << 20, 50)] {
            let pieces = pieces(&texts, 3, &config, budget);
            assert_eq!(pieces.first().unwrap().start, 0);
            assert_eq!(pieces.last().unwrap().end, 50);
            assert!(pieces.windows(2).all(|pair| pair[0].end == pair[1].start));
            assert_eq!(pieces.iter().map(Range::len).max(), Some(longest), "{budget}");
        }
        assert!(pieces(&[], 3, &config, 1).is_empty());
    }

    fn small_config() -> ModelConfig {
        let text = include_str!("../../../data/tiny/config.json");
        let mut config = ModelConfig::from_json(&serde_json::from_str(text).unwrap()).unwrap();
        config.layers.truncate(2);
        config
    }
}
