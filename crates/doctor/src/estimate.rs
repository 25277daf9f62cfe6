use kernels::Stored;
use model::{Demand, Precision, ROWS_AT_ONCE, TOKENS_AT_ONCE};
use pipeline::Pipeline;
use results::GROUP_ROWS;

use crate::known::{Known, Shape};
use crate::machine::Speeds;
use crate::workload::{Generations, Workload};

/// The least and the most to be expected.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Range {
    pub low: f64,
    pub high: f64,
}

/// What a stage takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Needs {
    pub stage: &'static str,
    pub seconds: Range,
    /// Bytes that it allocates itself.
    pub memory: u64,
    /// Bytes of weights that it wants in memory as well. Pages of a file can be dropped and read
    /// again, at a price.
    pub weights: u64,
    /// Bytes of its results.
    pub disk: u64,
}

/// The share of the instructions' speed that products reach: 0.15 to 0.75 where neither a few rows nor
/// tiny matrices hold them up (docs/performance.md).
const PRODUCTS: Range = Range {
    low: 0.15,
    high: 0.75,
};
/// One row reads memory at this share of its speed.
const READING: Range = Range { low: 0.7, high: 1.0 };
/// Seconds of one thread for each number that a token has between a layer's products: norms, gate, attention,
/// copies.
const AROUND: Range = Range {
    low: 5e-10,
    high: 4e-9,
};
/// Rows that begin in one pass, of those with the same prompt: at least these many wait for each other.
const BEGIN_TOGETHER: f64 = (ROWS_AT_ONCE / 4) as f64;
/// Share of `max_new_tokens`: texts of chat models end by themselves, after a third of the limit
/// or not before it.
const LENGTH: Range = Range { low: 0.33, high: 1.0 };
const ENDLESS: Range = Range { low: 1.0, high: 1.0 };
/// The share of a sweep's texts that differ from all others of their prompt, and are scored.
const DIFFERENT: Range = Range { low: 0.3, high: 1.0 };
/// Weights converted in a second by one thread, and bytes of a file read.
const CONVERTING: Range = Range { low: 4e7, high: 2e8 };
const FILE_READING: Range = Range { low: 4e8, high: 1e10 };
/// Seconds for each number of a distribution that is turned into probabilities, on one thread.
const PROBABILITY: Range = Range {
    low: 1e-9,
    high: 5e-9,
};

/// The needs of every stage on the CPU.
pub fn estimate(pipeline: &Pipeline, known: &Known, workload: &Workload, speeds: &Speeds) -> Vec<Needs> {
    let Some(shape) = &known.shape else {
        return Vec::new();
    };
    // A base model, which needs another model's chat template, has not learned to end.
    let length = if pipeline.model.chat_template.is_some() {
        ENDLESS
    } else {
        LENGTH
    };
    let costs = Costs::of(shape, *speeds, length);
    let poolings = pipeline.extract.poolings.len() * (1 + pipeline.extract.sites.len());
    let vector = (shape.config.hidden_size * 4) as f64;
    let layers = shape.config.layers.len() as f64;
    let recorded = workload.texts as f64 * poolings as f64 * layers * vector;
    let steered = costs.generation(&workload.steer);
    let swept = costs.sweep(workload);
    let pairs = match pipeline.contrast.builds_cosine_matrices(workload.prompts) {
        true => (workload.texts * workload.texts) as f64 * layers * pipeline.extract.poolings.len() as f64,
        false => 0.0,
    };
    let vectors =
        (6 + pipeline.conditions.len()) as f64 * layers * vector * pipeline.extract.poolings.len() as f64;
    let texts = |generations: &Generations| generations.rows as f64 * 300.0;
    let row = |stage, seconds, memory: f64, weights: u64, disk: f64| Needs {
        stage,
        seconds,
        memory: memory as u64,
        weights,
        disk: disk as u64,
    };
    // Where answers are read, they are generated first, and fed in once more after their prompts.
    let answers = &workload.answers;
    let reads_answers = answers.rows > 0;
    let answered = (answers.rows * answers.most_tokens) as f64;
    let generated = match reads_answers {
        true => costs.generation(answers),
        false => Range::default(),
    };
    let recorded_pass = costs
        .pass(workload.extracted + answered * costs.length.low, 0.0)
        .up_to(costs.pass(workload.extracted + answered, 0.0));
    // Extraction may stream: it then holds two layers at a time.
    let layer = shape.loaded as f64 / layers * 2.0;
    let group = (GROUP_ROWS * (1 + pipeline.extract.sites.len())) as f64 * layers * vector;
    let capture = 3.0 * recorded.min(32e6)
        + recorded.min(group)
        + 3.0 * 32e6_f64.min((workload.extracted + answered) * vector)
        + layer_work(shape, workload.longest + answers.most_tokens);
    let verify = if shape.is_copied { shape.loaded } else { 0 };
    let extract = if reads_answers { shape.loaded } else { verify };
    let capture = match reads_answers {
        true => capture.max(costs.working(answers)),
        false => capture,
    };
    vec![
        row(
            "verify",
            costs
                .load()
                .plus(costs.pass(workload.verified as f64, workload.verified as f64)),
            layer + workload.verified as f64 * vector * layers * 2.0 + layer_work(shape, workload.verified),
            verify,
            10e3,
        ),
        row(
            "extract",
            costs.load().plus(generated).plus(recorded_pass),
            layer + capture,
            extract,
            recorded * 0.9,
        ),
        row(
            "analyze",
            Range { low: 0.03, high: 0.5 }.plus(costs.tables(recorded + pairs * 8.0)),
            50e6 + pairs * 8.0,
            0,
            2.0 * vectors + pairs * 4.0,
        ),
        row(
            "steer",
            costs.load().plus(steered),
            costs.working(&workload.steer),
            shape.loaded,
            texts(&workload.steer),
        ),
        row(
            "dose",
            if workload.dose.rows == 0 {
                Range { low: 0.0, high: 0.2 }
            } else {
                costs.load().plus(swept)
            },
            costs.working(&workload.dose),
            if workload.dose.rows == 0 { 0 } else { shape.loaded },
            texts(&workload.dose) / 3.0,
        ),
        row(
            "locate",
            match workload.locate.patches {
                0 => Range { low: 0.0, high: 0.2 },
                _ => costs
                    .load()
                    .plus(costs.pass(workload.locate.tokens, workload.locate.scored))
                    .plus(costs.distributions(workload.locate.scored)),
            },
            costs.working(&workload.steer),
            if workload.locate.patches == 0 {
                0
            } else {
                shape.loaded
            },
            workload.locate.patches as f64 * 30.0,
        ),
        row("report", Range { low: 0.1, high: 1.0 }, 100e6, 0, 10e6),
    ]
}

