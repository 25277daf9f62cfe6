use std::ops::Range;

use gguf::{BlockKind, ByteOperations, UNIT, unpack_with};

use super::WIDTH;
use super::panel::Unpacked;
#[cfg(target_arch = "x86_64")]
use crate::product::Ahead;

/// The bytes of a row of so many inputs, which is a whole number of blocks.
pub(crate) fn row_bytes(kind: BlockKind, inputs: usize) -> usize {
    inputs / kind.block_elements() * kind.block_bytes()
}

/// At most 32 rows of weights.
pub(super) struct Rows<'a> {
    pub kind: BlockKind,
    pub bytes: &'a [u8],
    pub row_bytes: usize,
}

impl<'a> Rows<'a> {
    /// These outputs of a weight.
    pub fn new(kind: BlockKind, weight: &'a [u8], inputs: usize, outputs: Range<usize>) -> Self {
        let row_bytes = row_bytes(kind, inputs);
        Rows {
            kind,
            bytes: &weight[outputs.start * row_bytes..outputs.end * row_bytes],
            row_bytes,
        }
    }

    /// Unpacks unit `unit` of 256 inputs of each row, or what is left of it, and meanwhile asks for
    /// the memory that is wanted next. The type of the blocks is a parameter, so that the compiler
    /// makes a loop of its own of each.
    #[inline(always)]
    pub fn unpack<const KIND: usize>(
        &self,
        operations: impl ByteOperations,
        unit: usize,
        to: &mut [Unpacked; WIDTH],
        next: &mut Next,
    ) {
        let kind = const { BlockKind::at(KIND) };
        let unit_bytes = row_bytes(kind, UNIT);
        let first = unit * unit_bytes;
        let last = self.row_bytes.min(first + unit_bytes);
        for (row, to) in self.bytes.chunks_exact(self.row_bytes).zip(to) {
            next.ask();
            let Unpacked {
                integers,
                scales,
                minima,
            } = to;
            unpack_with(operations, kind, &row[first..last], integers, scales, minima);
        }
    }
}

/// Calls the function that was compiled for the type of the rows' blocks. There is none for types
/// that are not blocks of integers.
macro_rules! for_kind {
    ($rows:expr, $unpack:ident $arguments:tt) => {
        $crate::quantized::rows::for_kind!(
            $rows, $unpack $arguments, 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 22 23 24
        )
    };
    ($rows:expr, $unpack:ident $arguments:tt, $($kind:literal)*) => {
        match $rows.kind as usize {
            $($kind => $unpack::<$kind> $arguments,)*
            _ => unreachable!("{} has no integers", $rows.kind),
        }
    };
}
pub(super) use for_kind;

/// The memory behind some rows, which is asked for while they are used.
pub(super) struct Next {
    #[cfg(target_arch = "x86_64")]
    ahead: Ahead,
}

impl Next {
    /// As many bytes as the rows have, from their end on, in so many requests.
    #[cfg_attr(
        not(target_arch = "x86_64"),
        expect(unused_variables, reason = "requests are instructions of x86")
    )]
    pub fn after(rows: &Rows<'_>, requests: usize) -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            let length = rows.bytes.len();
            let mut ahead = Ahead::new(rows.bytes.as_ptr().wrapping_add(length), 1, length, 0);
            ahead.spread(requests);
            Next { ahead }
        }
        #[cfg(not(target_arch = "x86_64"))]
        Next {}
    }

    pub fn nothing() -> Self {
        Next {
            #[cfg(target_arch = "x86_64")]
            ahead: Ahead::new(std::ptr::null(), 0, 0, 0),
        }
    }

    #[inline(always)]
    pub fn ask(&mut self) {
        #[cfg(target_arch = "x86_64")]
        self.ahead.ask();
    }
}
