use std::collections::{BTreeMap, BTreeSet};

use dose::{MOST_LAYERS, NEUTRAL_TOKENS, Planned, everyday_prompts, outline};
use extract::{PreparedPrompts, prepare_prompts};
use locate::{Work, work};
use model::Batch;
use pipeline::{Condition, Pipeline, read_prompts};
use results::{RenderedPrompt, read_model_reference};
use session::{about_generation, suppressed_tokens};
use steer::resolve_layer;

use crate::check::Check;
use crate::known::Known;

/// What the stages will have to do, in tokens and rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Workload {
    pub prompts: usize,
    /// Rendered texts: prompts times conditions.
    pub texts: usize,
    /// Tokens that extraction computes; common beginnings of texts count once.
    pub extracted: f64,
    /// The longest text.
    pub longest: usize,
    /// Tokens of the reference that `verify` runs; 0 without one.
    pub verified: usize,
    pub steer: Generations,
    pub dose: Generations,
    /// Tokens whose full distributions `dose` compares or scores, for each token of a text, and on
    /// neutral prompts.
    pub scored_texts: usize,
    pub neutral_tokens: usize,
    /// The mean share of layers that a dose changes on neutral prompts.
    pub neutral_layers: f64,
    /// Patches of all prompts, and the tokens that they compute.
    pub locate: Work,
}

/// Texts to be generated.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Generations {
    pub rows: usize,
    pub most_tokens: usize,
    /// In all rows' prompts.
    pub prompt_tokens: f64,
    /// The different prompts among them.
    pub prompts: usize,
    /// The mean share of layers after a row's first intervention. Up to there it has its prompt's tokens, and
    /// its text's while texts agree, in common with other rows.
    pub steered_layers: f64,
}

/// Where there is no tokenizer yet: letters per token, and the tokens of each turn's frame.
const LETTERS_PER_TOKEN: f64 = 4.0;
const TOKENS_PER_TURN: f64 = 5.0;
/// Of an opened turn's header: its mark, the speaker, a line break.
const HEADER_TOKENS: usize = 3;
/// The share of the tokens of the method's twelve texts that is left when their common
/// beginnings count once.
const USUALLY_LEFT: f64 = 0.6;

impl Workload {
    /// `None` where the prompts can't be read; the checks say what is wrong.
    pub fn of(pipeline: &Pipeline, known: Option<&Known>) -> (Option<Self>, Vec<Check>) {
        let mut found = Vec::new();
        let lengths = match lengths(pipeline, known, &mut found) {
            Ok(lengths) => lengths,
            Err(error) => {
                found.push(Check::problem("prompts", format!("{error:#}")));
                return (None, found);
            }
        };
        let means: BTreeMap<&str, f64> = lengths
            .mean
            .iter()
            .map(|(name, mean)| (name.as_str(), *mean))
            .collect();
        found.push(Check::fine(
            "prompts",
            format!(
                "{} prompts in {} conditions, {} tokens at most{}",
                lengths.prompts,
                pipeline.conditions.len(),
                lengths.longest,
                if lengths.is_guess {
                    " (estimated: the tokenizer isn't here yet)"
                } else {
                    ""
                }
            ),
        ));
        let neutral = match neutral_prompts(pipeline) {
            Ok(count) => count,
            Err(error) => {
                found.push(Check::problem("dose.neutral", format!("{error:#}")));
                0
            }
        };
        let workload = Workload {
            prompts: lengths.prompts,
            texts: lengths.prompts * pipeline.conditions.len(),
            extracted: lengths.computed,
            longest: lengths.longest,
            verified: verified(pipeline, &mut found),
            steer: steer(pipeline, known, lengths.prompts, &means),
            ..Workload::default()
        };
        let workload = workload
            .with_dose(pipeline, known, neutral, &means)
            .with_locate(pipeline, known, &means);
        (Some(workload), found)
    }

