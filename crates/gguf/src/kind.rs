use std::fmt;

/// How a tensor's numbers are stored: plainly, or in blocks of small integers with common scales.
///
/// The block formats are those of ggml (ggml-common.h and ggml-quants.c of
/// <https://github.com/ggml-org/ggml>). All but the plain types and those of 32 need rows that are
/// multiples of 256; where a model's are not, llama.cpp falls back to a type with blocks of 32
/// (Q4_K to Q5_0, Q5_K to Q5_1, Q6_K to Q8_0, those below to IQ4_NL), which is why a "Q4_K_M" file
/// may hold Q5_0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockKind {
    /// f32.
    F32,
    /// f16.
    F16,
    /// 4 bits and a scale for 32 numbers.
    Q4_0,
    /// 4 bits, a scale and a minimum for 32 numbers.
    Q4_1,
    /// 5 bits and a scale for 32 numbers.
    Q5_0,
    /// 5 bits, a scale and a minimum for 32 numbers.
    Q5_1,
    /// 8 bits and a scale for 32 numbers.
    Q8_0,
    /// Q2_K: 2 bits, with scales and minima of 4 bits for 16 numbers.
    Q2K,
    /// Q3_K: 3 bits, with scales of 6 bits for 16 numbers.
    Q3K,
    /// Q4_K: 4 bits, with scales and minima of 6 bits for 32 numbers.
    Q4K,
    /// Q5_K: 5 bits, with scales and minima of 6 bits for 32 numbers.
    Q5K,
    /// Q6_K: 6 bits, with scales of 8 bits for 16 numbers.
    Q6K,
    /// IQ2_XXS: entries of a table of 256, with signs.
    Iq2Xxs,
    /// IQ2_XS: entries of a table of 512, with signs.
    Iq2Xs,
    /// IQ3_XXS: entries of a table of 256, with signs.
    Iq3Xxs,
    /// IQ1_S: entries of a table of 2048.
    Iq1S,
    /// IQ4_NL: 4 bits that choose from a table of 16, and a scale for 32 numbers.
    Iq4Nl,
    /// IQ3_S: entries of a table of 512, with signs.
    Iq3S,
    /// IQ2_S: entries of a table of 1024, with signs.
    Iq2S,
    /// IQ4_XS: as IQ4_NL, with scales of 6 bits in blocks of 256.
    Iq4Xs,
    /// IQ1_M: entries of the table of IQ1_S, with finer scales.
    Iq1M,
    /// bf16.
    Bf16,
    /// TQ1_0: -1, 0 or 1, five in a byte.
    Tq1_0,
    /// TQ2_0: -1, 0 or 1, four in a byte.
    Tq2_0,
    /// MXFP4: floats of 4 bits, and a power of two for 32 numbers.
    Mxfp4,
}

impl BlockKind {
    /// Every type that can be read.
    pub fn all() -> impl Iterator<Item = BlockKind> {
        LAYOUTS.iter().map(|layout| layout.kind)
    }

    /// The type with this index, which is what `as usize` makes of it.
    pub const fn at(index: usize) -> BlockKind {
        LAYOUTS[index].kind
    }

    /// How many numbers a block holds. A row of a tensor is a whole number of blocks.
    pub const fn block_elements(self) -> usize {
        self.layout().elements
    }

    /// How many bytes of the file a block takes.
    pub const fn block_bytes(self) -> usize {
        self.layout().bytes
    }

    /// Its number in ggml's `ggml_type`, by which files name it.
    pub(crate) const fn number(self) -> u32 {
        self.layout().number
    }

    /// How many numbers have a scale of their own in the form that [`unpack`](crate::unpack) gives:
    /// 16 or 32. `None` for numbers that are stored one by one.
    pub const fn group(self) -> Option<usize> {
        match self {
            BlockKind::F32 | BlockKind::F16 | BlockKind::Bf16 => None,
            BlockKind::Q2K
            | BlockKind::Q3K
            | BlockKind::Q6K
            | BlockKind::Iq2Xs
            | BlockKind::Iq2S
            | BlockKind::Iq1M => Some(16),
            _ => Some(32),
        }
    }

    /// Whether groups have a minimum that is subtracted, besides their scale.
    pub const fn has_minima(self) -> bool {
        matches!(
            self,
            BlockKind::Q4_1 | BlockKind::Q5_1 | BlockKind::Q2K | BlockKind::Q4K | BlockKind::Q5K
        )
    }

