//! Blocks of 32 that begin with their scale, perhaps followed by their least value, and IQ4_XS, which
//! joins eight of them.

use gguf::{BlockKind, UNEVEN};

use super::blocks::{Blocks, Factors};
use super::words::{Numbers, Place, Words, four};

const FOUR_BITS: u32 = 0x0f0f_0f0f;

/// Makes a type of blocks of how much its integers are too high, and where it has them.
macro_rules! small {
    ($name:ident, $bias:literal, |$block:ident, $half:ident| $integers:expr) => {
        pub struct $name;

        impl Blocks<1> for $name {
            const KIND: BlockKind = BlockKind::$name;
            const BIAS: u8 = $bias;

            #[inline(always)]
            unsafe fn factors<W: Words>(block: Place, to: &mut Factors<W>) {
                // SAFETY: the caller's promise.
                let halves = unsafe { W::one(block) };
                to.scales[0] = halves.half();
                if const { Self::KIND.has_minima() } {
                    // The negative least value.
                    to.minima[0] = (halves >> 16 ^ 0x8000).half();
                }
            }

            #[inline(always)]
            unsafe fn integers<W: Words>($block: Place, _: usize, $half: usize) -> [[W; 4]; 1] {
                // SAFETY: the caller's promise.
                unsafe { [$integers] }
            }
        }
    };
}

small!(Q4_0, 8, |block, half| nibbles(block.plus(2), half));
small!(Q4_1, 0, |block, half| nibbles(block.plus(4), half));
small!(Q5_0, 16, |block, half| five_bits(block.plus(2), half));
small!(Q5_1, 0, |block, half| five_bits(block.plus(4), half));
small!(Q8_0, 128, |block, half| {
    let integers: [W; 4] = W::four(block.plus(2 + 16 * half));
    four!(j, integers[j] ^ 0x8080_8080)
});
small!(Iq4Nl, 128, |block, half| looked_up(block.plus(2), half));

pub struct Iq4Xs;

impl Blocks<1> for Iq4Xs {
    const KIND: BlockKind = BlockKind::Iq4Xs;
    const BIAS: u8 = 128;

    #[inline(always)]
    unsafe fn factors<W: Words>(block: Place, to: &mut Factors<W>) {
        // SAFETY: the caller's promise.
        let (head, low) = unsafe { (W::one(block), W::one(block.plus(4))) };
        let scale = head.half();
        for group in 0..8 {
            let factor = low >> (4 * group) & 15 | (head >> (16 + 2 * group) & 3) << 4;
            // Stored 32 too high.
            to.scales[group] = factor.minus(32).number().times(scale);
        }
    }

    #[inline(always)]
    unsafe fn integers<W: Words>(block: Place, part: usize, half: usize) -> [[W; 4]; 1] {
        // SAFETY: the caller's promise.
        unsafe { [looked_up(block.plus(8 + 16 * part), half)] }
    }
}

/// # Safety
/// As for [`Words::four`].
#[inline(always)]
unsafe fn nibbles<W: Words>(place: Place, half: usize) -> [W; 4] {
    // SAFETY: the caller's promise.
    let low: [W; 4] = unsafe { W::four(place) };
    four!(j, low[j] >> (4 * half) & FOUR_BITS)
}

/// Four bytes of fifth bits come first.
///
/// # Safety
/// As for [`Words::four`].
#[inline(always)]
unsafe fn five_bits<W: Words>(place: Place, half: usize) -> [W; 4] {
    // SAFETY: the caller's promise.
    let (fifth, low) = unsafe { (W::one(place), nibbles::<W>(place.plus(4), half)) };
    let fifth = fifth >> (16 * half);
    four!(j, {
        // Four bits, of which each goes to a byte of its own.
        let bits = fifth >> (4 * j) & 15;
        let two = bits | bits << 7;
        low[j] | ((two | two << 14) & 0x0101_0101) << 4
    })
}

/// The numbers of the table, 128 too high.
static TABLE: [u8; 16] = {
    let mut table = [0; 16];
    let mut place = 0;
    while place < 16 {
        table[place] = UNEVEN[place].cast_unsigned() ^ 0x80;
        place += 1;
    }
    table
};

/// # Safety
/// As for [`Words::four`].
#[inline(always)]
unsafe fn looked_up<W: Words>(place: Place, half: usize) -> [W; 4] {
    // SAFETY: the caller's promise.
    let places: [W; 4] = unsafe { nibbles(place, half) };
    four!(j, places[j].look_up(&TABLE))
}
