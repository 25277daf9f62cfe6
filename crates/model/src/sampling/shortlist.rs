use super::not_a_number::NotANumber;
use super::tail::Tail;

/// The largest logits of a row, where the others stay on a GPU.
pub(crate) struct Shortlist {
    /// Ascending.
    pub(super) tokens: Vec<u32>,
    /// One for each.
    logits: Vec<f32>,
    /// No logit that is not here is above it, and none that is here is not.
    pub(super) limit: f32,
    /// What the others have together, where it was asked for.
    pub(super) tail: Option<Tail>,
}

impl Shortlist {
    /// From what `device_kernels::largest` gives for a row; `None` where the row has no list, or a number that is not
    /// finite.
    pub fn of(row: &[f32]) -> Option<Self> {
        let ([count, limit, sum], rest) = row.split_first_chunk()?;
        let count = *count as usize;
        if count == 0 || !sum.is_finite() {
            return None;
        }
        let (numbers, places) = rest.split_at(rest.len() / 2);
        let mut pairs: Vec<(u32, f32)> = places
            .iter()
            .zip(numbers)
            .take(count)
            .map(|(place, number)| (*place as u32, *number))
            .collect();
        pairs.sort_unstable_by_key(|(token, _)| *token);
        let (tokens, logits) = pairs.into_iter().unzip();
        Some(Shortlist {
            tokens,
            logits,
            limit: *limit,
            tail: None,
        })
    }

    /// The same with what the other logits have together.
    pub fn with_tail(self, tail: Option<Tail>) -> Self {
        Shortlist { tail, ..self }
    }

    pub(super) fn logits(&self) -> Vec<f32> {
        self.logits.clone()
    }

    /// Those of these tokens that are in the list, as their places in it.
    pub(super) fn places(&self, tokens: &[u32]) -> Vec<u32> {
        let place = |token: &u32| self.tokens.binary_search(token).ok();
        tokens
            .iter()
            .filter_map(place)
            .map(|place| place as u32)
            .collect()
    }

    /// How many of these tokens are not in the list, each counted once.
    pub(super) fn outside(&self, tokens: &[&[u32]]) -> usize {
        let all = tokens.iter().flat_map(|tokens| tokens.iter());
        let outside = all.filter(|token| self.tokens.binary_search(token).is_err());
        outside.collect::<std::collections::BTreeSet<_>>().len()
    }

    /// A choice among the list's places as one among tokens.
    pub(super) fn token(&self, choice: Result<u32, NotANumber>) -> Result<u32, NotANumber> {
        match choice {
            Ok(place) => Ok(self.tokens[place as usize]),
            Err(NotANumber { token }) => Err(NotANumber {
                token: self.tokens[token] as usize,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::super::{Sampler, Sampling};
    use super::*;

    /// What a device gives for these logits: those above a limit, unordered.
    fn row(logits: &[f32], limit: f32, room: usize) -> Vec<f32> {
        let above = logits.iter().enumerate().rev();
        let above: Vec<(usize, f32)> = above
            .map(|(token, logit)| (token, *logit))
            .filter(|(_, logit)| *logit > limit)
            .collect();
        assert!(above.len() <= room);
        let mut row = vec![above.len() as f32, limit, logits.iter().sum()];
        row.extend(above.iter().map(|(_, logit)| *logit));
        row.resize(3 + room, -1.0);
        row.extend(above.iter().map(|(token, _)| *token as f32));
        row.resize(3 + 2 * room, 7.0);
        row
    }

    /// Rules of all kinds; few distinct logits in some cases, so that they tie with the last that is kept.
    #[test]
    fn choices_from_a_list_are_those_from_all_logits() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let (mut certain, mut all) = (0, 0);
        for case in 0..600 {
            let steps = if case % 3 == 0 { 4.0 } else { 1e6 };
            let mut number = || (random.random_range(-6.0..6.0f32) * steps).round() / steps;
            let logits: Vec<f32> = (0..300).map(|_| number()).collect();
            let mut sorted = logits.clone();
            sorted.sort_unstable_by(|a, b| b.total_cmp(a));
            let limit = sorted[30];
            let sampling = Sampling {
                greedy: case % 4 == 0,
                temperature: [0.7, 1.0, 1.9][case % 3],
                top_k: 1 + case % 29,
                top_p: [1.0, 0.8][case % 2],
                repetition_penalty: [1.0, 1.3][case / 2 % 2],
                suppress: (0..case as u32 % 5).map(|index| index * 37).collect(),
            };
            let history: Vec<u32> = (0..40).map(|index| (index * 11 + case as u32) % 300).collect();
            let [mut by_list, mut plain] = [(); 2].map(|()| Sampler::new(sampling.clone(), case as u64));
            let list = Shortlist::of(&row(&logits, limit, 300));
            let Some(list) = list else { continue };
            let found = by_list.next_of(&list, &history);
            let expected = plain.next(&mut logits.clone(), &history).unwrap();
            all += 1;
            match found {
                Some(found) => {
                    assert_eq!(found.unwrap(), expected, "{sampling:?}");
                    certain += 1;
                }
                // Nothing was drawn, so that the whole row gives the same token afterwards.
                None => assert_eq!(by_list.next(&mut logits.clone(), &history).unwrap(), expected),
            }
        }
        assert!(certain > all / 2 && certain < all, "{certain} of {all}");
    }

    #[test]
    fn what_can_be_any_token_is_not_chosen_from_a_list() {
        let logits: Vec<f32> = (0..100).map(|index| index as f32 / 10.0).collect();
        let list = Shortlist::of(&row(&logits, 5.0, 100)).unwrap();
        let drawn = |top_k, repetition_penalty| {
            let sampling = Sampling {
                greedy: false,
                top_k,
                repetition_penalty,
                ..Sampling::greedy()
            };
            Sampler::new(sampling, 1).next_of(&list, &[3])
        };
        assert!(drawn(5, 1.0).is_some());
        assert!(drawn(0, 1.0).is_none(), "all tokens are kept");
        assert!(drawn(5, 0.5).is_none(), "token 3 may rise");
        assert!(drawn(49, 1.0).is_none(), "as many as the list has");
    }

    #[test]
    fn a_row_that_is_not_finite_has_no_list() {
        let mut logits: Vec<f32> = (0..100).map(|index| index as f32).collect();
        for wrong in [f32::NAN, f32::INFINITY] {
            logits[3] = wrong;
            assert!(Shortlist::of(&row(&logits, 50.0, 100)).is_none(), "{wrong}");
        }
    }
}