    fn with_locate(
        mut self,
        pipeline: &Pipeline,
        known: Option<&Known>,
        means: &BTreeMap<&str, f64>,
    ) -> Self {
        let shape = known.and_then(|known| known.shape.as_ref());
        let (true, Some(shape)) = (pipeline.locate.enabled, shape) else {
            return self;
        };
        let of = |name: &str| means.get(name).copied().unwrap_or_default();
        let shorter = of(&pipeline.contrast.positive).min(of(&pipeline.contrast.negative));
        let each = work(&shape.config, &pipeline.locate, HEADER_TOKENS, shorter as usize);
        let prompts = pipeline.locate.prompts.min(self.prompts);
        self.locate = Work {
            patches: prompts * each.patches,
            tokens: prompts as f64 * each.tokens,
            scored: prompts as f64 * each.scored,
        };
        self
    }

    fn with_dose(
        mut self,
        pipeline: &Pipeline,
        known: Option<&Known>,
        neutral: usize,
        means: &BTreeMap<&str, f64>,
    ) -> Self {
        let table = &pipeline.dose;
        if !table.enabled {
            return self;
        }
        let model_layers = layers_of(known).unwrap_or(usize::MAX);
        let layers = match table.layers.len() {
            0 => model_layers.min(MOST_LAYERS),
            count => count,
        };
        let doses = outline(table);
        let sides: usize = doses.iter().map(|dose| dose.sides.len()).sum();
        let prompts = table.prompts.min(self.prompts);
        let swept = prompts * (Planned::unsteered().sides.len() + layers * sides);
        // Each direction's dose is given to the prompts that did not choose it.
        let held_out = prompts * table.directions().len() * Planned::unsteered().sides.len();
        let rows = swept + held_out;
        let share = mean_share_after(&table.layers, known);
        let of = |name: &str| means.get(name).copied().unwrap_or_default();
        let mean = (of(&pipeline.contrast.positive) + of(&pipeline.contrast.negative)) / 2.0;
        self.dose = Generations {
            rows: rows + neutral,
            most_tokens: table.max_new_tokens,
            prompt_tokens: (rows + neutral) as f64 * mean,
            prompts: 2 * prompts + neutral,
            steered_layers: share * (prompts * layers * sides + held_out) as f64
                / (rows + neutral).max(1) as f64,
        };
        self.neutral_layers = share;
        self.scored_texts = rows;
        let neutral_length = mean as usize + NEUTRAL_TOKENS;
        self.neutral_tokens = (1 + layers * doses.len()) * neutral * neutral_length;
        self
    }
}

fn neutral_prompts(pipeline: &Pipeline) -> anyhow::Result<usize> {
    Ok(match &pipeline.dose.neutral {
        Some(file) => read_prompts(file)?.len(),
        None => everyday_prompts()?.len(),
    })
}

fn layers_of(known: Option<&Known>) -> Option<usize> {
    Some(known?.shape.as_ref()?.config.layers.len())
}

/// The share of a model's layers after each of these ones, the mean of all: half where none are named.
fn mean_share_after(layers: &[i64], known: Option<&Known>) -> f64 {
    let all = layers_of(known).unwrap_or(1);
    let shares = layers.iter().filter_map(|layer| share_after(*layer, all));
    let shares: Vec<f64> = shares.collect();
    match shares.len() {
        0 => 0.5,
        count => shares.iter().sum::<f64>() / count as f64,
    }
}

fn share_after(layer: i64, all: usize) -> Option<f64> {
    let layer = resolve_layer(layer, all).ok()?;
    Some((all - 1 - layer) as f64 / all as f64)
}

fn steer(
    pipeline: &Pipeline,
    known: Option<&Known>,
    prompts: usize,
    means: &BTreeMap<&str, f64>,
) -> Generations {
    let table = &pipeline.steer;
    let prompts = table.prompts.map_or(prompts, |most| prompts.min(most));
    let conditions: BTreeSet<&String> = table.sets.iter().map(|set| &set.condition).collect();
    let mut all = Generations {
        most_tokens: table.max_new_tokens,
        prompts: conditions.len() * prompts,
        ..Generations::default()
    };
    let model_layers = layers_of(known).unwrap_or(1);
    let mut steered = 0.0;
    for set in &table.sets {
        let rows = prompts * set.samples * set.coefficients.len().max(1);
        all.rows += rows;
        let layers = set.interventions.iter().flat_map(|table| &table.layers);
        let shares = layers.filter_map(|layer| share_after(*layer, model_layers));
        steered += rows as f64 * shares.fold(0.0, f64::max);
        all.prompt_tokens += rows as f64 * means.get(set.condition.as_str()).copied().unwrap_or_default();
    }
    all.steered_layers = steered / all.rows.max(1) as f64;
    all
}

