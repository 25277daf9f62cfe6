use kernels::{AttentionShape, Context, attend};
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
        let contexts: Vec<Context<'_>> = contexts.iter().map(Vec::as_slice).collect();
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
            let scores: Vec<f64> = context
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
            for (slot, weight) in context.iter().zip(&weights) {
                for i in 0..head_dim {
                    y[index * width + head * head_dim + i] +=
                        weight / sum * f64::from(values[of_slot(*slot) + i]);
                }
            }
        }
    }
    y
}
