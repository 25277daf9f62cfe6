use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use crate::launch::{UNITS, empty_like, grid_of, storage};
use crate::rms_norm::sum_of_units;
use crate::{HeadNorms, HeadShape};

/// A group of units for each head of queries, keys and values of each token.
#[cube(launch_unchecked, address_type = "dynamic")]
fn heads_kernel<E: Float>(
    qkv: &[E],
    cosines: &[f32],
    sines: &[f32],
    query_norm: &[f32],
    key_norm: &[f32],
    queries: &mut [E],
    keys: &mut [E],
    values: &mut [E],
    tokens: usize,
    first: usize,
    epsilon: f32,
    #[comptime] shape: Comptime,
    #[comptime] units: usize,
    #[define(E)] _dtype: ElemType,
) {
    let heads = comptime!(shape.heads);
    let groups = comptime!(shape.groups);
    let head_dim = comptime!(shape.head_dim);
    let pairs = comptime!(shape.pairs);
    let head = CUBE_POS_X as usize;
    let token = CUBE_POS_Z as usize * CUBE_COUNT_Y as usize + CUBE_POS_Y as usize;
    if token >= tokens {
        terminate!();
    }
    let unit = UNIT_POS_X as usize;
    let is_query = head < heads;
    let is_value = head >= heads + groups;
    // Its place in what the product gives for the token.
    let mut source = head;
    if comptime!(shape.shared_product) {
        if is_value {
            source = head - groups;
        }
    }
    let products = comptime!(shape.products());
    let of_token = token * products * head_dim;
    let start = of_token + source * head_dim;
    // Where its numbers are among those that a norm is over, and in the norm's weight.
    let mut normed = start;
    let mut width = head_dim.runtime();
    let mut in_weight = 0usize;
    if comptime!(shape.norms == HeadNorms::OfWidth) {
        if is_query {
            normed = of_token;
            width = (heads * head_dim).runtime();
            in_weight = head * head_dim;
        } else {
            if !is_value {
                normed = of_token + heads * head_dim;
                width = (groups * head_dim).runtime();
                in_weight = (head - heads) * head_dim;
            }
        }
    }
    let mut factor = 1.0f32;
    if comptime!(shape.has_norms() || shape.value_norm) {
        let mut sum = 0.0f32;
        let mut index = unit;
        while index < width {
            let value = f32::cast_from(qkv[normed + index]);
            sum += value * value;
            index += units;
        }
        let sum = sum_of_units(sum, units);
        let root = f32::sqrt(sum / f32::cast_from(width as u32) + epsilon);
        if is_value {
            if comptime!(shape.value_norm) {
                factor = 1.0f32 / root;
            }
        } else {
            if comptime!(shape.has_norms()) {
                factor = 1.0f32 / root;
            }
        }
    }
    let mut index = unit;
    while index < head_dim {
        let mut turned = f32::cast_from(qkv[start + index]) * factor;
        if !is_value {
            if comptime!(shape.has_norms()) {
                turned *= norm_weight(query_norm, key_norm, in_weight + index, is_query);
            }
            if index < 2 * pairs {
                let mut pair = index;
                let mut other = index + pairs;
                let mut sign = f32::new(-1.0);
                if index >= pairs {
                    pair = index - pairs;
                    other = index - pairs;
                    sign = f32::new(1.0);
                }
                let mut opposite = f32::cast_from(qkv[start + other]) * factor;
                if comptime!(shape.has_norms()) {
                    opposite *= norm_weight(query_norm, key_norm, in_weight + other, is_query);
                }
                let at = token * pairs + pair;
                turned = turned * cosines[at] + sign * opposite * sines[at];
            }
        }
        let turned = E::cast_from(turned);
        if is_query {
            queries[(token * heads + head) * head_dim + index] = turned;
        } else {
            if is_value {
                values[((first + token) * groups + head - heads - groups) * head_dim + index] = turned;
            } else {
                keys[((first + token) * groups + head - heads) * head_dim + index] = turned;
            }
        }
        index += units;
    }
}

#[cube]
fn norm_weight(query_norm: &[f32], key_norm: &[f32], index: usize, is_query: bool) -> f32 {
    // Both aren't equally long, so that only one is read.
    let mut weight = 0.0f32;
    if is_query {
        weight = query_norm[index];
    } else {
        weight = key_norm[index];
    }
    weight
}

/// What a kernel is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Comptime {
    heads: usize,
    groups: usize,
    head_dim: usize,
    pairs: usize,
    norms: HeadNorms,
    value_norm: bool,
    shared_product: bool,
}

impl Comptime {
    /// Heads that the product gives for a token.
    fn products(&self) -> usize {
        let kinds = if self.shared_product { 1 } else { 2 };
        self.heads + kinds * self.groups
    }

    fn has_norms(&self) -> bool {
        self.norms != HeadNorms::None
    }
}

pub fn launch(
    qkv: CubeTensor,
    tables: [CubeTensor; 2],
    norms: [CubeTensor; 2],
    cache: [CubeTensor; 2],
    first: usize,
    shape: HeadShape,
) -> (CubeTensor, CubeTensor, CubeTensor) {
    let qkv = into_contiguous(qkv);
    let tokens = qkv.meta.shape()[0];
    let queries = empty_like(&qkv, [tokens, shape.heads * shape.head_dim]);
    let [cosines, sines] = tables.map(into_contiguous);
    let [query_norm, key_norm] = norms.map(into_contiguous);
    let [keys, values] = cache.map(writable);
    let known = Comptime {
        heads: shape.heads,
        groups: shape.groups,
        head_dim: shape.head_dim,
        pairs: shape.pairs,
        norms: shape.norms,
        value_norm: shape.value_norm,
        shared_product: shape.shared_product,
    };
    // SAFETY: a unit reads and writes numbers of its head and token; `model` reserves the slots from `first` on.
    unsafe {
        heads_kernel::launch_unchecked(
            &queries.client,
            grid_of(shape.heads + 2 * shape.groups, tokens),
            CubeDim::new_1d(UNITS as u32),
            keys.required_address_type().max(qkv.required_address_type()),
            qkv.clone().into_buffer_arg(),
            cosines.into_buffer_arg(),
            sines.into_buffer_arg(),
            query_norm.into_buffer_arg(),
            key_norm.into_buffer_arg(),
            queries.clone().into_buffer_arg(),
            keys.clone().into_buffer_arg(),
            values.clone().into_buffer_arg(),
            tokens,
            first,
            shape.epsilon,
            known,
            UNITS,
            storage(&qkv),
        );
    }
    (queries, keys, values)
}

/// The tensor itself where nothing else has a handle on it, else a copy.
fn writable(cache: CubeTensor) -> CubeTensor {
    let cache = into_contiguous(cache);
    match cache.handle.can_mut() {
        true => cache,
        false => cache.copy(),
    }
}
