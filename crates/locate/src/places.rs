//! Which places are patched, and which positions at each.

use model::{ModelConfig, Site};
use pipeline::LocateTable;
use terms::{Patch, PatchedPositions};

use crate::changes::Place;
use crate::pairs::Pair;

/// A place and the tokens that are patched there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Where in the network.
    pub place: Place,
    /// Which tokens.
    pub positions: PatchedPositions,
    /// Of a single token: its place from the end of the turn.
    pub from_end: Option<usize>,
}

/// The places of a network, layer by layer.
pub fn places(config: &ModelConfig, sites: &[Site]) -> Vec<Place> {
    let mut places = Vec::new();
    for site in sites {
        for (layer, description) in config.layers.iter().enumerate() {
            let heads = match site {
                Site::HeadOutputs => (0..description.num_attention_heads).map(Some).collect(),
                _ => vec![None],
            };
            let place = |head| Place {
                site: *site,
                layer,
                head,
            };
            places.extend(heads.into_iter().map(place));
        }
    }
    places
}

/// Everything that is patched: at each place single tokens of the opened turn and groups; heads, which are
/// many, with the turn and with all tokens alone. A group that some prompt doesn't have is left out.
pub fn spots(config: &ModelConfig, table: &LocateTable, pairs: &[Pair]) -> Vec<Spot> {
    use PatchedPositions::{All, Before, Prompt, Token, Turn};
    let turn = pairs
        .iter()
        .map(|pair| pair.alignment.turn.len())
        .min()
        .unwrap_or(0);
    let tokens = (0..turn).map(|from_end| (Token, Some(from_end)));
    let groups = [Turn, Prompt, Before, All].map(|group| (group, None));
    let whole: Vec<(PatchedPositions, Option<usize>)> = tokens.chain(groups).collect();
    let of_heads = [(Turn, None), (All, None)];
    let is_there = |(positions, from_end): &(PatchedPositions, Option<usize>)| {
        pairs
            .iter()
            .all(|pair| !pair.alignment.group(*positions, *from_end).is_empty())
    };
    let mut spots = Vec::new();
    for place in places(config, &table.places) {
        let positions = match place.head {
            Some(_) => of_heads.as_slice(),
            None => whole.as_slice(),
        };
        for (positions, from_end) in positions.iter().filter(|positions| is_there(positions)) {
            spots.push(Spot {
                place,
                positions: *positions,
                from_end: *from_end,
            });
        }
    }
    spots
}

/// What is put in at a spot: a random vector only in the place of whole residual streams.
pub fn patches(spot: &Spot) -> &'static [Patch] {
    match spot.place.site {
        Site::ResidualPost => Patch::ALL,
        _ => &[Patch::PutIn, Patch::TakenOut, Patch::OtherPrompt],
    }
}

/// What the stage computes for each prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Patches; each is scored with two answers.
    pub patches: usize,
    /// Tokens that pass all layers, or as many layers of more tokens: those of a patch count from its layer and its
    /// first position on.
    pub tokens: f64,
    /// Tokens whose distributions are read.
    pub scored: f64,
}

/// The work on each prompt whose text has `text` tokens, with an opened turn of `turn` tokens: an upper bound, in
/// which groups begin as early as they can and answers have all of their tokens.
pub fn work(config: &ModelConfig, table: &LocateTable, turn: usize, text: usize) -> Work {
    use PatchedPositions::{All, Before, Prompt, Token, Turn};
    let layers = config.layers.len() as f64;
    let mut work = Work::default();
    for place in places(config, &table.places) {
        let whole = (0..turn)
            .map(|from_end| (Token, Some(from_end)))
            .chain([Turn, Prompt, Before, All].map(|group| (group, None)));
        let positions: Vec<(PatchedPositions, Option<usize>)> = match place.head {
            Some(_) => vec![(Turn, None), (All, None)],
            None => whole.collect(),
        };
        for (positions, from_end) in positions {
            let patched = match (positions, from_end) {
                (Token, Some(place)) => place + 1,
                (Turn, _) => turn,
                _ => text,
            };
            let spot = Spot {
                place,
                positions,
                from_end,
            };
            let count = patches(&spot).len();
            let left = (layers - place.layer as f64) / layers;
            work.patches += count;
            work.tokens += (count * (patched + 2 * table.tokens)) as f64 * left;
            work.scored += (count * 2 * table.tokens) as f64;
        }
    }
    work
}

/// The places of the spots, each once.
pub fn distinct_places(spots: &[Spot]) -> Vec<Place> {
    let mut places: Vec<Place> = spots.iter().map(|spot| spot.place).collect();
    places.dedup();
    places
}
