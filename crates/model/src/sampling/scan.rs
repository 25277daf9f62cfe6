//! One pass over all logits: where the large ones are, and whether one is NaN.

use super::not_a_number::NotANumber;

/// Logits that share one maximum: enough for the processor to take many at once, few enough that
/// looking into a block again costs little.
pub(super) const BLOCK: usize = 64;

/// Maxima and sums that are built side by side. A single one would wait for its previous addition
/// each time.
const LANES: usize = 16;

/// Hands `visit` each block: its first token, its logits and the largest of them. An error is
/// found last.
pub(super) fn scan(logits: &[f32], mut visit: impl FnMut(usize, &[f32], f32)) -> Result<(), NotANumber> {
    let mut sums = [0.0; LANES];
    for (number, block) in logits.chunks(BLOCK).enumerate() {
        visit(number * BLOCK, block, largest(block, &mut sums));
    }
    // A sum with a NaN in it is NaN, so an addition is enough to detect it. Infinities of both
    // signs give NaN too.
    if sums.iter().sum::<f32>().is_nan()
        && let Some(token) = logits.iter().position(|logit| logit.is_nan())
    {
        return Err(NotANumber { token });
    }
    Ok(())
}

/// The first of the largest logits.
pub(super) fn most_likely(logits: &[f32]) -> Result<u32, NotANumber> {
    let (mut best, mut place) = (f32::NEG_INFINITY, 0);
    scan(logits, |first, _, largest| {
        if largest > best {
            (best, place) = (largest, first);
        }
    })?;
    let within = logits[place..].iter().position(|logit| *logit == best);
    Ok((place + within.unwrap_or_default()) as u32)
}

/// The largest logit of a block that is not NaN. The logits are added to `sums`.
fn largest(block: &[f32], sums: &mut [f32; LANES]) -> f32 {
    let mut largest = [f32::NEG_INFINITY; LANES];
    let (whole, rest) = block.as_chunks::<LANES>();
    for logits in whole {
        for lane in 0..LANES {
            sums[lane] += logits[lane];
            largest[lane] = larger(logits[lane], largest[lane]);
        }
    }
    for (lane, logit) in rest.iter().enumerate() {
        sums[lane] += logit;
        largest[lane] = larger(*logit, largest[lane]);
    }
    largest.into_iter().fold(f32::NEG_INFINITY, larger)
}

/// Unlike `f32::max`, a single instruction, as it may take `b` whenever one is NaN.
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}
