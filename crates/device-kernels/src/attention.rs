use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use crate::AttendShape;
use crate::launch::{UNITS, empty_like, grid_of, storage};

/// A score that counts as none.
const HIDDEN: f32 = -1e30;

/// A group of units for each tile of queries, head of keys and part of their pairs: pairs of a query and one of the heads
/// that share these keys. It goes through the keys that its pairs see, as many at once as it has units, and keeps a running
/// maximum and sum of each pair. Source of the rescaling: Milakov and Gimelshein (2018), "Online normalizer calculation for
/// softmax".
#[cube(launch_unchecked, address_type = "dynamic")]
fn attend_kernel<E: Float>(
    queries: &[E],
    keys: &[E],
    values: &[E],
    slots: &[i32],
    bounds: &[i32],
    tiles: &[i32],
    output: &mut [E],
    all_tiles: usize,
    scale: f32,
    cap: f32,
    #[comptime] shape: Comptime,
    #[comptime] units: usize,
    #[define(E)] _dtype: ElemType,
) {
    let head_dim = comptime!(shape.head_dim);
    let pairs = comptime!(shape.pairs);
    let parts = comptime!(shape.parts);
    let heads = comptime!(shape.heads);
    let groups = comptime!(shape.groups);
    let sharing = comptime!(shape.heads / shape.groups);
    // Numbers of an output that a unit has.
    let own = comptime!(shape.head_dim.div_ceil(units));

    let group = CUBE_POS_X as usize / parts;
    let first_pair = (CUBE_POS_X as usize % parts) * pairs;
    let tile = CUBE_POS_Z as usize * CUBE_COUNT_Y as usize + CUBE_POS_Y as usize;
    if tile >= all_tiles {
        terminate!();
    }
    let unit = UNIT_POS_X as usize;
    let first_query = tiles[2 * tile] as usize;
    let in_tile = tiles[2 * tile + 1] as usize;

    let mut query_of = Shared::<[f32]>::new_slice(pairs * head_dim);
    let mut scores = Shared::<[f32]>::new_slice(pairs * units);
    let mut slot_of = Shared::<[u32]>::new_slice(units);
    let mut begins = Shared::<[u32]>::new_slice(pairs);
    let mut ends = Shared::<[u32]>::new_slice(pairs);
    let mut largest = Shared::<[f32]>::new_slice(pairs);
    let mut sums = Shared::<[f32]>::new_slice(pairs);
    let mut factors = Shared::<[f32]>::new_slice(pairs);

    let mut index = unit;
    while index < pairs * head_dim {
        let pair = first_pair + index / head_dim;
        let query = pair / sharing;
        let mut number = 0.0f32;
        if query < in_tile {
            let head = group * sharing + pair % sharing;
            number =
                f32::cast_from(queries[((first_query + query) * heads + head) * head_dim + index % head_dim]);
        }
        query_of[index] = number;
        index += units;
    }
    if unit < pairs {
        let query = (first_pair + unit) / sharing;
        let mut begin = 0u32;
        let mut end = 0u32;
        if query < in_tile {
            begin = u32::cast_from(bounds[2 * (first_query + query)]);
            end = u32::cast_from(bounds[2 * (first_query + query) + 1]);
        }
        begins[unit] = begin;
        ends[unit] = end;
        largest[unit] = HIDDEN;
        sums[unit] = 0.0f32;
    }

    let mut mixed = Array::<f32>::new(comptime!(own * pairs));
    #[unroll]
    for index in 0..comptime!(own * pairs) {
        mixed[index] = 0.0f32;
    }
    let begin = bounds[2 * first_query] as usize;
    let end = bounds[2 * (first_query + in_tile - 1) + 1] as usize;
    let mut start = begin;
    while start < end {
        let at = start + unit;
        let mut slot = 0usize;
        if at < end {
            slot = slots[at] as usize;
        }
        // What the units still read of the keys before must not be written over.
        sync_cube();
        slot_of[unit] = slot as u32;
        let key = (slot * groups + group) * head_dim;
        let mut products = Array::<f32>::new(pairs);
        #[unroll]
        for pair in 0..pairs {
            products[pair] = 0.0f32;
        }
        for dim in 0..head_dim {
            let number = f32::cast_from(keys[key + dim]);
            #[unroll]
            for pair in 0..pairs {
                products[pair] += query_of[pair * head_dim + dim] * number;
            }
        }
        #[unroll]
        for pair in 0..pairs {
            let mut score = products[pair] * scale;
            if comptime!(shape.capped) {
                score = f32::tanh(score / cap) * cap;
            }
            if at < begins[pair] as usize || at >= ends[pair] as usize {
                score = HIDDEN;
            }
            scores[pair * units + unit] = score;
        }
        sync_cube();
        if unit < pairs {
            let before = largest[unit];
            let mut after = before;
            for key in 0..units {
                after = max(after, scores[unit * units + key]);
            }
            factors[unit] = f32::exp(before - after);
            largest[unit] = after;
        }
        sync_cube();
        #[unroll]
        for pair in 0..pairs {
            let score = scores[pair * units + unit];
            let mut weight = 0.0f32;
            if score > 0.5f32 * HIDDEN {
                weight = f32::exp(score - largest[pair]);
            }
            scores[pair * units + unit] = weight;
        }
        sync_cube();
        if unit < pairs {
            let mut sum = 0.0f32;
            for key in 0..units {
                sum += scores[unit * units + key];
            }
            sums[unit] = sums[unit] * factors[unit] + sum;
        }
        let mut count = end - start;
        if count > units {
            count = units;
        }
        #[unroll]
        for part in 0..own {
            let dim = part * units + unit;
            if dim < head_dim {
                #[unroll]
                for pair in 0..pairs {
                    mixed[part * pairs + pair] *= factors[pair];
                }
                for key in 0..count {
                    let place = (slot_of[key] as usize * groups + group) * head_dim;
                    let number = f32::cast_from(values[place + dim]);
                    #[unroll]
                    for pair in 0..pairs {
                        mixed[part * pairs + pair] += scores[pair * units + key] * number;
                    }
                }
            }
        }
        start += units;
    }
    sync_cube();
    #[unroll]
    for part in 0..own {
        let dim = part * units + unit;
        if dim < head_dim {
            #[unroll]
            for pair in 0..pairs {
                let query = (first_pair + pair) / sharing;
                if query < in_tile {
                    let head = group * sharing + (first_pair + pair) % sharing;
                    let place = ((first_query + query) * heads + head) * head_dim;
                    output[place + dim] = E::cast_from(mixed[part * pairs + pair] / sums[pair]);
                }
            }
        }
    }
}

