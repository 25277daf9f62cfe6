use kernels::{AttentionShape, Context, Instructions, attend, attend_with, exp, tanh};
use rand::RngExt;

use crate::support::{generator, numbers, to_bf16};

#[test]
fn attention_is_within_its_bound() {
    let mut generator = generator(8);
    for (heads, groups, head_dim, soft_cap) in [
        (1, 1, 1, None),
        (4, 2, 16, Some(50.0)),
        (8, 4, 33, None),
        (4, 1, 256, Some(20.0)),
        (16, 8, 64, None),
    ] {
        let shape = AttentionShape {
            heads,
            groups,
            head_dim,
            scale: 0.3,
            soft_cap,
        };
        let slots = 57;
        let keys = to_bf16(&numbers(&mut generator, slots * groups * head_dim, 1.0));
        let values = to_bf16(&numbers(&mut generator, slots * groups * head_dim, 1.0));
        let contexts: Vec<Vec<u32>> = [1, 2, 5, 31, 57]
            .into_iter()
            .map(|length| {
                (0..length)
                    .map(|_| generator.random_range(0..slots as u32))
                    .collect()
            })
            .collect();
        let queries = numbers(&mut generator, contexts.len() * heads * head_dim, 1.0);
        let contexts: Vec<Context<'_>> = contexts.iter().map(|path| whole(path)).collect();
        let mut y = vec![0.0; queries.len()];
        attend(&queries, &keys, &values, &contexts, &shape, &mut y);
        let widened = |narrow: &[half::bf16]| narrow.iter().map(|value| value.to_f32()).collect::<Vec<f32>>();
        let (wide_keys, wide_values) = (widened(&keys), widened(&values));
        let mut same = vec![0.0; queries.len()];
        attend(&queries, &wide_keys, &wide_values, &contexts, &shape, &mut same);
        assert_eq!(y, same, "numbers kept as bf16 are widened exactly");
        let expected = expected(&queries, &wide_keys, &wide_values, &contexts, &shape);
        let largest = wide_values
            .iter()
            .fold(0.0f32, |largest, value| largest.max(value.abs()));
        for (index, (found, expected)) in y.iter().zip(&expected).enumerate() {
            let error = (f64::from(*found) - expected).abs();
            assert!(error < 1e-5 * f64::from(largest), "{shape:?}, {index}: {error}");
        }
    }
}

fn whole(path: &[u32]) -> Context<'_> {
    Context {
        path,
        first: 0,
        end: path.len(),
    }
}

/// 32,768 positions, whose softmax is nearly even: that is where roundings add up most.
#[test]
fn long_contexts_are_within_the_bound() {
    let mut generator = generator(9);
    let shape = AttentionShape {
        heads: 2,
        groups: 1,
        head_dim: 40,
        scale: 0.01,
        soft_cap: None,
    };
    let slots = 32_768;
    let mut numbers = |count: usize| -> Vec<f32> {
        (0..count)
            .map(|_| generator.random::<f32>() * 2.0 - 0.5)
            .collect()
    };
    let (keys, values) = (numbers(slots * 40), numbers(slots * 40));
    let path: Vec<u32> = (0..slots as u32).collect();
    let contexts = [whole(&path)];
    let queries = numbers(80);
    let mut y = vec![0.0; 80];
    attend(&queries, &keys, &values, &contexts, &shape, &mut y);
    let expected = expected(&queries, &keys, &values, &contexts, &shape);
    for (found, expected) in y.iter().zip(&expected) {
        let error = (f64::from(*found) - expected).abs();
        assert!(error < 1.5e-5, "{error} of 1.5");
    }
}

/// Prompts with and without windows, texts that begin with another's tokens, and single queries, of
/// many widths: the bits are those of a query alone in the documented order, whatever it is
/// computed with and by which instructions.
#[test]
fn bits_are_those_of_the_documented_order() {
    let mut generator = generator(10);
    for (heads, groups, head_dim, window, soft_cap) in [
        (1, 1, 1, usize::MAX, None),
        (4, 2, 16, 7, Some(50.0)),
        (9, 3, 64, usize::MAX, None),
        (8, 4, 33, 40, None),
        (4, 1, 256, 100, None),
        (6, 1, 80, 1, None),
        (40, 1, 24, 3, Some(30.0)),
    ] {
        let shape = AttentionShape {
            heads,
            groups,
            head_dim,
            scale: 0.3,
            soft_cap,
        };
        let slots = 300;
        let keys = to_bf16(&numbers(&mut generator, slots * groups * head_dim, 1.0));
        let values = to_bf16(&numbers(&mut generator, slots * groups * head_dim, 1.0));
        let mut path = || -> Vec<u32> {
            (0..211)
                .map(|_| generator.random_range(0..slots as u32))
                .collect()
        };
        let paths = [path(), path(), path()];
        let at = |path: usize, position: usize| Context {
            path: &paths[path],
            first: (position + 1).saturating_sub(window),
            end: position + 1,
        };
        let mut contexts: Vec<Context<'_>> = (0..211).map(|position| at(0, position)).collect();
        contexts.extend((150..190).map(|position| at(1, position)));
        contexts.extend([at(2, 200), at(1, 3), at(1, 180), at(2, 17)]);
        let queries = numbers(&mut generator, contexts.len() * heads * head_dim, 1.0);
        let expected = in_order(&queries, &keys, &values, &contexts, &shape);
        let bits = |numbers: &[f32]| {
            numbers
                .iter()
                .map(|number| number.to_bits())
                .collect::<Vec<u32>>()
        };
        let wide_keys: Vec<f32> = keys.iter().map(|number| number.to_f32()).collect();
        let wide_values: Vec<f32> = values.iter().map(|number| number.to_f32()).collect();
        for instructions in Instructions::available() {
            let mut y = vec![f32::NAN; queries.len()];
            attend_with(instructions, &queries, &keys, &values, &contexts, &shape, &mut y);
            assert!(bits(&y) == bits(&expected), "{shape:?}, {instructions:?}");
            y.fill(f32::NAN);
            attend_with(
                instructions,
                &queries,
                &wide_keys,
                &wide_values,
                &contexts,
                &shape,
                &mut y,
            );
            assert!(bits(&y) == bits(&expected), "{shape:?}, {instructions:?}, f32");
        }
    }
}

