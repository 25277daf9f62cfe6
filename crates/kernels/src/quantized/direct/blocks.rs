//! Where blocks have their integers and scales, as `gguf` says it (and tests compare), in words.

use gguf::BlockKind;

use super::words::{Numbers, Place, Words, four};

/// A type of blocks whose integers come out of words by masks and shifts. So many runs of 32 inputs
/// share bytes.
pub trait Blocks<const RUNS: usize> {
    const KIND: BlockKind;

    /// Numbers that have a scale of their own.
    const GROUP: usize = match Self::KIND.group() {
        Some(16) => 16,
        _ => 32,
    };

    /// By how much the integers are too high.
    const BIAS: u8;

    /// The scales of the groups of a block, and the minima where the type has any.
    ///
    /// # Safety
    /// As for [`Words::four`], for a block at the place.
    unsafe fn factors<W: Words>(block: Place, to: &mut Factors<W>);

    /// The first or second 16 integers of the runs that share bytes, of which a block may have
    /// several parts.
    ///
    /// # Safety
    /// As for [`Blocks::factors`].
    unsafe fn integers<W: Words>(block: Place, part: usize, half: usize) -> [[W; 4]; RUNS];
}

/// Of the groups of a block.
pub struct Factors<W: Words> {
    pub scales: [W::Numbers; 16],
    pub minima: [W::Numbers; 16],
}

const FOUR_BITS: u32 = 0x0f0f_0f0f;
const TWO_BITS: u32 = 0x0303_0303;

#[inline(always)]
fn byte<W: Words>(word: W, index: usize) -> W {
    word >> (8 * index) & 0xff
}

pub struct Q4K;
pub struct Q5K;

/// Those of Q4_K and Q5_K.
///
/// # Safety
/// As for [`Words::four`].
#[inline(always)]
unsafe fn factors_of_six_bits<W: Words>(block: Place, to: &mut Factors<W>) {
    // SAFETY: the caller's promise.
    let [halves, first, second, third] = unsafe { W::four(block) };
    let (scale, minimum) = (halves.half(), (halves >> 16).half());
    let (six, two) = (0x3f3f_3f3f, 0x3030_3030);
    let scales = [first & six, third & FOUR_BITS | first >> 2 & two];
    let minima = [second & six, third >> 4 & FOUR_BITS | second >> 2 & two];
    for group in 0..8 {
        to.scales[group] = byte(scales[group / 4], group % 4).number().times(scale);
        to.minima[group] = byte(minima[group / 4], group % 4).number().times(minimum);
    }
}

impl Blocks<2> for Q4K {
    const KIND: BlockKind = BlockKind::Q4K;
    const BIAS: u8 = 0;

    #[inline(always)]
    unsafe fn factors<W: Words>(block: Place, to: &mut Factors<W>) {
        // SAFETY: the caller's promise.
        unsafe { factors_of_six_bits(block, to) }
    }

    #[inline(always)]
    unsafe fn integers<W: Words>(block: Place, part: usize, half: usize) -> [[W; 4]; 2] {
        // SAFETY: the caller's promise.
        let low = unsafe { W::four(block.plus(16 + 32 * part + 16 * half)) };
        [four!(j, low[j] & FOUR_BITS), four!(j, low[j] >> 4 & FOUR_BITS)]
    }
}

impl Blocks<2> for Q5K {
    const KIND: BlockKind = BlockKind::Q5K;
    const BIAS: u8 = 0;

    #[inline(always)]
    unsafe fn factors<W: Words>(block: Place, to: &mut Factors<W>) {
        // SAFETY: the caller's promise.
        unsafe { factors_of_six_bits(block, to) }
    }

    #[inline(always)]
    unsafe fn integers<W: Words>(block: Place, part: usize, half: usize) -> [[W; 4]; 2] {
        // SAFETY: the caller's promise.
        let (low, fifth) = unsafe {
            (
                W::four(block.plus(48 + 32 * part + 16 * half)),
                W::four(block.plus(16 + 16 * half)),
            )
        };
        let fifth = four!(j, fifth[j] >> (2 * part));
        [
            four!(j, low[j] & FOUR_BITS | fifth[j] << 4 & 0x1010_1010),
            four!(j, low[j] >> 4 & FOUR_BITS | fifth[j] << 3 & 0x1010_1010),
        ]
    }
}

