use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use device_kernels::Seen;

use super::hidden_keys::HiddenKeys;
use crate::Token;
use crate::cache::Path;

/// What each query sees, for the kernels of GPUs, and the most queries of a tile. `paths` are those of the rows; a tile has
/// at most `queries` of one row at positions that follow each other. A query that something is hidden from has a list of
/// slots and a tile of its own.
pub(super) fn seen(
    tokens: &[Token],
    paths: &[Path],
    window: Option<usize>,
    hidden: Option<&HiddenKeys>,
    queries: usize,
    device: &Device,
) -> (Seen, usize) {
    let mut slots: Vec<i32> = Vec::new();
    // Where the slots of each row begin.
    let mut starts = vec![None; paths.len()];
    let (mut bounds, mut tiles) = (Vec::with_capacity(2 * tokens.len()), Vec::new());
    let (mut longest, mut may_continue) = (0, false);
    for (query, token) in tokens.iter().enumerate() {
        if let Some(context) = hidden.and_then(|hidden| hidden.context(query)) {
            let start = slots.len();
            slots.extend(context.path.iter().map(|slot| slot.cast_signed()));
            bounds.extend([start, slots.len()].map(|place| place as i32));
            tiles.extend([query as i32, 1]);
            (longest, may_continue) = (longest.max(1), false);
            continue;
        }
        let path = &paths[token.entry];
        let start = *starts[token.entry].get_or_insert_with(|| {
            let start = slots.len();
            slots.extend(path.slots.iter().map(|slot| slot.cast_signed()));
            start
        });
        let end = token.position + 1;
        let first = window
            .map_or(0, |window| end.saturating_sub(window))
            .max(path.first);
        bounds.extend([start + first - path.first, start + end - path.first].map(|place| place as i32));
        let continues = may_continue && follows(&tokens[query - 1], token);
        match tiles.as_mut_slice() {
            [.., count] if continues && (*count as usize) < queries => *count += 1,
            _ => tiles.extend([query as i32, 1]),
        }
        may_continue = true;
        longest = longest.max(tiles.last().map_or(0, |count| *count as usize));
    }
    let tensor = |numbers: Vec<i32>| {
        let count = numbers.len();
        Tensor::<1, Int>::from_data(TensorData::new(numbers, [count]), (device, DType::I32))
    };
    let seen = Seen {
        slots: tensor(slots),
        bounds: tensor(bounds),
        tiles: tensor(tiles),
    };
    (seen, longest)
}

fn follows(before: &Token, token: &Token) -> bool {
    before.entry == token.entry && before.position + 1 == token.position
}