/// What one batch of tokens works with: the residual stream, the feed-forward and a distribution
/// for each row. Of a text with more tokens, a layer holds four residual streams, and keys and
/// values as they are and turned about.
fn layer_work(shape: &Shape, tokens: usize) -> f64 {
    let config = &shape.config;
    let keys = config
        .layers
        .iter()
        .map(|layer| layer.key_width())
        .max()
        .unwrap_or(0);
    let more = tokens.saturating_sub(TOKENS_AT_ONCE) * (4 * config.hidden_size + 3 * keys);
    let some = TOKENS_AT_ONCE * (8 * config.hidden_size + 3 * config.widest_feed_forward());
    ((some + more) * 4) as f64
}

struct Costs<'a> {
    shape: &'a Shape,
    speeds: Speeds,
    length: Range,
}

impl<'a> Costs<'a> {
    fn of(shape: &'a Shape, speeds: Speeds, length: Range) -> Self {
        Costs {
            shape,
            speeds,
            length,
        }
    }

    /// Mapping a file takes no time, but reading it later does; weights in another form are
    /// converted.
    fn load(&self) -> Range {
        let read = Range::of(self.shape.stored as f64, FILE_READING);
        let demands = &self.shape.demands;
        let numbers: f64 = demands
            .layers
            .numbers
            .values()
            .chain(demands.head.numbers.values())
            .sum();
        match self.shape.is_copied {
            true => read.plus(Range::of(numbers / self.speeds.threads as f64, CONVERTING)),
            false => read,
        }
    }

    /// The least seconds of products by arithmetic, with so many tokens in the layers and in the head.
    fn arithmetic(&self, tokens: f64, with_head: f64) -> f64 {
        let demands = &self.shape.demands;
        let seconds = |demand: &Demand, tokens: f64| {
            // Products of integers are at least as fast as those of f32.
            let precision = match demand.numbers.contains_key(&Stored::Blocks) {
                true => Precision::F32,
                false => self.shape.precision,
            };
            demand.arithmetic(tokens, precision, &self.speeds.rates)
        };
        seconds(&demands.layers, tokens) + seconds(&demands.head, with_head)
    }

    /// What is computed between the products, for tokens that pass all layers.
    fn around(&self, tokens: f64) -> Range {
        let config = &self.shape.config;
        let numbers = 8 * config.hidden_size + 3 * config.widest_feed_forward();
        let numbers = (numbers * config.layers.len()) as f64 * tokens / self.speeds.threads as f64;
        Range {
            low: numbers * AROUND.low,
            high: numbers * AROUND.high,
        }
    }

    /// Seconds to read all weights so often.
    fn reading(&self, times: f64) -> Range {
        let bytes = self.shape.demands.layers.bytes + self.shape.demands.head.bytes;
        let seconds = bytes * times / self.speeds.bandwidth;
        Range {
            low: seconds / READING.high,
            high: seconds / READING.low,
        }
    }