/// What comes after a query must not reach it, not even as 0 times a NaN.
#[test]
fn later_positions_reach_no_query() {
    let shape = AttentionShape {
        heads: 4,
        groups: 1,
        head_dim: 32,
        scale: 1.0,
        soft_cap: None,
    };
    let path: Vec<u32> = (0..20).collect();
    let contexts: Vec<Context<'_>> = (0..20)
        .map(|position| Context {
            path: &path,
            first: 0,
            end: position + 1,
        })
        .collect();
    let mut numbers = vec![0.5f32; 20 * 32];
    numbers[19 * 32..].fill(f32::NAN);
    let queries = vec![0.25; 20 * 4 * 32];
    let mut y = vec![0.0; queries.len()];
    attend(&queries, &numbers, &numbers, &contexts, &shape, &mut y);
    assert!(y[..19 * 128].iter().all(|number| (number - 0.5).abs() < 1e-6));
    assert!(y[19 * 128..].iter().all(|number| number.is_nan()));
}

/// The documented order, in the plainest code.
fn in_order(
    queries: &[f32],
    keys: &[half::bf16],
    values: &[half::bf16],
    contexts: &[Context<'_>],
    shape: &AttentionShape,
) -> Vec<f32> {
    let (heads, head_dim) = (shape.heads, shape.head_dim);
    let mut y = vec![0.0; queries.len()];
    for (row, y) in y.chunks_mut(head_dim).enumerate() {
        let (query, group) = (
            &queries[row * head_dim..][..head_dim],
            row % heads / (heads / shape.groups),
        );
        let context = contexts[row / heads];
        let slots = &context.path[context.first..context.end];
        let of_slot = |slot: &u32| (*slot as usize * shape.groups + group) * head_dim;
        let score = |slot: &u32| {
            let mut sums = [0.0f32; 32];
            for (element, query) in query.iter().enumerate() {
                sums[element % 32] += query * keys[of_slot(slot) + element].to_f32();
            }
            let score = sums.iter().sum::<f32>() * shape.scale;
            shape.soft_cap.map_or(score, |cap| cap * tanh(score / cap))
        };
        let scores: Vec<f32> = slots.iter().map(score).collect();
        let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let weights: Vec<f32> = scores.iter().map(|score| exp(score - largest)).collect();
        let sum: f32 = weights.iter().sum();
        for (slot, weight) in slots.iter().zip(weights) {
            let weight = weight / sum;
            for (element, y) in y.iter_mut().enumerate() {
                *y += weight * values[of_slot(slot) + element].to_f32();
            }
        }
    }
    y
}

fn expected(
    queries: &[f32],
    keys: &[f32],
    values: &[f32],
    contexts: &[Context<'_>],
    shape: &AttentionShape,
) -> Vec<f64> {
    let (width, head_dim) = (shape.heads * shape.head_dim, shape.head_dim);
    let mut y = vec![0.0; queries.len()];
    for (index, context) in contexts.iter().enumerate() {
        for head in 0..shape.heads {
            let group = head / (shape.heads / shape.groups);
            let query = &queries[index * width + head * head_dim..][..head_dim];
            let of_slot = |slot: u32| (slot as usize * shape.groups + group) * head_dim;
            let slots = &context.path[context.first..context.end];
            let scores: Vec<f64> = slots
                .iter()
                .map(|slot| {
                    let key = &keys[of_slot(*slot)..][..head_dim];
                    let dot: f64 = query
                        .iter()
                        .zip(key)
                        .map(|(q, k)| f64::from(*q) * f64::from(*k))
                        .sum();
                    let score = dot * f64::from(shape.scale);
                    shape
                        .soft_cap
                        .map_or(score, |cap| f64::from(cap) * (score / f64::from(cap)).tanh())
                })
                .collect();
            let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let weights: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
            let sum: f64 = weights.iter().sum();
            for (slot, weight) in slots.iter().zip(&weights) {
                for i in 0..head_dim {
                    y[index * width + head * head_dim + i] +=
                        weight / sum * f64::from(values[of_slot(*slot) + i]);
                }
            }
        }
    }
    y
}
