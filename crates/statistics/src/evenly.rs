/// At most `most` of the indices below `count`, evenly spaced, the first one among them.
pub fn evenly(count: usize, most: usize) -> Vec<usize> {
    if count <= most {
        return (0..count).collect();
    }
    (0..most).map(|index| index * count / most).collect()
}

#[cfg(test)]
mod tests {
    use super::evenly;

    #[test]
    fn evenly_spaced_without_repetition() {
        assert_eq!(evenly(3, 24), [0, 1, 2]);
        assert_eq!(evenly(10, 4), [0, 2, 5, 7]);
        assert_eq!(evenly(1000, 1), [0]);
        let many = evenly(10_000, 256);
        assert_eq!(many.len(), 256);
        assert!(many.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