pub struct Q6K;

impl Blocks<4> for Q6K {
    const KIND: BlockKind = BlockKind::Q6K;
    const BIAS: u8 = 32;

    #[inline(always)]
    unsafe fn factors<W: Words>(block: Place, to: &mut Factors<W>) {
        // SAFETY: the caller's promise.
        let (scale, scales) = unsafe { (W::one(block.plus(206)) >> 16, W::four(block.plus(192))) };
        let scale = scale.half();
        for group in 0..16 {
            to.scales[group] = scales[group / 4].signed_byte(group % 4).times(scale);
        }
    }

    #[inline(always)]
    unsafe fn integers<W: Words>(block: Place, part: usize, half: usize) -> [[W; 4]; 4] {
        // SAFETY: the caller's promise.
        let (even, odd, upper) = unsafe {
            (
                W::four(block.plus(64 * part + 16 * half)),
                W::four(block.plus(64 * part + 32 + 16 * half)),
                W::four(block.plus(128 + 32 * part + 16 * half)),
            )
        };
        let two = 0x3030_3030;
        [
            four!(j, even[j] & FOUR_BITS | upper[j] << 4 & two),
            four!(j, odd[j] & FOUR_BITS | upper[j] << 2 & two),
            four!(j, even[j] >> 4 & FOUR_BITS | upper[j] & two),
            four!(j, odd[j] >> 4 & FOUR_BITS | upper[j] >> 2 & two),
        ]
    }
}

pub struct Q2K;

impl Blocks<4> for Q2K {
    const KIND: BlockKind = BlockKind::Q2K;
    const BIAS: u8 = 0;

    #[inline(always)]
    unsafe fn factors<W: Words>(block: Place, to: &mut Factors<W>) {
        // SAFETY: the caller's promise.
        let (halves, factors) = unsafe { (W::one(block.plus(80)), W::four(block)) };
        let (scale, minimum) = (halves.half(), (halves >> 16).half());
        for group in 0..16 {
            let factor = byte(factors[group / 4], group % 4);
            to.scales[group] = (factor & 15).number().times(scale);
            to.minima[group] = (factor >> 4).number().times(minimum);
        }
    }

    #[inline(always)]
    unsafe fn integers<W: Words>(block: Place, part: usize, half: usize) -> [[W; 4]; 4] {
        // SAFETY: the caller's promise.
        let low = unsafe { W::four(block.plus(16 + 32 * part + 16 * half)) };
        four!(run, four!(j, low[j] >> (2 * run) & TWO_BITS))
    }
}

pub struct Q3K;

impl Blocks<4> for Q3K {
    const KIND: BlockKind = BlockKind::Q3K;
    const BIAS: u8 = 4;

    #[inline(always)]
    unsafe fn factors<W: Words>(block: Place, to: &mut Factors<W>) {
        // SAFETY: the caller's promise.
        let (first, second, upper, scale) = unsafe {
            (
                W::one(block.plus(96)),
                W::one(block.plus(100)),
                W::one(block.plus(104)),
                W::one(block.plus(106)),
            )
        };
        let low = [first, second, first >> 4, second >> 4];
        let scales = four!(j, low[j] & FOUR_BITS | (upper >> (2 * j) & TWO_BITS) << 4);
        let scale = (scale >> 16).half();
        for group in 0..16 {
            // Stored 32 too high.
            let factor = byte(scales[group / 4], group % 4).minus(32);
            to.scales[group] = factor.number().times(scale);
        }
    }

    #[inline(always)]
    unsafe fn integers<W: Words>(block: Place, part: usize, half: usize) -> [[W; 4]; 4] {
        // SAFETY: the caller's promise.
        let (low, third) = unsafe {
            (
                W::four(block.plus(32 + 32 * part + 16 * half)),
                W::four(block.plus(16 * half)),
            )
        };
        let third = four!(j, third[j] >> (4 * part));
        four!(
            run,
            four!(
                j,
                low[j] >> (2 * run) & TWO_BITS | (third[j] >> run & 0x0101_0101) << 2
            )
        )
    }
}
