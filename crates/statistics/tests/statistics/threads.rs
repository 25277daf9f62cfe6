//! The same bits with any number of threads.

use rayon::ThreadPoolBuilder;
use statistics::{
    Cells, PairedGram, bootstrap, effects, label_swap_tests, logistic_probe, paired_difference_pca,
    separability, shrinkage_lda, similarity, split_half, whitened,
};

use crate::numbers::paired_rows;

fn everything() -> String {
    let (prompts, hidden) = (37, 300);
    let rows = paired_rows(121, prompts, hidden, 0.3);
    let raw = PairedGram::of(&rows);
    let (unit, centred) = (raw.unit(), raw.centred());
    let white = whitened(&centred, hidden);
    let others = paired_rows(122, prompts, hidden, 0.3);
    let cells = Cells {
        cells: [[&rows.plus, &rows.minus], [&others.plus, &others.minus]],
    };
    let tests = label_swap_tests(&[unit.clone(), white.gram.unit()], 9);
    // Debug prints as many digits as tell two numbers apart.
    format!(
        "{unit:?} {centred:?} {white:?} {tests:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        similarity(&unit),
        bootstrap(&raw, 9),
        split_half(&raw, 9),
        separability(&raw),
        paired_difference_pca(&raw),
        logistic_probe(&raw),
        shrinkage_lda(&raw, hidden),
        effects(&cells, 9),
    )
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let with = |threads: usize| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(everything)
    };
    let one = with(1);
    assert!(one.len() > 100_000);
    for threads in [2, 3, 8] {
        assert!(with(threads) == one, "{threads} threads gave other numbers");
    }
}
