use crate::instructions::also_with_avx2;
use crate::threads::for_each_row;

/// Turns each head of `x: [tokens, heads, head_dim]` in place by its token's angles: element i with
/// element i + `pairs`, `(a, b) -> (a cos - b sin, b cos + a sin)`. Elements beyond `2 * pairs` stay
/// as they are. `cosines` and `sines: [tokens, pairs]`.
///
/// Source: `apply_rotary_pos_emb` of Hugging Face transformers. Rounded as f32 operations in that
/// order.
pub fn rotate(x: &mut [f32], head_dim: usize, pairs: usize, cosines: &[f32], sines: &[f32]) {
    let tokens = cosines.len() / pairs.max(1);
    assert!(cosines.len() == sines.len() && tokens > 0 && x.len().is_multiple_of(tokens * head_dim));
    assert!(2 * pairs <= head_dim, "more is turned than a head has");
    let width = x.len() / tokens;
    for_each_row(x, width, 2, |token, x| {
        let range = token * pairs..(token + 1) * pairs;
        rotate_token(x, head_dim, &cosines[range.clone()], &sines[range]);
    });
}

also_with_avx2! {
    fn rotate_token(x: &mut [f32], head_dim: usize, cosines: &[f32], sines: &[f32]) {
        for head in x.chunks_exact_mut(head_dim) {
            // As many pairs as there are cosines; what is beyond them is left alone.
            let (first, second) = head.split_at_mut(cosines.len());
            for (((a, b), cosine), sine) in first.iter_mut().zip(second).zip(cosines).zip(sines) {
                (*a, *b) = (*a * cosine - *b * sine, *b * cosine + *a * sine);
            }
        }
    }
}