    /// Passes over this many tokens, with the head for some of them: few tokens wait for memory, many for
    /// the multipliers.
    fn pass(&self, tokens: f64, with_head: f64) -> Range {
        self.passes((tokens / TOKENS_AT_ONCE as f64).ceil(), tokens, with_head)
    }

    fn passes(&self, count: f64, tokens: f64, with_head: f64) -> Range {
        let (work, reading) = (self.arithmetic(tokens, with_head), self.reading(count));
        let products = Range {
            low: (work / PRODUCTS.high).max(reading.low),
            high: (work / PRODUCTS.low).max(reading.high),
        };
        products.plus(self.around(tokens))
    }

    fn distributions(&self, tokens: f64) -> Range {
        let numbers = tokens * self.shape.config.vocab_size as f64 / self.speeds.threads as f64;
        Range {
            low: numbers * PROBABILITY.low,
            high: numbers * PROBABILITY.high,
        }
    }

    /// Prompts once, then a step for each token of the texts that are generated together. Rows share what
    /// comes before their interventions: of prompts all, of texts what agrees, which may be all or nothing.
    fn generation(&self, generations: &Generations) -> Range {
        let rows = generations.rows as f64;
        let alike = rows / generations.prompts.max(1) as f64;
        let own = generations.steered_layers;
        let share = |together: f64| own + (1.0 - own) / alike.min(together).max(1.0);
        let rounds = (rows / ROWS_AT_ONCE as f64).ceil();
        let steps = |length: f64, share: f64| {
            let steps = length * generations.most_tokens as f64;
            self.passes(steps * rounds, steps * rows * share, steps * rows)
        };
        let prompts = |together: f64| self.pass(generations.prompt_tokens * share(together), rows);
        let sampled = self.distributions(rows * generations.most_tokens as f64);
        let most = share(ROWS_AT_ONCE as f64);
        Range {
            low: steps(self.length.low, most).low
                + prompts(ROWS_AT_ONCE as f64).low
                + sampled.low * self.length.low,
            high: steps(self.length.high, 1.0).high + prompts(BEGIN_TOGETHER).high + sampled.high,
        }
    }

    /// Generation, the texts under the unsteered model in both formats, and the answers to neutral
    /// prompts.
    fn sweep(&self, workload: &Workload) -> Range {
        let dose = &workload.dose;
        let text = dose.most_tokens as f64;
        let prompt = dose.prompt_tokens / dose.rows.max(1) as f64;
        // Texts of one prompt are neighbours, and each pass has their prompt once.
        let scored = |different: f64, length: f64| {
            let tokens = 2.0 * workload.scored_texts as f64 * different * text * length;
            (tokens * (1.0 + prompt / TOKENS_AT_ONCE as f64), tokens)
        };
        let neutral = workload.neutral_tokens as f64;
        let changed = neutral * workload.neutral_layers;
        let (low, high) = (
            scored(DIFFERENT.low, self.length.low),
            scored(DIFFERENT.high, self.length.high),
        );
        let generated = self.generation(dose);
        Range {
            low: generated.low
                + self.pass(low.0 + changed * 0.7, low.1 + neutral * 0.4).low
                + self.distributions(low.1 + neutral * 0.4).low,
            high: generated.high
                + self.pass(high.0 + changed, high.1 + neutral * 0.5).high
                + self.distributions(high.1 + neutral * 0.5).high,
        }
    }

    /// Reading tables, twice.
    fn tables(&self, bytes: f64) -> Range {
        Range::of(2.0 * bytes, Range { low: 5e7, high: 1e9 })
    }

    /// Keys and values of the rows generated together, their distributions, and a pass.
    fn working(&self, generations: &Generations) -> f64 {
        let config = &self.shape.config;
        let number = self.shape.precision.size();
        let rows = generations.rows.min(ROWS_AT_ONCE);
        let prompt = generations.prompt_tokens / generations.rows.max(1) as f64;
        let numbers = rows * config.cached_numbers(prompt.ceil() as usize + generations.most_tokens);
        (numbers * number) as f64
            + 2.0 * (rows * config.vocab_size * 4) as f64
            + 64e6
            + layer_work(self.shape, TOKENS_AT_ONCE)
    }
}

impl Range {
    /// This much work at this speed.
    fn of(work: f64, speed: Range) -> Self {
        Range {
            low: work / speed.high,
            high: work / speed.low,
        }
    }

    /// From the low end of this one to the high end of the other.
    fn up_to(self, other: Range) -> Self {
        Range {
            low: self.low,
            high: other.high,
        }
    }

    /// The geometric mean of the two ends.
    pub fn middle(self) -> f64 {
        (self.low * self.high).sqrt()
    }

    pub fn plus(self, other: Range) -> Self {
        Range {
            low: self.low + other.low,
            high: self.high + other.high,
        }
    }
}
