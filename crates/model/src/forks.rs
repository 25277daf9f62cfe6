use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

/// Where a tap stops treating rows alike: the layers after which it begins to change some of
/// them in another way than others, and which rows have been changed alike up to each of these.
///
/// A pass computes what rows have in common once, and gives each its own tokens where they part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forks(Arc<Parts>);

#[derive(Debug, Default, PartialEq, Eq)]
struct Parts {
    /// Ascending.
    layers: Vec<usize>,
    /// For each of these layers and each row, a number that rows have in common whose tokens have
    /// been changed alike by all layers up to it: the tokens before a row's last one in a pass, and
    /// the last one.
    classes: Vec<Vec<[usize; 2]>>,
    /// The same for single tokens, by row and position, before the first of these layers, after it, …:
    /// a number above 0. Empty where rows part by layers alone.
    tokens: Vec<HashMap<(usize, usize), usize>>,
}

/// Where a row is first changed in a way of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Parting {
    /// The first layer that takes changed tokens, or changes them itself.
    pub before_layer: usize,
    /// The first position that is changed.
    pub position: usize,
    /// Equal for rows that are changed alike in everything.
    pub change: usize,
}

impl Forks {
    /// `treatment(layer, row, is_last)` is equal for rows that are changed in the same way after
    /// the layer: in a pass's last token of the row, or in those before it.
    pub fn new<T: Hash + Eq>(
        layers: usize,
        rows: usize,
        treatment: impl Fn(usize, usize, bool) -> T,
    ) -> Self {
        let mut parts = Parts::default();
        let mut classes = vec![[0; 2]; rows];
        for layer in 0..layers {
            let mut known = [HashMap::new(), HashMap::new()];
            let before = count(&classes);
            for (row, class) in classes.iter_mut().enumerate() {
                for (kind, is_last) in [false, true].into_iter().enumerate() {
                    let next = known[kind].len();
                    let treated = (class[kind], treatment(layer, row, is_last));
                    class[kind] = *known[kind].entry(treated).or_insert(next);
                }
            }
            if count(&classes) != before {
                parts.layers.push(layer);
                parts.classes.push(classes.clone());
            }
        }
        Forks(Arc::new(parts))
    }

    /// Rows that part at one place each, or never. Tokens before a row's first changed position stay
    /// those of all rows that begin alike.
    pub fn of_partings(rows: &[Option<Parting>]) -> Self {
        let mut parts = Parts::default();
        let partings = rows.iter().flatten();
        parts.layers = partings
            .filter_map(|parting| parting.before_layer.checked_sub(1))
            .collect();
        parts.layers.sort_unstable();
        parts.layers.dedup();
        parts.classes = vec![vec![[0; 2]; rows.len()]; parts.layers.len()];
        let firsts = std::iter::once(0).chain(parts.layers.iter().map(|layer| layer + 1));
        let of_stretch = |first: usize| {
            let parted = rows.iter().enumerate().filter_map(|(row, parting)| {
                let parting = parting.filter(|parting| parting.before_layer <= first)?;
                Some(((row, parting.position), parting.change + 1))
            });
            parted.collect()
        };
        parts.tokens = firsts.map(of_stretch).collect();
        Forks(Arc::new(parts))
    }

    /// The layers after which rows part, ascending.
    pub fn layers(&self) -> &[usize] {
        &self.0.layers
    }

    /// How many of them come before the layer.
    pub(crate) fn before(&self, layer: usize) -> usize {
        self.layers().partition_point(|fork| *fork < layer)
    }

    /// What rows have in common that are alike after this many forks: in a token that follows the
    /// same ones.
    pub(crate) fn class(&self, forks: usize, row: usize, position: usize, is_last: bool) -> usize {
        let token = self.0.tokens.get(forks);
        if let Some(class) = token.and_then(|tokens| tokens.get(&(row, position))) {
            return *class;
        }
        match forks.checked_sub(1) {
            Some(fork) => self.0.classes[fork][row][usize::from(is_last)],
            None => 0,
        }
    }
}

/// The numbers of classes. They are numbered from 0 as they appear.
fn count(classes: &[[usize; 2]]) -> [usize; 2] {
    [0, 1].map(|kind| classes.iter().map(|class| class[kind] + 1).max().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_part_where_their_treatments_first_differ() {
        // By layer: what is done to each of four rows.
        let treatments = [[0, 0, 0, 0], [0, 1, 1, 1], [5, 5, 5, 5], [0, 2, 2, 3]];
        let forks = Forks::new(4, 4, |layer, row, _| treatments[layer][row]);
        assert_eq!(forks.layers(), [1, 3]);
        let classes = |forks_before| [0, 1, 2, 3].map(|row| forks.class(forks_before, row, 0, true));
        assert_eq!(classes(0), [0, 0, 0, 0]);
        assert_eq!(classes(1), [0, 1, 1, 1]);
        assert_eq!(classes(2), [0, 1, 1, 2]);
        assert_eq!([0, 1, 2, 3, 4].map(|layer| forks.before(layer)), [0, 0, 1, 1, 2]);
    }

    #[test]
    fn rows_that_differ_in_last_tokens_only_keep_the_others_in_common() {
        let forks = Forks::new(2, 2, |layer, row, is_last| layer == 0 && row == 1 && is_last);
        assert_eq!(forks.layers(), [0]);
        assert_eq!([0, 1].map(|row| forks.class(1, row, 0, false)), [0, 0]);
        assert_eq!([0, 1].map(|row| forks.class(1, row, 0, true)), [0, 1]);
    }

    #[test]
    fn rows_that_are_treated_alike_never_part() {
        let alike = Forks::new(3, 5, |layer, _, is_last| (layer, is_last));
        assert_eq!(alike, Forks::default());
    }

    #[test]
    fn rows_part_at_a_position_and_before_the_first_layer_too() {
        let parting = |before_layer, position, change| {
            Some(Parting {
                before_layer,
                position,
                change,
            })
        };
        let forks = Forks::of_partings(&[None, parting(0, 3, 0), parting(2, 5, 1), parting(2, 5, 1)]);
        assert_eq!(forks.layers(), [1]);
        let class = |forks_before, row, position| forks.class(forks_before, row, position, false);
        assert_eq!([0, 1, 2, 3].map(|row| class(0, row, 3)), [0, 1, 0, 0]);
        assert_eq!([0, 1, 2, 3].map(|row| class(1, row, 3)), [0, 1, 0, 0]);
        assert_eq!([0, 1, 2, 3].map(|row| class(0, row, 5)), [0; 4]);
        assert_eq!([0, 1, 2, 3].map(|row| class(1, row, 5)), [0, 0, 2, 2]);
    }
}