    /// The kind that a file gives by its number in ggml's `ggml_type`.
    pub(crate) fn from_number(number: u32) -> Option<Self> {
        let found = LAYOUTS.iter().find(|layout| layout.number == number);
        found.map(|layout| layout.kind)
    }

    const fn layout(self) -> &'static Layout {
        &LAYOUTS[self as usize]
    }
}

impl fmt::Display for BlockKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.layout().name)
    }
}

/// The name of a type that can't be read, by its number in ggml's `ggml_type`, for messages.
pub(crate) fn unreadable_name(number: u32) -> String {
    let found = UNREADABLE.iter().find(|(other, _)| *other == number);
    match found {
        Some((_, name)) => (*name).to_owned(),
        None => format!("number {number}"),
    }
}

struct Layout {
    kind: BlockKind,
    /// In ggml's `ggml_type`.
    number: u32,
    name: &'static str,
    elements: usize,
    bytes: usize,
}

const fn layout(kind: BlockKind, number: u32, name: &'static str, elements: usize, bytes: usize) -> Layout {
    Layout {
        kind,
        number,
        name,
        elements,
        bytes,
    }
}

const LAYOUTS: [Layout; 25] = [
    layout(BlockKind::F32, 0, "F32", 1, 4),
    layout(BlockKind::F16, 1, "F16", 1, 2),
    layout(BlockKind::Q4_0, 2, "Q4_0", 32, 18),
    layout(BlockKind::Q4_1, 3, "Q4_1", 32, 20),
    layout(BlockKind::Q5_0, 6, "Q5_0", 32, 22),
    layout(BlockKind::Q5_1, 7, "Q5_1", 32, 24),
    layout(BlockKind::Q8_0, 8, "Q8_0", 32, 34),
    layout(BlockKind::Q2K, 10, "Q2_K", 256, 84),
    layout(BlockKind::Q3K, 11, "Q3_K", 256, 110),
    layout(BlockKind::Q4K, 12, "Q4_K", 256, 144),
    layout(BlockKind::Q5K, 13, "Q5_K", 256, 176),
    layout(BlockKind::Q6K, 14, "Q6_K", 256, 210),
    layout(BlockKind::Iq2Xxs, 16, "IQ2_XXS", 256, 66),
    layout(BlockKind::Iq2Xs, 17, "IQ2_XS", 256, 74),
    layout(BlockKind::Iq3Xxs, 18, "IQ3_XXS", 256, 98),
    layout(BlockKind::Iq1S, 19, "IQ1_S", 256, 50),
    layout(BlockKind::Iq4Nl, 20, "IQ4_NL", 32, 18),
    layout(BlockKind::Iq3S, 21, "IQ3_S", 256, 110),
    layout(BlockKind::Iq2S, 22, "IQ2_S", 256, 82),
    layout(BlockKind::Iq4Xs, 23, "IQ4_XS", 256, 136),
    layout(BlockKind::Iq1M, 29, "IQ1_M", 256, 56),
    layout(BlockKind::Bf16, 30, "BF16", 1, 2),
    layout(BlockKind::Tq1_0, 34, "TQ1_0", 256, 54),
    layout(BlockKind::Tq2_0, 35, "TQ2_0", 256, 66),
    layout(BlockKind::Mxfp4, 39, "MXFP4", 32, 17),
];

/// A kind's place in the list is its discriminant.
const _: () = {
    let mut place = 0;
    while place < LAYOUTS.len() {
        assert!(LAYOUTS[place].kind as usize == place);
        place += 1;
    }
};

/// Types that files of weights hold rarely or never: what llama.cpp computes with in between,
/// integers, layouts that it has dropped, and its newest.
const UNREADABLE: [(u32, &str); 18] = [
    (4, "Q4_2"),
    (5, "Q4_3"),
    (9, "Q8_1"),
    (15, "Q8_K"),
    (24, "I8"),
    (25, "I16"),
    (26, "I32"),
    (27, "I64"),
    (28, "F64"),
    (31, "Q4_0_4_4"),
    (32, "Q4_0_4_8"),
    (33, "Q4_0_8_8"),
    (36, "IQ4_NL_4_4"),
    (37, "IQ4_NL_4_8"),
    (38, "IQ4_NL_8_8"),
    (40, "NVFP4"),
    (41, "Q1_0"),
    (42, "Q2_0"),
];
