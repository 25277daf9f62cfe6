use crate::cache::FIRST_CAPACITY;
use crate::{ModelConfig, Precision, TOKENS_AT_ONCE};

/// Texts that a GPU generates at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextsAtOnce {
    /// How many.
    pub rows: usize,
    /// The most tokens of a prompt.
    pub prompt: usize,
    /// The most tokens of a text with its prompt.
    pub tokens: usize,
}

/// Bytes of a GPU's memory that generation takes at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// Every tensor, in the type in which it is kept.
    pub weights: u64,
    /// Keys and values. A log has twice the room of what its rows need, and is there twice for one layer while it moves.
    pub cache: u64,
    /// What a pass has between its products.
    pub workspace: u64,
}

/// Copies of a pass's tensors that are there at the same time: what an operation takes and gives, what waits, and what the
/// allocator keeps for later.
const ALIVE: usize = 6;

impl Footprint {
    /// What these texts take.
    pub fn of(config: &ModelConfig, precision: Precision, texts: TextsAtOnce) -> Self {
        let tensors = config.tensors();
        let numbers = tensors.iter().map(|(_, shape)| shape.iter().product::<usize>());
        Footprint {
            weights: (numbers.sum::<usize>() * precision.size()) as u64,
            cache: (cache(config, texts) * precision.size()) as u64,
            // Scores and logits are in f32 in any case.
            workspace: (ALIVE * workspace(config, texts) * 4) as u64,
        }
    }

    /// How many texts like these fit into so many bytes at once: at most as many as `texts` has, and perhaps none.
    pub fn rows_within(config: &ModelConfig, precision: Precision, texts: TextsAtOnce, bytes: u64) -> usize {
        let fits = |rows: &usize| {
            let fewer = TextsAtOnce { rows: *rows, ..texts };
            Footprint::of(config, precision, fewer).total() <= bytes
        };
        // More rows take more, so that they fit up to a number.
        let rows: Vec<usize> = (1..=texts.rows).collect();
        rows.partition_point(fits)
    }

    /// All of it.
    pub fn total(&self) -> u64 {
        self.weights + self.cache + self.workspace
    }
}

fn cache(config: &ModelConfig, texts: TextsAtOnce) -> usize {
    let layers = config.layers.iter().zip(config.windows_of_keys());
    let own = layers.filter(|(layer, _)| layer.keeps_keys());
    let of_layers = own.map(|(layer, window)| {
        let slots = 2 * texts.rows * texts.tokens.min(window.saturating_mul(2));
        2 * layer.key_width() * slots.max(FIRST_CAPACITY)
    });
    let of_layers: Vec<usize> = of_layers.collect();
    of_layers.iter().sum::<usize>() + of_layers.iter().max().copied().unwrap_or(0)
}

/// Numbers of one copy of the largest that a pass has: of its tokens, of its attention, of its logits.
fn workspace(config: &ModelConfig, texts: TextsAtOnce) -> usize {
    // Prompts begin until a pass has enough tokens; the last one may have as many again.
    let tokens = (texts.rows * texts.prompt).min(2 * TOKENS_AT_ONCE) + texts.rows;
    let of_tokens = tokens * config.hidden_size.max(config.widest_feed_forward());
    let attention = config.layers.iter().map(|layer| {
        let prompts = texts.rows.min(tokens.div_ceil(texts.prompt.max(1)));
        let keys = layer
            .window
            .map_or(texts.tokens, |window| texts.tokens.min(window + texts.prompt));
        let scores = |lines: usize, queries: usize| lines * layer.num_attention_heads * queries * keys;
        let gathered = texts.rows * keys * layer.key_width();
        scores(prompts, texts.prompt).max(scores(texts.rows, 1)) + gathered
    });
    let logits = texts.rows * config.vocab_size;
    of_tokens + attention.max().unwrap_or(0) + logits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ModelFiles;

    #[test]
    fn as_many_rows_fit_as_the_stated_bytes_allow_and_one_less_with_a_byte_less() {
        let files = ModelFiles::at(&testkit::golden_folder().join("nano")).unwrap();
        let (config, _) = files.network().unwrap();
        let texts = |rows: usize| TextsAtOnce {
            rows,
            prompt: 30,
            tokens: 400,
        };
        let fit = |bytes: u64| Footprint::rows_within(&config, Precision::F32, texts(64), bytes);
        for rows in [1, 2, 7, 64] {
            let stated = Footprint::of(&config, Precision::F32, texts(rows)).total();
            assert_eq!(fit(stated), rows);
            assert_eq!(fit(stated - 1), rows - 1);
        }
        assert_eq!(fit(u64::MAX), 64);
        assert_eq!(fit(0), 0);
    }
}
