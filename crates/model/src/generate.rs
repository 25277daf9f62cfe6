use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;

use crate::batch::Row as BatchRow;
use crate::choice::advance_all;
use crate::row::Row;
use crate::{
    Batch, ConversationCache, Error, Footprint, Generated, GenerationRequest, Network, ResidualTap, Result,
    TextsAtOnce,
};

/// What a pass produced for one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// The row.
    pub row: usize,
    /// Its new token.
    pub token: u32,
}

/// Rows that are generated at the same time. More bring no more speed on a CPU, where
/// arithmetic is the limit by then, but each costs the memory of its keys and values.
pub const ROWS_AT_ONCE: usize = 64;

/// Rows that wait begin when this share of all that are generated at once can: those that begin in one pass share their beginnings.
const TOGETHER: usize = 4;

/// New prompts wait for the next pass once a pass has this many tokens, and longer prompts are
/// computed in parts of as many: enough for products to be at their fastest.
pub const TOKENS_AT_ONCE: usize = 1024;

/// Generates all rows with a key/value cache, until each has met an end token of the model or has
/// `max_new_tokens` tokens. Finished rows leave, and waiting ones take their places: a pass
/// holds the prompts of rows that begin, or a part of a long one, and one token of each row that
/// continues.
///
/// A row's tokens depend on its own request and on what the tap does to it, and not on the other
/// rows. The tap sees rows by their index in `requests`. `progress` is called after each pass with
/// the number of tokens that it produced.
///
/// # Errors
/// A logit that is not a number, what [`Network::forward`] refuses, and a device without memory for a single row
/// ([`Network::within_memory`]).
pub fn generate(
    model: &Network,
    requests: &[GenerationRequest],
    max_new_tokens: usize,
    tap: &mut dyn ResidualTap,
    progress: &mut dyn FnMut(usize),
) -> Result<Vec<Generated>> {
    let rows: BTreeMap<usize, &GenerationRequest> = requests.iter().enumerate().collect();
    let mut memory = ConversationCache::without_keeping(model);
    let mut each = |tokens: &[NewToken]| {
        progress(tokens.len());
        ControlFlow::Continue(())
    };
    let texts = generate_on(model, &mut memory, &rows, max_new_tokens, tap, &mut each)?;
    Ok(texts.into_values().collect())
}

/// The same for rows of any numbers, which take what they had before from `memory` and store there
/// what they have in the end. `each` is called after each pass with the tokens that it brought, and
/// may stop generation: rows are then returned as they are. The tap sees rows by their numbers.
///
/// # Errors
/// As [`generate`].
pub fn generate_on(
    model: &Network,
    memory: &mut ConversationCache,
    requests: &BTreeMap<usize, &GenerationRequest>,
    max_new_tokens: usize,
    tap: &mut dyn ResidualTap,
    each: &mut dyn FnMut(&[NewToken]) -> ControlFlow<()>,
) -> Result<BTreeMap<usize, Generated>> {
    if max_new_tokens == 0 {
        let nothing = |row: &usize| (*row, Generated::nothing());
        return Ok(requests.keys().map(nothing).collect());
    }
    let at_once = rows_at_once(model, memory, requests, max_new_tokens)?;
    let mut texts = BTreeMap::new();
    // Rows that begin alike begin together, since passes compute once what their rows share.
    let mut waiting: Vec<(usize, &GenerationRequest)> =
        requests.iter().map(|(row, request)| (*row, *request)).collect();
    waiting.sort_by_key(|(_, request)| &request.prompt);
    let mut running = Running {
        waiting: waiting.into(),
        active: Vec::new(),
        at_once,
        memory,
    };
    let end_tokens = &model.config().end_tokens;
    while let Some(batch) = running.next_batch(tap)? {
        // Rows with one prompt share its last token, and its logits.
        let mut rows_of_place: BTreeMap<usize, Vec<&mut Row>> = BTreeMap::new();
        for (index, row) in running.active.iter_mut().enumerate() {
            let last = batch.places(index).last();
            if let Some(place) = last.filter(|place| batch.tokens()[**place].is_last) {
                rows_of_place.entry(*place).or_default().push(row);
            }
        }
        // If no prompt ends here, one token is enough to go through all layers.
        let mut places: Vec<usize> = rows_of_place.keys().copied().collect();
        if places.is_empty() {
            places.push(batch.len() - 1);
        }
        let batch = batch.with_wanted(places);
        let h = model.forward(&batch, Some(&mut running.memory.cache), tap)?;
        if !rows_of_place.is_empty() {
            let rows: Vec<Vec<&mut Row>> = rows_of_place.into_values().collect();
            advance_all(model.head(h), rows, (end_tokens, max_new_tokens))?;
        }
        let flow = each(&running.newest());
        texts.extend(running.take_ended(flow));
    }
    Ok(texts)
}