/// What a kernel is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Comptime {
    heads: usize,
    groups: usize,
    head_dim: usize,
    pairs: usize,
    parts: usize,
    capped: bool,
}

pub fn launch(
    [queries, keys, values]: [CubeTensor; 3],
    [slots, bounds, tiles]: [CubeTensor; 3],
    shape: AttendShape,
) -> CubeTensor {
    let [queries, keys, values] = [queries, keys, values].map(into_contiguous);
    let [slots, bounds, tiles] = [slots, bounds, tiles].map(into_contiguous);
    let output = empty_like(&queries, [queries.meta.shape()[0], queries.meta.shape()[1]]);
    let known = Comptime {
        heads: shape.heads,
        groups: shape.groups,
        head_dim: shape.head_dim,
        pairs: shape.pairs(),
        parts: shape.parts(),
        capped: shape.cap.is_some(),
    };
    let all_tiles = tiles.meta.shape()[0] / 2;
    // SAFETY: tiles name queries below their number, bounds places in `slots`, and those slots of the cache.
    unsafe {
        attend_kernel::launch_unchecked(
            &output.client,
            grid_of(shape.groups * shape.parts(), all_tiles),
            CubeDim::new_1d(UNITS as u32),
            keys.required_address_type().max(queries.required_address_type()),
            queries.clone().into_buffer_arg(),
            keys.into_buffer_arg(),
            values.into_buffer_arg(),
            slots.into_buffer_arg(),
            bounds.into_buffer_arg(),
            tiles.into_buffer_arg(),
            output.clone().into_buffer_arg(),
            all_tiles,
            shape.scale,
            shape.cap.unwrap_or(1.0),
            known,
            UNITS,
            storage(&queries),
        );
    }
    output
}
