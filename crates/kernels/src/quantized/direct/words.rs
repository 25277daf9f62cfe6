use std::ops::{BitAnd, BitOr, BitXor, Shl, Shr};

/// The same place in the rows of several outputs.
#[derive(Clone, Copy)]
pub struct Place {
    /// In the first of the rows.
    pub first: *const u8,
    /// From row to row.
    pub stride: usize,
}

impl Place {
    /// So many bytes further on.
    #[inline(always)]
    pub fn plus(self, bytes: usize) -> Self {
        Place {
            first: self.first.wrapping_add(bytes),
            ..self
        }
    }

    /// In this row.
    #[inline(always)]
    pub fn row(self, row: usize) -> *const u8 {
        self.first.wrapping_add(row * self.stride)
    }
}

/// Four bytes of each of several outputs, in a vector of some set of instructions. Shifts move 32
/// bits; the bytes are in the order of memory, the first in the lowest bits.
pub trait Words:
    Copy
    + BitAnd<u32, Output = Self>
    + BitXor<u32, Output = Self>
    + BitOr<Output = Self>
    + Shl<usize, Output = Self>
    + Shr<usize, Output = Self>
{
    type Numbers: Numbers;

    /// The number of outputs.
    const LANES: usize;

    /// The 16 bytes at a place.
    ///
    /// # Safety
    /// They must be there in so many rows, and the processor must have the instructions.
    unsafe fn four(place: Place) -> [Self; 4];

    /// The 4 bytes at a place.
    ///
    /// # Safety
    /// As for [`Words::four`].
    unsafe fn one(place: Place) -> Self;

    /// # Safety
    /// The processor must have the instructions.
    unsafe fn zero() -> Self;

    /// The f16 in the lower half.
    fn half(self) -> Self::Numbers;

    /// As an integer with a sign.
    fn number(self) -> Self::Numbers;

    /// One of the bytes, as an integer with a sign.
    fn signed_byte(self, byte: usize) -> Self::Numbers;

    /// In the place of each byte, which is below 16, that one of the table.
    fn look_up(self, table: &[u8; 16]) -> Self;

    /// Adds the products of the bytes, which have no sign, with two pairs of integers of 16 bits: those
    /// that belong to bytes 0 and 2, and to bytes 1 and 3.
    ///
    /// # Safety
    /// The pairs must be there.
    unsafe fn add_products(self, bytes: Self, pairs: *const i32) -> Self;

    /// Writes the bytes without what they are too high by, as integers of 16 bits: bytes 0 and 2 of all
    /// outputs to the first place, bytes 1 and 3 to the second.
    ///
    /// # Safety
    /// Both must have room for a vector, and be aligned to it.
    unsafe fn store_pairs(self, bias: u8, to: [*mut u8; 2]);

    fn plus(self, other: Self) -> Self;

    fn minus(self, integer: i32) -> Self;
}

/// A number for each of several outputs.
pub trait Numbers: Copy {
    /// # Safety
    /// The processor must have the instructions.
    unsafe fn all(number: f32) -> Self;

    fn times(self, other: Self) -> Self;

    /// `self * factor + sum`, rounded once.
    fn times_plus(self, factor: Self, sum: Self) -> Self;

    /// `sum - self * factor`, rounded once.
    fn times_from(self, factor: Self, sum: Self) -> Self;

    /// # Safety
    /// There must be as many places as outputs.
    unsafe fn store(self, to: *mut f32);
}

/// The operators of words, of intrinsics and the one that fills a vector.
macro_rules! operators {
    ($words:ident, $all:ident, $and:ident, $xor:ident, $or:ident, $left:ident, $right:ident) => {
        operators!($words, BitAnd<u32>, bitand, $and, $all);
        operators!($words, BitXor<u32>, bitxor, $xor, $all);
        operators!($words, Shl<usize>, shl, $left, $all);
        operators!($words, Shr<usize>, shr, $right, $all);

        impl std::ops::BitOr for $words {
            type Output = Self;

            #[inline(always)]
            fn bitor(self, other: Self) -> Self {
                // SAFETY: words are made only where the processor has the instructions.
                unsafe { $words($or(self.0, other.0)) }
            }
        }
    };
    ($words:ident, $operator:ident<$number:ident>, $name:ident, $intrinsic:ident, $all:ident) => {
        impl std::ops::$operator<$number> for $words {
            type Output = Self;

            #[inline(always)]
            fn $name(self, number: $number) -> Self {
                // SAFETY: words are made only where the processor has the instructions.
                unsafe { $words($intrinsic(self.0, $all(number as i32))) }
            }
        }
    };
}
pub(super) use operators;

/// An array of what is written for index 0 to 3. Functions of the standard library that make arrays are
/// not compiled for the instructions of those who call them.
macro_rules! four {
    ($index:ident, $each:expr) => {
        [
            {
                let $index = 0;
                $each
            },
            {
                let $index = 1;
                $each
            },
            {
                let $index = 2;
                $each
            },
            {
                let $index = 3;
                $each
            },
        ]
    };
}
pub(super) use four;
