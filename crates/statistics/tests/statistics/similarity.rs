use statistics::{PairedGram, SimilarityFigures, similarity};

use crate::numbers::without_contrast;
use crate::reference::{cases, close};

#[test]
fn numpy_gives_the_same_means() {
    for case in cases() {
        let expected = &case.expected["similarity"];
        let figures = similarity(&PairedGram::of(&case.rows).unit()).unwrap();
        for (name, value) in named(&figures) {
            close(&format!("{} {name}", case.name), value, &expected[name]);
        }
    }
}

pub fn named(figures: &SimilarityFigures) -> [(&'static str, f64); 6] {
    [
        ("within_plus", figures.within_plus),
        ("within_minus", figures.within_minus),
        ("within", figures.within),
        ("cross", figures.cross),
        ("difference", figures.difference),
        ("matched", figures.matched),
    ]
}

#[test]
fn matched_pairs_count_among_the_pairs_across() {
    let figures = similarity(&PairedGram::of(&without_contrast(41, 4, 6)).unit()).unwrap();
    assert!((figures.matched - 1.0).abs() < 1e-15);
    let expected = (figures.within * 12.0 + 4.0) / 16.0;
    assert!((figures.cross - expected).abs() < 1e-15);
}
