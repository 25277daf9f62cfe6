use crate::elementwise::{exp, tanh};

/// Turns scores into weights, in place.
#[inline(always)]
pub fn softmax(scores: &mut [f32], soft_cap: Option<f32>) {
    if let Some(cap) = soft_cap {
        for score in scores.iter_mut() {
            *score = cap * tanh(*score / cap);
        }
    }
    let largest = largest(scores);
    for score in scores.iter_mut() {
        *score = exp(*score - largest);
    }
    let sum: f32 = scores.iter().sum();
    for score in scores {
        *score /= sum;
    }
}

/// The largest that is not NaN. Sixteen at once: their order doesn't matter.
#[inline(always)]
fn largest(scores: &[f32]) -> f32 {
    let mut largest = [f32::NEG_INFINITY; 16];
    let (whole, rest) = scores.as_chunks::<16>();
    for part in whole {
        for (largest, score) in largest.iter_mut().zip(part) {
            *largest = if *score > *largest { *score } else { *largest };
        }
    }
    let all = largest.into_iter().chain(rest.iter().copied());
    all.fold(f32::NEG_INFINITY, f32::max)
}
