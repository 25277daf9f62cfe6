//! Requests for memory ahead of a few rows of activations, for which memory is the limit.

use std::arch::x86_64::*;
use std::sync::OnceLock;

use crate::instructions::is_intel;

/// What is asked for while a line of each of some rows of weights is used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    /// The lines of the rows that follow, as they lie in memory, so that they are one stream.
    AsTheyLie,
    /// A line of each row, a little further on.
    InEachRow,
}

/// Bytes that each row is asked for ahead.
const AHEAD: usize = 512;
/// Bytes of a row below which too little of it is left to be asked for ahead.
const SHORT: usize = 4 * AHEAD;
/// Bytes of the rows beyond which those that follow are not asked for as a whole: both would not fit
/// the second-level cache.
const LONG: usize = 320 << 10;

/// Requests for lines of some rows that lie one after the other, and of those that follow them.
pub struct Requests<const ROWS: usize> {
    order: Order,
    weight: *const u8,
    row_bytes: usize,
    next: *const u8,
}

impl<const ROWS: usize> Requests<ROWS> {
    pub fn new(weight: *const u8, row_bytes: usize) -> Self {
        Requests {
            order: match row_bytes {
                ..SHORT => Order::AsTheyLie,
                _ if ROWS * row_bytes > LONG => Order::InEachRow,
                _ => best_order(),
            },
            weight,
            row_bytes,
            next: weight.wrapping_add(ROWS * row_bytes),
        }
    }

    /// For the line of each row that is `at` bytes from its beginning, one more.
    #[inline(always)]
    pub fn ask(&mut self, at: usize) {
        let (first, stride) = match self.order {
            Order::AsTheyLie => (self.next, 64),
            Order::InEachRow => {
                // Beyond its end, the row that has its place among those that follow.
                let is_beyond = at + AHEAD >= self.row_bytes;
                let following = if is_beyond { (ROWS - 1) * self.row_bytes } else { 0 };
                (self.weight.wrapping_add(at + AHEAD + following), self.row_bytes)
            }
        };
        for row in 0..ROWS {
            // SAFETY: a request for memory that isn't there has no effect.
            unsafe { _mm_prefetch::<_MM_HINT_T1>(first.wrapping_add(row * stride).cast()) };
        }
        self.next = self.next.wrapping_add(64 * ROWS);
    }
}

/// Measured with one row of 2,304 to 9,216 inputs: on AMD's Zen 4, asking in each row takes 1.5 times as
/// long as the other; on Intel's Emerald Rapids, it takes 0.75 to 0.9 times as long.
fn best_order() -> Order {
    static ORDER: OnceLock<Order> = OnceLock::new();
    *ORDER.get_or_init(|| {
        if is_intel() {
            Order::InEachRow
        } else {
            Order::AsTheyLie
        }
    })
}
