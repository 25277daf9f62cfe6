use rayon::prelude::*;

/// Numbers below which a loop is not worth sharing: waking another thread costs some microseconds.
const SERIAL: usize = 1 << 14;

/// Whether this many operations should be shared.
pub fn is_worth_sharing(operations: usize) -> bool {
    operations >= SERIAL
}

/// Calls `work` on the rows of `y`, `[rows, width]`, each with its index; on several threads where
/// that pays. `cost` is the number of operations for one number of `y`, roughly.
pub fn for_each_row(y: &mut [f32], width: usize, cost: usize, work: impl Fn(usize, &mut [f32]) + Sync) {
    if !is_worth_sharing(y.len() * cost) {
        for (row, y) in y.chunks_mut(width).enumerate() {
            work(row, y);
        }
        return;
    }
    // Rows that are short are given out several at a time.
    let rows_at_once = (SERIAL / 4 / (width * cost).max(1)).max(1);
    y.par_chunks_mut(width * rows_at_once)
        .enumerate()
        .for_each(|(piece, y)| {
            for (row, y) in y.chunks_mut(width).enumerate() {
                work(piece * rows_at_once + row, y);
            }
        });
}