fn verified(pipeline: &Pipeline, found: &mut Vec<Check>) -> usize {
    let Some(file) = &pipeline.verify.reference else {
        found.push(Check::fine(
            "reference",
            "none is named, so the certificate will say \"not verified\"",
        ));
        return 0;
    };
    match read_model_reference(file) {
        Ok(reference) => reference.tokens.len(),
        Err(error) => {
            found.push(Check::problem("verify.reference", error));
            0
        }
    }
}

struct Lengths {
    prompts: usize,
    /// Tokens of a text, by condition.
    mean: BTreeMap<String, f64>,
    longest: usize,
    computed: f64,
    is_guess: bool,
}

/// As the run would render the texts, where the tokenizer is here; findings about them are
/// added to `found`.
fn lengths(pipeline: &Pipeline, known: Option<&Known>, found: &mut Vec<Check>) -> anyhow::Result<Lengths> {
    let model = known.and_then(|known| Some((known.shape.as_ref()?, known.tokenizer.as_ref()?)));
    let Some((shape, tokenizer)) = model else {
        return guessed(pipeline);
    };
    let PreparedPrompts { rendered, findings } = prepare_prompts(pipeline, &shape.config, tokenizer)?;
    let findings = findings
        .into_iter()
        .chain(about_generation(pipeline, &shape.config, &rendered));
    found.extend(findings.map(|finding| Check::warning("prompts", finding)));
    for set in &pipeline.steer.sets {
        if let Err(error) = suppressed_tokens(tokenizer, &set.name, &set.suppress) {
            found.push(Check::problem("suppress", error));
        }
    }
    let ids =
        |row: &RenderedPrompt| -> Vec<u32> { row.token_ids.iter().map(|id| id.cast_unsigned()).collect() };
    // What neighbours share is computed once. A piece is enough to see how much that is.
    let piece: Vec<Vec<u32>> = rendered.iter().take(512).map(ids).collect();
    let shared = Batch::of(&piece)?.len() as f64 / piece.iter().map(Vec::len).sum::<usize>().max(1) as f64;
    let rows = rendered
        .iter()
        .map(|row| (row.condition.clone(), row.token_ids.len() as f64));
    let lengths = summed(pipeline, rows.collect());
    Ok(Lengths {
        computed: lengths.computed * shared,
        is_guess: false,
        ..lengths
    })
}

/// Why the model can't be read, or isn't here yet, is a separate check.
fn guessed(pipeline: &Pipeline) -> anyhow::Result<Lengths> {
    let prompts = read_prompts(&pipeline.prompts.file)?;
    let tokens = |condition: &Condition| {
        let texts = condition
            .turns
            .iter()
            .map(|turn| &turn.text)
            .chain(&condition.system);
        let letters: usize = texts.map(|text| text.chars().count()).sum();
        letters as f64 / LETTERS_PER_TOKEN + (condition.turns.len() + 1) as f64 * TOKENS_PER_TURN
    };
    let conditions = pipeline.conditions.iter();
    let rows = conditions.flat_map(|condition| prompts.iter().map(move |prompt| (condition, prompt)));
    let rows =
        rows.map(|(condition, prompt)| (condition.name.clone(), tokens(&condition.filled(&prompt.text))));
    let lengths = summed(pipeline, rows.collect());
    Ok(Lengths {
        computed: lengths.computed * USUALLY_LEFT,
        ..lengths
    })
}

/// For all texts, by the names of their conditions.
fn summed(pipeline: &Pipeline, rows: Vec<(String, f64)>) -> Lengths {
    let mut sums: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for (condition, tokens) in &rows {
        let sum = sums.entry(condition.clone()).or_default();
        *sum = (sum.0 + tokens, sum.1 + 1.0);
    }
    Lengths {
        prompts: rows.len() / pipeline.conditions.len().max(1),
        mean: sums
            .into_iter()
            .map(|(name, (sum, count))| (name, sum / count))
            .collect(),
        longest: rows
            .iter()
            .map(|(_, tokens)| tokens.ceil() as usize)
            .max()
            .unwrap_or(0),
        computed: rows.iter().map(|(_, tokens)| tokens).sum(),
        is_guess: true,
    }
}