/// How many rows the device has memory for at the same time, beside those that are kept of earlier texts.
fn rows_at_once(
    model: &Network,
    memory: &ConversationCache,
    requests: &BTreeMap<usize, &GenerationRequest>,
    max_new_tokens: usize,
) -> Result<usize> {
    let Some(bytes) = model.memory else {
        return Ok(ROWS_AT_ONCE);
    };
    let prompts = requests.values().map(|request| request.prompt.len());
    let prompt = prompts.max().unwrap_or(1);
    let kept = memory.kept_beside(requests.keys());
    let texts = |rows: usize| TextsAtOnce {
        rows,
        prompt,
        tokens: prompt + max_new_tokens,
    };
    let (config, precision) = (model.config(), model.precision());
    let all = requests.len().min(ROWS_AT_ONCE) + kept;
    let fit = Footprint::rows_within(config, precision, texts(all), bytes);
    match fit.saturating_sub(kept) {
        0 => Err(no_room(
            &Footprint::of(config, precision, texts(1 + kept)),
            bytes,
            kept,
        )),
        rows => Ok(rows),
    }
}

fn no_room(one: &Footprint, bytes: u64, kept: usize) -> Error {
    let beside = match kept {
        0 => String::new(),
        kept => format!(" beside {kept} earlier conversations"),
    };
    Error::Request(format!(
        "one text{beside} takes up to {:.1} MB of the device's memory ({:.1} MB of weights, {:.1} MB of keys and values, {:.1} MB of \
         work), and it has {:.1} MB; take shorter prompts or fewer new tokens, or set model.device = \"cpu\"",
        one.total() as f64 / 1e6,
        one.weights as f64 / 1e6,
        one.cache as f64 / 1e6,
        one.workspace as f64 / 1e6,
        bytes as f64 / 1e6
    ))
}

/// The rows that are generated now, those that wait, and what is known of earlier ones.
struct Running<'a> {
    waiting: VecDeque<(usize, &'a GenerationRequest)>,
    active: Vec<Row>,
    /// The most rows that are generated at the same time.
    at_once: usize,
    memory: &'a mut ConversationCache,
}

impl Running<'_> {
    /// What is next of each active row, and the prompts of as many waiting ones as there is room
    /// for, in the order of the active rows. `None` when all is done.
    fn next_batch(&mut self, tap: &dyn ResidualTap) -> Result<Option<Batch>> {
        let mut batch = Batch::with_forks(tap.forks());
        for row in &self.active {
            self.push(&mut batch, row)?;
        }
        let free = self.at_once - self.active.len();
        if free < self.at_once / TOGETHER && !self.active.is_empty() {
            return Ok(Some(batch));
        }
        while self.active.len() < self.at_once && batch.len() < TOKENS_AT_ONCE {
            let Some((number, request)) = self.waiting.pop_front() else {
                break;
            };
            self.memory.recall(number, &request.prompt);
            let row = Row::new(number, request);
            self.push(&mut batch, &row)?;
            self.active.push(row);
        }
        Ok((!batch.is_empty()).then_some(batch))
    }

    /// Adds the tokens of a row that are not in the cache yet, or as many as one pass takes. Rows
    /// whose texts still agree have the last one in common, and so what follows it.
    fn push(&self, batch: &mut Batch, row: &Row) -> Result<()> {
        let (cache, number) = (&self.memory.cache, row.number);
        let start = cache.length(number);
        let end = row.history.len().min(start + TOKENS_AT_ONCE);
        let slots = cache.last_slots(number, batch.forks());
        let part = BatchRow {
            number,
            start,
            ends: end == row.history.len(),
        };
        batch.push_after(part, &row.history[start..end], &slots)
    }

    /// The last tokens of the rows that have new ones.
    fn newest(&self) -> Vec<NewToken> {
        let newest = |row: &Row| {
            let token = row.history[row.prompt_length..].last().copied();
            token.map(|token| NewToken {
                row: row.number,
                token,
            })
        };
        self.active.iter().filter_map(newest).collect()
    }

    /// The rows that have their last token. After an interruption all have, and those that waited
    /// have nothing.
    fn take_ended(&mut self, flow: ControlFlow<()>) -> Vec<(usize, Generated)> {
        let mut ended = Vec::new();
        if flow.is_break() {
            let nothing = |(number, _)| {
                let unfinished = Generated {
                    finish: None,
                    ..Generated::nothing()
                };
                (number, unfinished)
            };
            ended.extend(self.waiting.drain(..).map(nothing));
        }
        for row in self
            .active
            .extract_if(.., |row| flow.is_break() || row.finish.is_some())
        {
            self.memory.keep(row.number, row.history.clone());
            ended.push((row.number, row.into_generated()));
        }
        ended
    }
}
